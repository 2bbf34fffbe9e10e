/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values from YAML into globals and map entries, by BTF. */
#include "objects.h"

#include <errno.h>

struct fixture {
	struct load l;
	struct object o;
};

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .l = { .sock = -1, .arena = arena_new(0) }, .o = object_read("values") };
}

static void fixture_fini(struct fixture *f)
{
	diag_fini(&f->l.diag);
	arena_free(f->l.arena);
	object_free(&f->o);
}

static uint32_t type_of(const struct fixture *f, const char *variable)
{
	for (uint32_t id = 1; id < btf__type_cnt(f->o.btf); id++) {
		const struct btf_type *t = btf__type_by_id(f->o.btf, id);

		if (btf_is_var(t) && !strcmp(btf__name_by_offset(f->o.btf, t->name_off), variable))
			return t->type;
	}
	fail_msg("no variable %s", variable);
	return 0;
}

/* 0, or says why not. The bytes are 0xaa before. */
static int put(struct fixture *f, const char *variable, const char *text, void *to, size_t size)
{
	memset(to, 0xaa, size);
	memset(f->l.diag.error, 0, sizeof(f->l.diag.error));
	return load_value(&f->l, f->o.btf, type_of(f, variable), yaml(f->l.arena, text), to, size, variable);
}

static void assert_refused(struct fixture *f, const char *variable, const char *text, const char *says)
{
	char to[64];
	const struct btf_type *t = btf__type_by_id(f->o.btf, type_of(f, variable));

	(void)t;
	assert_int_not_equal(put(f, variable, text, to, btf__resolve_size(f->o.btf, type_of(f, variable))), 0);
	if (!strstr(f->l.diag.error, says))
		fail_msg("'%s' does not say '%s'", f->l.diag.error, says);
}

static void numbers_fit_their_type_or_are_refused(void **state)
{
	struct fixture f;
	unsigned __int128 wide;
	uint32_t u;
	int64_t s;

	(void)state;
	fixture_init(&f);
	assert_int_equal(put(&f, "target", "4294967295", &u, 4), 0);
	assert_int_equal(u, 4294967295u);
	assert_int_equal(put(&f, "target", "0x10", &u, 4), 0);
	assert_int_equal(u, 16);
	assert_int_equal(put(&f, "target", "010", &u, 4), 0);
	assert_int_equal(u, 10);
	assert_int_equal(put(&f, "target", "true", &u, 4), 0);
	assert_int_equal(u, 1);
	assert_int_equal(put(&f, "offset", "-9223372036854775808", &s, 8), 0);
	assert_int_equal(s, INT64_MIN);
	assert_int_equal(put(&f, "wide", "7", &wide, 16), 0);
	assert_true(wide == 7);
	assert_refused(&f, "target", "4294967296", "unsigned number of 32 bits");
	assert_refused(&f, "target", "-1", "unsigned number");
	assert_refused(&f, "target", "12x", "not '12x'");
	assert_refused(&f, "target", "[1]", "a number");
	assert_refused(&f, "offset", "9223372036854775808", "signed number of 64 bits");
	fixture_fini(&f);
}

static void booleans_enums_and_texts(void **state)
{
	struct fixture f;
	char label[8], flag;
	int mode;

	(void)state;
	fixture_init(&f);
	assert_int_equal(put(&f, "enabled", "yes", &flag, 1), 0);
	assert_int_equal(flag, 1);
	assert_int_equal(put(&f, "enabled", "0", &flag, 1), 0);
	assert_int_equal(flag, 0);
	assert_refused(&f, "enabled", "2", "true or false");
	assert_int_equal(put(&f, "mode", "AUTO", &mode, 4), 0);
	assert_int_equal(mode, -3);
	assert_int_equal(put(&f, "mode", "1", &mode, 4), 0);
	assert_int_equal(mode, 1);
	assert_refused(&f, "mode", "SIDEWAYS", "name of its enum");
	assert_int_equal(put(&f, "label", "seven..", label, 8), 0);
	assert_memory_equal(label, "seven..", 8);
	assert_refused(&f, "label", "eight...", "does not fit into char[8]");
	fixture_fini(&f);
}

static void arrays_and_structs(void **state)
{
	struct {
		uint32_t low, hole;
		uint64_t high;
		char name[8];
	} limits;
	struct fixture f;
	uint16_t ports[4];

	(void)state;
	fixture_init(&f);
	assert_int_equal(put(&f, "ports", "[80, 443]", ports, 8), 0);
	assert_int_equal(ports[0], 80);
	assert_int_equal(ports[1], 443);
	assert_refused(&f, "ports", "[1, 2, 3, 4, 5]", "5 elements do not fit into 4");
	assert_refused(&f, "ports", "[65536]", "16 bits");
	assert_int_equal(put(&f, "limits", "{ low: 3, high: 4, name: ab }", &limits, sizeof(limits)), 0);
	assert_int_equal(limits.low, 3);
	assert_int_equal(limits.high, 4);
	assert_string_equal(limits.name, "ab");
	assert_int_equal(
		put(&f, "limits", "'01000000 00000000 0200000000000000 6162000000000000'", &limits, sizeof(limits)), 0);
	assert_int_equal(limits.low, 1);
	assert_int_equal(limits.high, 2);
	assert_refused(&f, "limits", "{ lower: 3 }", "has no member 'lower'");
	assert_refused(&f, "limits", "'0102'", "bytes in hex");
	fixture_fini(&f);
}

static void bytes_without_a_type(void **state)
{
	unsigned char six[6];
	uint32_t four;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(load_bytes(&f.l, yaml(f.l.arena, "7"), &four, 4, "m"), 0);
	assert_int_equal(four, 7);
	assert_int_equal(load_bytes(&f.l, yaml(f.l.arena, "-1"), &four, 4, "m"), 0);
	assert_int_equal(four, UINT32_MAX);
	assert_int_equal(load_bytes(&f.l, yaml(f.l.arena, "'01:02:03:04:05:ff'"), six, 6, "m"), 0);
	assert_memory_equal(six, "\1\2\3\4\5\xff", 6);
	assert_int_equal(load_bytes(&f.l, yaml(f.l.arena, "hex:0102030405ff"), six, 6, "m"), 0);
	assert_int_not_equal(load_bytes(&f.l, yaml(f.l.arena, "hex:0102"), six, 6, "m"), 0);
	assert_non_null(strstr(f.l.diag.error, "6 bytes in hex"));
	fixture_fini(&f);
}

/* Its size cannot be said, so nothing is known to fit. */
static void an_array_of_more_than_memory_takes_nothing(void **state)
{
	struct load l = { .sock = -1, .arena = arena_new(0) };
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int array = btf__add_array(btf, number, number, 0x80000000);
	uint32_t *to = malloc(4);	/* so that a sanitizer, or valgrind, watches */

	(void)state;
	assert_true(array > 0);
	assert_non_null(to);
	assert_int_not_equal(load_value(&l, btf, array, yaml(l.arena, "[1, 2, 3, 4, 5, 6, 7, 8]"), to, 4, "x"), 0);
	assert_non_null(strstr(l.diag.error, "'x'"));
	free(to);
	btf__free(btf);
	diag_fini(&l.diag);
	arena_free(l.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_fit_their_type_or_are_refused),
		cmocka_unit_test(booleans_enums_and_texts),
		cmocka_unit_test(arrays_and_structs),
		cmocka_unit_test(bytes_without_a_type),
		cmocka_unit_test(an_array_of_more_than_memory_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
