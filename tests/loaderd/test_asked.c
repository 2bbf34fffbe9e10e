/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What functions around a load may ask for: read, resolved among several objects, bounded, and set. */
#include "objects.h"

#include <errno.h>

#include "../../loaderd/load_functions.h"

struct fixture {
	struct load l;
	struct object o[2];
	struct program_item items[2];
	struct program program;
	struct load_calls calls;
	struct load_function functions[FUNCTION_HASH + 1];	/* by type; requests keep pointing to them */
};

/* Objects "one" and "two": values.bpf.o twice; "two" has functions.bpf.o instead if @different. */
static void fixture_init(struct fixture *f, bool different)
{
	*f = (struct fixture){ .l = { .sock = -1, .arena = arena_new(0), .n_items = 2 },
			       .o = { object_read("values"), object_read(different ? "functions" : "values") },
			       .items = { { .name = "one" }, { .name = "two" } },
			       .program = { .file = "test.yaml" }, .calls = { .item = "so" } };
	f->l.program = &f->program;
	for (int k = 0; k < 2; k++) {
		f->l.items[k].decl = &f->items[k];
		f->l.items[k].obj = bpf_object__open_mem(f->o[k].bytes, f->o[k].size, NULL);
		assert_non_null(f->l.items[k].obj);
	}
}

static void fixture_fini(struct fixture *f)
{
	for (int k = 0; k < 2; k++) {
		bpf_object__close(f->l.items[k].obj);
		object_free(&f->o[k]);
	}
	diag_fini(&f->l.diag);
	arena_free(f->l.arena);
}

static int ask(struct fixture *f, int type, const char *text)
{
	struct load_function *function = &f->functions[type];

	*function = (struct load_function){ .name = "f", .type = type, .line = 7 };
	memset(f->l.diag.error, 0, sizeof(f->l.diag.error));
	return load_asked_take(&f->l, &f->calls, function, text, strlen(text));
}

static void assert_refused(struct fixture *f, int type, const char *text, const char *says)
{
	size_t before = f->l.n_asked;

	assert_int_not_equal(ask(f, type, text), 0);
	if (!strstr(f->l.diag.error, says))
		fail_msg("'%s' does not say '%s'", f->l.diag.error, says);
	assert_non_null(strstr(f->l.diag.error, "test.yaml:7: "));
	assert_int_equal(f->l.n_asked, before);
	assert_null(f->l.asking);
}

/* Of a variable of .rodata. */
static void read_variable(const struct load_item *i, const char *name, void *to, size_t size)
{
	const struct btf *btf = bpf_object__btf(i->obj);
	struct bpf_map *m;

	bpf_object__for_each_map(m, i->obj) {
		const char *dot = strchr(bpf_map__name(m), '.');
		const struct btf_type *sec = NULL;
		size_t all;
		const char *bytes = bpf_map__initial_value(m, &all);

		if (dot && !strcmp(dot, ".rodata"))
			sec = btf__type_by_id(btf, (uint32_t)btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC));
		for (unsigned k = 0; sec && k < btf_vlen(sec); k++) {
			const struct btf_var_secinfo *at = btf_var_secinfos(sec) + k;

			if (strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, at->type)->name_off), name))
				continue;
			memcpy(to, bytes + at->offset, size);
			return;
		}
	}
	fail_msg("no %s", name);
}

static void requests_are_kept_in_order_until_they_can_be_set(void **state)
{
	struct fixture f;
	char label[8];
	uint32_t target;

	(void)state;
	fixture_init(&f, true);
	assert_int_equal(ask(&f, FUNCTION_INIT,
			     "{\"variable\":\"target\",\"value\":1}\n"
			     "{\"map\":\"numbers\",\"key\":1,\"value\":2}\n\n"
			     "{\"variable\":\"one.label\",\"value\":\"x\"}"), 0);
	assert_int_equal(ask(&f, FUNCTION_PRELOAD, "{\"variable\":\"target\",\"value\":\"hex:04030201\"}\n"), 0);
	assert_int_equal(f.l.n_asked, 4);
	assert_string_equal(f.l.asked->next->map, "numbers");
	assert_ptr_equal(f.l.asked->next->item, &f.l.items[0]);
	assert_int_equal(load_asked_variables(&f.l, &f.l.items[0]), 0);
	assert_int_equal(load_asked_variables(&f.l, &f.l.items[1]), 0);
	read_variable(&f.l.items[0], "target", &target, sizeof(target));
	assert_int_equal(target, 0x01020304);	/* the last one counts */
	read_variable(&f.l.items[0], "label", label, sizeof(label));
	assert_string_equal(label, "x");
	fixture_fini(&f);
}

static void a_name_that_two_objects_have_must_say_which(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, false);
	assert_refused(&f, FUNCTION_INIT, "{\"variable\":\"target\",\"value\":1}",
		       "init function 'f' of so asks for {\"variable\":\"target\",\"value\":1}: "
		       "both 'one' and 'two' have a variable 'target': say ITEM.target");
	assert_refused(&f, FUNCTION_INIT, "{\"map\":\"table\",\"key\":1,\"value\":1}",
		       "both 'one' and 'two' have a map");
	assert_int_equal(ask(&f, FUNCTION_INIT, "{\"variable\":\"two.target\",\"value\":1}"), 0);
	assert_ptr_equal(f.l.asked->item, &f.l.items[1]);
	assert_int_equal(ask(&f, FUNCTION_PRELOAD, "{\"map\":\"one.table\",\"key\":1,\"value\":1}"), 0);
	assert_ptr_equal(f.l.asked->next->item, &f.l.items[0]);
	fixture_fini(&f);
}

static void what_is_no_request_is_refused_and_quoted(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "x", "asks for x: it is no JSON" },
		{ "{}", "asks for {}: expected {\"variable\":" },
		{ "{\"log\":\"a\"}\n7", "asks for 7: expected {\"variable\":" },
		{ "{\"variable\":\"target\"}", "expected {\"variable\":" },
		{ "{\"variable\":\"target\",\"value\":1,\"log\":\"x\"}", "expected {\"variable\":" },
		{ "{\"variable\":7,\"value\":1}", "expected the variable's name, in quotes" },
		{ "{\"variable\":\"\",\"value\":1}", "expected the variable's name, in quotes" },
		{ "{\"map\":[1],\"key\":1,\"value\":1}", "expected the map's name, in quotes" },
		{ "{\"log\":{}}", "expected a text" },
		{ "{\"variable\":\"one.two.target\",\"value\":1}", "no object of this program has a variable" },
		{ "{\"variable\":\"one.\",\"value\":1}", "no object of this program has a variable" },
		{ "{\"map\":\"three.table\",\"key\":1,\"value\":1}", "no object of this program has a map" },
		{ "{\"map\":\"found_events_counts\",\"key\":0,\"value\":1}", "counts what programs produce" },
		{ "{\"map\":\"numbers\",\"map\":\"numbers\",\"key\":0,\"value\":1}", "" },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		if (bad[k].says[0])
			assert_refused(&f, FUNCTION_PRELOAD, bad[k].text, bad[k].says);
		else
			assert_int_not_equal(ask(&f, FUNCTION_PRELOAD, bad[k].text), 0);
	fixture_fini(&f);
}

static void a_value_that_does_not_fit_is_the_requests_error(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	assert_int_equal(ask(&f, FUNCTION_INIT, "{\"variable\":\"small\",\"value\":256}"), 0);
	assert_int_not_equal(load_asked_variables(&f.l, &f.l.items[1]), 0);
	assert_string_equal(f.l.diag.error,
			    "test.yaml:7: init function 'f' of so asks for {\"variable\":\"small\",\"value\":256}: "
			    "'small': expected an unsigned number of 8 bits, not '256'");
	fixture_fini(&f);
}

static void a_long_request_is_quoted_in_part(void **state)
{
	struct fixture f;
	char text[1000];

	(void)state;
	fixture_init(&f, true);
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_refused(&f, FUNCTION_INIT, text, "yyy…: it is no JSON");
	assert_true(strlen(f.l.diag.error) < 320);
	fixture_fini(&f);
}

static void each_type_may_ask_for_what_is_possible_then(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, true);
	f.l.loaded = true;
	assert_refused(&f, FUNCTION_POSTLOAD, "{\"variable\":\"target\",\"value\":1}",
		       "variables are set before the load");
	f.l.unloading = true;
	assert_refused(&f, FUNCTION_UNLOAD, "{\"variable\":\"target\",\"value\":1}", "nothing left to set");
	assert_refused(&f, FUNCTION_UNLOAD, "{\"map\":\"numbers\",\"key\":1,\"value\":1}", "nothing left to set");
	assert_int_equal(ask(&f, FUNCTION_UNLOAD, "{\"log\":\"bye\"}"), 0);
	/* What init asks for in that process was done when the program was loaded. */
	assert_int_equal(ask(&f, FUNCTION_INIT, "{\"variable\":\"target\",\"value\":1}"), 0);
	assert_int_equal(f.l.n_asked, 0);
	fixture_fini(&f);
}

static void requests_are_bounded(void **state)
{
	static const char one[] = "{\"variable\":\"target\",\"value\":1}\n";
	struct fixture f;
	char *text;
	size_t n = 65536;

	(void)state;
	fixture_init(&f, true);
	arena_free(f.l.arena);
	f.l.arena = arena_new(1u << 30);
	text = malloc(n * strlen(one) + 1);
	for (size_t k = 0; k < n; k++)
		memcpy(text + k * strlen(one), one, sizeof(one));
	assert_int_equal(ask(&f, FUNCTION_INIT, text), 0);
	assert_int_equal(f.l.n_asked, n);
	assert_refused(&f, FUNCTION_INIT, one, "more than 65536 variables and entries in one load");
	free(text);
	fixture_fini(&f);
}

static void a_function_that_fails_may_say_why(void **state)
{
	static const struct {
		const char *text, *excuse;
	} rows[] = {
		{ "", "" },
		{ "nonsense\n{\"log\":7}\n{\"log\":\"because\"}\n{\"log\":\"not\"}", "because" },
		{ "{\"variable\":\"x\",\"value\":1}", "" },
		{ "\n\n{\"log\":\"\"}\n{\"log\":\"a\\nb\"}", "a b" },
	};
	char excuse[256];

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		load_asked_excuse(rows[k].text, strlen(rows[k].text), excuse);
		assert_string_equal(excuse, rows[k].excuse);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_kept_in_order_until_they_can_be_set),
		cmocka_unit_test(a_name_that_two_objects_have_must_say_which),
		cmocka_unit_test(what_is_no_request_is_refused_and_quoted),
		cmocka_unit_test(a_value_that_does_not_fit_is_the_requests_error),
		cmocka_unit_test(a_long_request_is_quoted_in_part),
		cmocka_unit_test(each_type_may_ask_for_what_is_possible_then),
		cmocka_unit_test(requests_are_bounded),
		cmocka_unit_test(a_function_that_fails_may_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
