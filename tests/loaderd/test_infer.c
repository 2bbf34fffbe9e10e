/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of inference: which struct, which field is the time, the process, the key; and `fields:`. */
#include "objects.h"

#include <errno.h>

struct fixture {
	struct arena *a;
	struct object o;
	struct artifact elf;
	struct diag d;
	struct layout l;
	struct manifest_channel m;
};

static void fixture_init(struct fixture *f, const char *object)
{
	*f = (struct fixture){ .a = arena_new(0), .o = object_read(object) };
	f->elf = (struct artifact){ .path = "object", .fd = -1, .bytes = f->o.bytes, .size = f->o.size };
}

static void fixture_fini(struct fixture *f)
{
	diag_fini(&f->d);
	object_free(&f->o);
	arena_free(f->a);
}

static const struct program_channel *channel(struct fixture *f, const char *text)
{
	char document[4096];
	struct program *p;
	struct diag d = { 0 };

	snprintf(document, sizeof(document),
		 "programs:\n- { name: x, type: ebpf_object, path: /x.o }\nchannels:\n  events: %s\n", text);
	if (program_parse(f->a, "test.yaml", "/", yaml(f->a, document), &p, &d))
		fail_msg("%s", d.error);
	diag_fini(&d);
	return p->channels.items;
}

static int infer(struct fixture *f, const char *text)
{
	const struct program_channel *c = channel(f, text);
	int err = infer_layout(f->a, c, "events", f->o.btf, &f->elf, &f->l, &f->d);

	f->m = (struct manifest_channel){ .layout = f->l, .has_layout = !err };
	return err ? err : infer_fields(f->a, c, &f->m, &f->d);
}

static void assert_says(const struct fixture *f, const char *words)
{
	if (!strstr(f->d.error, words))
		fail_msg("'%s' does not say '%s'", f->d.error, words);
}

static void the_anchor_says_which_struct(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "layouts");
	assert_int_equal(infer(&f, "{ type: ring_buffer }"), 0);
	assert_string_equal(f.l.name, "all_types");
	assert_string_equal(f.m.ts_field, "ts_ns");
	assert_int_equal(f.m.ts_offset, 32);
	assert_string_equal(f.m.pid_field, "pid");
	assert_int_equal(f.m.pid_bytes, 4);
	/* The 64-bit enum is whole, whatever compiled it. */
	for (size_t i = 0; i < f.l.root.fields.n; i++) {
		const struct layout_field *field = (const struct layout_field *)f.l.root.fields.items + i;

		if (!strcmp(field->name, "wide"))
			assert_int_equal(((struct layout_value *)field->values.items)[1].value, 0x123456789abcdefLL);
	}
	fixture_fini(&f);
}

static void the_yaml_goes_before_the_anchor(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "layouts");
	assert_int_equal(infer(&f, "{ type: ring_buffer, event: point }"), 0);
	assert_string_equal(f.l.name, "point");
	assert_null(f.m.ts_field);
	assert_int_equal(f.m.ts_offset, -1);
	assert_int_equal(f.m.pid_offset, -1);
	fixture_fini(&f);
}

static void without_either_it_is_struct_event_out_of_dwarf(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "dwarf");
	assert_int_equal(infer(&f, "{ type: ring_buffer }"), 0);
	assert_string_equal(f.l.name, "event");
	assert_string_equal(f.l.source, "dwarf");
	assert_string_equal(f.m.ts_field, "ktime_ns");
	assert_string_equal(f.m.pid_field, "tgid");
	assert_int_equal(f.m.pid_offset, 8);
	fixture_fini(&f);
}

static void a_named_struct_is_looked_for_in_dwarf_too(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "dwarf");
	assert_int_equal(infer(&f, "{ type: ring_buffer, event: all_types }"), 0);
	assert_string_equal(f.l.source, "dwarf");
	fixture_fini(&f);
}

static void an_ambiguous_object_is_refused_with_candidates(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "ambiguous");
	assert_int_equal(infer(&f, "{ type: ring_buffer }"), -EINVAL);
	assert_says(&f, "first_record, second_record");
	assert_says(&f, "test.yaml:4: ");
	assert_says(&f, "event: NAME");
	fixture_fini(&f);
}

static void an_anchor_to_a_struct_without_a_definition_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "declared");
	assert_int_equal(infer(&f, "{ type: ring_buffer }"), -EINVAL);
	assert_says(&f, "struct openedx, which is only declared, not defined");
	diag_fini(&f.d);
	assert_int_equal(infer(&f, "{ type: ring_buffer, event: absent }"), -EINVAL);
	assert_says(&f, "structs that it has: opened");
	assert_null(strstr(f.d.error, "openedx"));
	fixture_fini(&f);
}

static void a_struct_that_is_not_there_is_refused_by_name(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, "ambiguous");
	assert_int_equal(infer(&f, "{ type: ring_buffer, event: third_record }"), -EINVAL);
	assert_says(&f, "no struct 'third_record'");
	assert_says(&f, "first_record");
	fixture_fini(&f);
}

static void fields_go_before_everything(void **state)
{
	struct fixture f;
	const struct layout_field *list;

	(void)state;
	fixture_init(&f, "layouts");
	assert_int_equal(infer(&f, "{ type: ring_buffer, size: 64, ts_field: when, pid_field: who, fields: ["
				   "{ name: when, type: u64 }, { name: who, type: s32 }, { name: small, type: u8 }, "
				   "{ name: aligned, type: u16 }, { name: text, type: 'char[4]' }, { name: mac, type: "
				   "'u8[6]', offset: 30 }, "
				   "{ name: state, type: u32, values: { OPEN: 1, SHUT: 2 } }, { name: grid, type: "
				   "'s16[2][3]' }, "
				   "{ name: port, type: be16 }, { name: flag, type: bool }, "
				   "{ name: tgid, type: u32, when: { small: 1 } }, "
				   "{ name: four, type: ip4, when: { who: -1 } }, "
				   "{ name: rest, type: 'char[]', length: aligned } ] }"),
			 0);
	assert_string_equal(f.l.name, "events");
	assert_string_equal(f.l.source, "fields");
	assert_int_equal(f.l.size, 64);
	assert_field(&f.l, "when", LAYOUT_UINT, 0, 64);
	assert_field(&f.l, "who", LAYOUT_INT, 8, 32);
	assert_field(&f.l, "small", LAYOUT_UINT, 12, 8);
	assert_field(&f.l, "aligned", LAYOUT_UINT, 14, 16);
	assert_field(&f.l, "text", LAYOUT_TEXT, 16, 32);
	assert_field(&f.l, "mac", LAYOUT_BYTES, 30, 48);
	assert_field(&f.l, "state", LAYOUT_ENUM, 36, 32);
	assert_field(&f.l, "grid", LAYOUT_ARRAY, 40, 96);
	assert_field(&f.l, "port", LAYOUT_BE, 52, 16);
	assert_field(&f.l, "flag", LAYOUT_BOOL, 54, 8);
	assert_field(&f.l, "four", LAYOUT_IP, 60, 32);
	list = f.l.root.fields.items;
	list += f.l.root.fields.n - 2;
	assert_int_equal(list[0].when.offset, 8 * 8);
	assert_int_equal(list[0].when.bits, 32);
	assert_true(list[0].when_value == UINT32_MAX);
	assert_true(list[1].trailing);
	assert_int_equal(list[1].length.offset, 8 * 14);
	assert_int_equal(list[1].length.bits, 16);
	assert_string_equal(f.m.ts_field, "when");
	assert_int_equal(f.m.pid_offset, 8);
	fixture_fini(&f);
}

static void wrong_fields_are_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "{ type: ring_buffer, event: first_record, ts_field: b }", "ts_field 'b'" },
		{ "{ type: ring_buffer, event: second_record, ts_field: b }", "ts_field 'b'" },
		{ "{ type: ring_buffer, event: first_record, pid_field: b }", "pid_field 'b'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct fixture f;

		fixture_init(&f, "ambiguous");
		assert_int_equal(infer(&f, wrong[i].text), -EINVAL);
		assert_says(&f, wrong[i].says);
		fixture_fini(&f);
	}
}

static const struct program no_functions;

static void the_key_is_the_field_or_the_process(void **state)
{
	struct program_event e = { .hash = "u32" };
	struct manifest_route r = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f, "layouts");
	assert_int_equal(infer(&f, "{ type: ring_buffer }"), 0);
	infer_key(f.a, &no_functions, &e, &f.m, &r);
	assert_string_equal(r.key, "u32");
	assert_int_equal(r.key_bytes, 4);
	e.hash = "ip";
	infer_key(f.a, &no_functions, &e, &f.m, &r);
	assert_int_equal(r.key_bytes, 16);
	e.hash = "hash";
	infer_key(f.a, &no_functions, &e, &f.m, &r);
	assert_int_equal(r.key_offset, -1);
	assert_non_null(strstr(r.key, "process id"));
	assert_non_null(strstr(r.key, "'hash'"));
	e.hash = "bits5";	/* no bytes of its own */
	infer_key(f.a, &no_functions, &e, &f.m, &r);
	assert_int_equal(r.key_offset, -1);
	infer_key(f.a, &no_functions, NULL, &f.m, &r);
	assert_string_equal(r.key, "process id");
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_anchor_says_which_struct),
		cmocka_unit_test(the_yaml_goes_before_the_anchor),
		cmocka_unit_test(without_either_it_is_struct_event_out_of_dwarf),
		cmocka_unit_test(a_named_struct_is_looked_for_in_dwarf_too),
		cmocka_unit_test(an_ambiguous_object_is_refused_with_candidates),
		cmocka_unit_test(an_anchor_to_a_struct_without_a_definition_is_refused),
		cmocka_unit_test(a_struct_that_is_not_there_is_refused_by_name),
		cmocka_unit_test(fields_go_before_everything),
		cmocka_unit_test(wrong_fields_are_refused),
		cmocka_unit_test(the_key_is_the_field_or_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
