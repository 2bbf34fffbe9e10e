/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "yamltest.h"
#include "../../common/json.h"
#include "../../common/layout.h"

static struct layout_value state_values[] = { { "RUNNING", 0 }, { "DEAD", -1 }, { "odd \"name\"", INT64_MIN } };
static struct layout_field point_fields[] = {
	{ .name = "x", .kind = LAYOUT_INT, .bits = 32 },
	{ .name = "y", .kind = LAYOUT_INT, .bits = 32, .offset = 32 },
};
static struct layout_field point = {
	.name = "", .kind = LAYOUT_STRUCT, .bits = 64, .fields = { point_fields, 2 },
};
static struct layout_field u32_element = { .name = "", .kind = LAYOUT_UINT, .bits = 32 };
static struct layout_field either[] = {
	{ .name = "f", .kind = LAYOUT_FLOAT, .bits = 64 },
	{ .name = "p", .kind = LAYOUT_PTR, .bits = 64 },
};
static struct layout_field members[] = {
	{ .name = "ts_ns", .kind = LAYOUT_UINT, .bits = 64 },
	{ .name = "low", .kind = LAYOUT_UINT, .bits = 3, .offset = 64 },
	{ .name = "high", .kind = LAYOUT_INT, .bits = 29, .offset = 67 },
	{ .name = "state", .kind = LAYOUT_ENUM, .bits = 32, .offset = 96, .is_signed = true,
	  .values = { state_values, ARRAY_SIZE(state_values) } },
	{ .name = "points", .kind = LAYOUT_ARRAY, .bits = 128, .offset = 128, .count = 2, .fields = { &point, 1 } },
	{ .name = "either", .kind = LAYOUT_UNION, .bits = 64, .offset = 256, .fields = { either, 2 } },
	{ .name = "comm", .kind = LAYOUT_TEXT, .bits = 128, .offset = 320 },
	{ .name = "mac", .kind = LAYOUT_BYTES, .bits = 48, .offset = 448 },
	{ .name = "port", .kind = LAYOUT_BE, .bits = 16, .offset = 496 },
	{ .name = "addr", .kind = LAYOUT_IP, .bits = 128, .offset = 512 },
	{ .name = "ok", .kind = LAYOUT_BOOL, .bits = 8, .offset = 640 },
	{ .name = "big", .kind = LAYOUT_UINT, .bits = 128, .offset = 768 },
	{ .name = "four", .kind = LAYOUT_IP, .bits = 32, .offset = 512, .when = { 496, 16 }, .when_value = 80 },
	{ .name = "rest", .kind = LAYOUT_ARRAY, .offset = 896, .trailing = true, .length = { 640, 8 },
	  .fields = { &u32_element, 1 } },
};
static const struct layout everything = {
	.name = "event", .size = 112, .source = "btf",
	.root = { .name = "", .kind = LAYOUT_STRUCT, .bits = 896, .fields = { members, ARRAY_SIZE(members) } },
};

static char *written(const struct layout *l)
{
	struct json j = {0};

	layout_write(&j, NULL, l);
	return json_finish(&j, NULL);
}

static int parsed(struct doc_fixture *f, const char *text, struct layout *ret)
{
	*ret = (struct layout){0};
	assert_int_equal(doc_parse(f, text), 0);
	return conf_parse(f->a, &layout_schema, f->root, ret, &f->d);
}

static void assert_same(const struct layout_field *x, const struct layout_field *y)
{
	const struct layout_field *fx = x->fields.items, *fy = y->fields.items;
	const struct layout_value *vx = x->values.items, *vy = y->values.items;
	size_t i;

	assert_string_equal(x->name, y->name);
	assert_int_equal(x->kind, y->kind);
	assert_int_equal(x->offset, y->offset);
	assert_int_equal(x->bits, y->bits);
	assert_int_equal(x->is_signed, y->is_signed);
	assert_int_equal(x->trailing, y->trailing);
	assert_int_equal(x->count, y->count);
	assert_memory_equal(&x->length, &y->length, sizeof(x->length));
	assert_memory_equal(&x->when, &y->when, sizeof(x->when));
	assert_int_equal(x->when_value, y->when_value);
	assert_int_equal(x->fields.n, y->fields.n);
	for (i = 0; i < x->fields.n; i++)
		assert_same(&fx[i], &fy[i]);
	assert_int_equal(x->values.n, y->values.n);
	for (i = 0; i < x->values.n; i++) {
		assert_string_equal(vx[i].name, vy[i].name);
		assert_true(vx[i].value == vy[i].value);
	}
}

static void a_layout_is_read_back_as_it_was_written(void **state)
{
	struct doc_fixture *f = *state;
	char *text = written(&everything), *again;
	struct layout l;

	assert_non_null(text);
	if (parsed(f, text, &l) < 0)
		fail_msg("%s", f->d.error);
	assert_string_equal(l.name, "event");
	assert_int_equal(l.size, 112);
	assert_string_equal(l.source, "btf");
	assert_same(&l.root, &everything.root);
	again = written(&l);
	assert_string_equal(text, again);
	free(text);
	free(again);
}

static void members_are_found_by_their_names_and_dots(void **state)
{
	struct layout_field nested[] = {
		{ .name = "pos", .kind = LAYOUT_STRUCT, .bits = 64, .offset = 64, .fields = { point_fields, 2 } },
	};
	struct layout l = { .name = "n", .size = 16, .root = { .kind = LAYOUT_STRUCT, .fields = { nested, 1 } } };
	uint64_t offset = 7;

	(void)state;
	assert_ptr_equal(layout_find(&everything, "comm", &offset), &members[6]);
	assert_int_equal(offset, 320);
	assert_ptr_equal(layout_find(&everything, "either.p", &offset), &either[1]);
	assert_int_equal(offset, 256);
	assert_ptr_equal(layout_find(&l, "pos.y", &offset), &point_fields[1]);
	assert_int_equal(offset, 96);
	assert_null(layout_find(&everything, "com", &offset));
	assert_null(layout_find(&everything, "comm.x", &offset));
	assert_null(layout_find(&everything, "", &offset));
	assert_null(layout_find(&everything, "either.", &offset));
	assert_null(layout_find(&everything, "points.x", &offset));
	assert_int_equal(offset, 96);
	assert_non_null(layout_find(&everything, "state", NULL));
	assert_string_equal(layout_kind_name(LAYOUT_STRV), "strv");
	assert_string_equal(layout_kind_name(-1), "unknown");
	assert_string_equal(layout_kind_name(99), "unknown");
}

#define ONE(field) "{name: e, size: 16, root: {kind: struct, bits: 128, fields: [" field "]}}"
static const struct {
	const char *text, *error;
} bad[] = {
	{ "{name: e, size: 16}", "root: is missing in a layout" },
	{ "{size: 16, root: {kind: struct}}", "name: is missing in a layout" },
	{ "{name: e, size: 99999999999, root: {kind: struct}}", "size: 99999999999 is out of bounds" },
	{ "{name: e, size: 8, root: {kind: uint, bits: 64}}", "an event must be a struct" },
	{ ONE("{kind: hint, bits: 8}"), "kind: is \"hint\"; did you mean \"uint\"" },
	{ ONE("{name: a, kind: uint, bits: 65}"), "\"a\" (uint): its kind does not come in this size" },
	{ ONE("{name: a, kind: uint}"), "does not come in this size" },
	{ ONE("{name: a, kind: float, bits: 16}"), "does not come in this size" },
	{ ONE("{name: a, kind: ptr, bits: 64, offset: 4}"), "does not come in this size or place" },
	{ ONE("{name: a, kind: uint, bits: 64, offset: 65}"), "does not lie within the record" },
	{ ONE("{name: a, kind: text, bits: 136}"), "does not lie within the record" },
	{ ONE("{name: a, kind: uint, bits: 8, offset: 18446744073709551608}"), "does not lie within the record" },
	{ ONE("{name: s, kind: struct, bits: 64, offset: 64, fields: [{kind: uint, bits: 64, offset: 8}]}"),
	  "does not lie within the record" },
	{ ONE("{name: a, kind: text, trailing: true, offset: 136}"), "does not lie within the record" },
	{ ONE("{name: a, kind: uint, bits: 8, trailing: true}"), "cannot be the trailing part" },
	{ ONE("{name: a, kind: strv, bits: 8}"), "does not come in this size" },
	{ ONE("{name: a, kind: array, bits: 64, count: 2}"), "its elements do not fill it" },
	{ ONE("{name: a, kind: array, bits: 64, count: 3, fields: [{kind: uint, bits: 32}]}"),
	  "elements do not fill" },
	{ ONE("{name: a, kind: array, bits: 64, count: 9223372036854775808, fields: [{kind: uint, bits: 32}]}"),
	  "elements do not fill" },
	{ ONE("{name: a, kind: array, bits: 64, count: 2, fields: [{kind: text, trailing: true}]}"),
	  "elements do not" },
	{ ONE("{name: a, kind: array, trailing: true, fields: [{kind: struct}]}"), "elements do not fill" },
	{ ONE("{name: a, kind: array, trailing: true, fields: [{kind: struct, bits: 34359738368}]}"),
	  "elements do not fill" },	/* 2^32 bytes: a stride of 0 */
	{ ONE("{name: a, kind: array, bits: 64, count: 1, fields: [{kind: struct, bits: 64, fields: "
	      "[{kind: uint, bits: 64, offset: 8}]}]}"),
	  "does not lie within the record" },
	{ ONE("{name: a, kind: uint, bits: 8, fields: [{kind: uint, bits: 8}]}"), "has members" },
	{ ONE("{name: a, kind: ip, bits: 64}"), "does not come in this size" },
	{ ONE("{name: a, kind: text, bits: 8, length_bits: 8}"), "only a trailing part has its length elsewhere" },
	{ ONE("{name: a, kind: text, trailing: true, length_offset: 120, length_bits: 16}"),
	  "what it depends on does not lie within the record" },
	{ ONE("{name: a, kind: text, trailing: true, length_offset: 18446744073709551608, length_bits: 16}"),
	  "what it depends on does not lie within the record" },
	{ ONE("{name: a, kind: text, trailing: true, length_bits: 24}"), "what it depends on" },
	{ ONE("{name: a, kind: text, trailing: true, length_offset: 4, length_bits: 8}"), "what it depends on" },
	{ ONE("{name: a, kind: uint, bits: 8, when_bits: 8}"), "the first cannot depend on another field" },
	{ ONE("{name: a, kind: uint, bits: 8}, {name: b, kind: uint, bits: 8, when_offset: 128, when_bits: 8}"),
	  "what it depends on does not lie within the record" },
	{ ONE("{name: a, kind: uint, bits: 8}, {name: b, kind: struct, bits: 8, when_bits: 8}"),
	  "cannot depend on another field" },
	{ ONE("{name: a, kind: uint, bits: 8}, {name: b, kind: struct, bits: 8, fields: "
	      "[{kind: uint, bits: 8, when_bits: 8}]}"),
	  "cannot depend on another field" },
};

static void a_layout_that_would_read_elsewhere_is_refused(void **state)
{
	struct doc_fixture *f = *state;
	struct layout l;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parsed(f, bad[i].text, &l) >= 0)
			fail_msg("accepted: %s", bad[i].text);
		assert_has(f->d.error, bad[i].error);
	}
}

static void too_many_fields_are_refused(void **state)
{
	struct layout_field *fields = calloc(LAYOUT_FIELDS_MAX + 1, sizeof(*fields));
	struct layout l = { .name = "e", .size = 8, .root = { .kind = LAYOUT_STRUCT, .bits = 64 } };
	struct layout_field halves[2] = {
		{ .name = "a", .kind = LAYOUT_STRUCT, .bits = 64 }, { .name = "b", .kind = LAYOUT_STRUCT, .bits = 64 },
	};
	struct doc_fixture *f = *state;
	char *text;
	size_t i;

	for (i = 0; i <= LAYOUT_FIELDS_MAX; i++)
		fields[i] = (struct layout_field){ .name = "m", .kind = LAYOUT_UINT, .bits = 8 };
	l.root.fields = (struct conf_list){ fields, LAYOUT_FIELDS_MAX };
	text = written(&l);
	assert_int_equal(parsed(f, text, &l), 0);
	free(text);

	for (i = 0; i < 2; i++)
		halves[i].fields = (struct conf_list){ fields, LAYOUT_FIELDS_MAX / 2 };
	l.root.fields = (struct conf_list){ halves, 2 };
	text = written(&l);
	assert_int_equal(parsed(f, text, &l), -EINVAL);
	assert_has(f->d.error, "too many fields");
	free(text);
	free(fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(a_layout_is_read_back_as_it_was_written),
		doc_test(members_are_found_by_their_names_and_dots),
		doc_test(a_layout_that_would_read_elsewhere_is_refused),
		doc_test(too_many_fields_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
