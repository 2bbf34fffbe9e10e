/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts of one and the same struct, out of BTF and out of DWARF, must agree, and be right. */
#include "objects.h"

#include <errno.h>

#include "../../abi/types.h"
#include "../bpf/layouts.h"

static struct layout from_btf(struct arena *a, const char *object, const char *name)
{
	struct object o = object_read(object);
	struct diag d = { 0 };
	struct layout l;
	uint32_t id;

	assert_int_equal(layout_btf_find(o.btf, name, &id), 0);
	if (layout_from_btf(a, o.btf, id, &l, &d))
		fail_msg("%s", d.error);
	object_free(&o);
	return l;
}

static struct layout from_dwarf(struct arena *a, const char *object, const char *name)
{
	struct object o = object_read(object);
	struct diag d = { 0 };
	struct layout l;

	if (layout_from_dwarf(a, o.bytes, o.size, name, &l, &d))
		fail_msg("%s", d.error[0] ? d.error : "not found");
	object_free(&o);
	return l;
}

#define AT(member) offsetof(struct all_types, member)

static void check_all_types(const struct layout *l)
{
	const struct layout_field *f, *element;
	uint64_t at;

	assert_string_equal(l->name, "all_types");
	assert_int_equal(l->size, AT(rest));
	assert_field(l, "u128", LAYOUT_UINT, 0, 128);
	assert_field(l, "s128", LAYOUT_INT, 16, 128);
	assert_field(l, "ts_ns", LAYOUT_UINT, AT(ts_ns), 64);
	assert_field(l, "s64", LAYOUT_INT, AT(s64), 64);
	assert_field(l, "u32", LAYOUT_UINT, AT(u32), 32);
	assert_field(l, "s32", LAYOUT_INT, AT(s32), 32);
	assert_field(l, "u16", LAYOUT_UINT, AT(u16), 16);
	assert_field(l, "s16", LAYOUT_INT, AT(s16), 16);
	assert_field(l, "u8", LAYOUT_UINT, AT(u8), 8);
	assert_field(l, "s8", LAYOUT_INT, AT(s8), 8);
	assert_field(l, "flag", LAYOUT_BOOL, AT(flag), 8);
	assert_field(l, "colour", LAYOUT_ENUM, AT(colour), 32);
	assert_field(l, "depth", LAYOUT_ENUM, AT(depth), 32);
	assert_field(l, "wide", LAYOUT_ENUM, AT(wide), 64);
	assert_field(l, "text", LAYOUT_TEXT, AT(text), 128);
	assert_field(l, "texts", LAYOUT_ARRAY, AT(texts), 128);
	assert_field(l, "mac", LAYOUT_BYTES, AT(mac), 48);
	assert_field(l, "macs", LAYOUT_ARRAY, AT(macs), 64);
	assert_field(l, "numbers", LAYOUT_ARRAY, AT(numbers), 96);
	assert_field(l, "matrix", LAYOUT_ARRAY, AT(matrix), 96);
	assert_field(l, "point", LAYOUT_STRUCT, AT(point), 32);
	assert_field(l, "point.y", LAYOUT_INT, AT(point.y), 16);
	assert_field(l, "points", LAYOUT_ARRAY, AT(points), 64);
	assert_field(l, "v4", LAYOUT_UINT, AT(v4), 32);
	assert_field(l, "v6", LAYOUT_BYTES, AT(v6), 128);
	assert_field(l, "inner", LAYOUT_UINT, AT(inner), 32);
	assert_field(l, "deep", LAYOUT_UINT, AT(deep), 8);
	assert_field(l, "number", LAYOUT_UNION, AT(number), 32);
	assert_field(l, "pointer", LAYOUT_PTR, AT(pointer), 64);
	assert_field(l, "other", LAYOUT_PTR, AT(other), 64);
	assert_field(l, "port", LAYOUT_BE, AT(port), 16);
	assert_field(l, "address", LAYOUT_BE, AT(address), 32);
	assert_field(l, "big", LAYOUT_BE, AT(big), 64);
	assert_field(l, "ip", LAYOUT_IP, AT(ip), 128);
	assert_field(l, "pid", LAYOUT_UINT, AT(pid), 32);
	assert_field(l, "d", LAYOUT_FLOAT, AT(d), 64);
	assert_field(l, "f", LAYOUT_FLOAT, AT(f), 32);
	assert_null(layout_find(l, "__pad", &at));

	f = field(l, "rest", &at);
	assert_int_equal(f->kind, LAYOUT_STRV);
	assert_true(f->trailing);
	assert_int_equal(at, 8 * AT(rest));

	/* Bit-fields: place and width in bits, from the lowest on little-endian machines. */
	f = field(l, "bit1", &at);
	assert_int_equal(f->bits, 1);
	assert_int_equal(field(l, "bits5", &at)->bits, 5);
	assert_int_equal(at, f->offset + 1);
	assert_int_equal(field(l, "bits5", &at)->kind, LAYOUT_INT);
	assert_int_equal(field(l, "bit_colour", &at)->kind, LAYOUT_ENUM);
	assert_int_equal(at, f->offset + 6);
	assert_int_equal(field(l, "bits20", &at)->bits, 20);
	assert_int_equal(at, f->offset + 12);
	assert_int_equal(field(l, "bit_flag", &at)->kind, LAYOUT_BOOL);

	/* Arrays of arrays, from the outside. */
	f = field(l, "matrix", &at);
	element = f->fields.items;
	assert_int_equal(f->count, 2);
	assert_int_equal(element->kind, LAYOUT_ARRAY);
	assert_int_equal(element->count, 3);
	assert_int_equal(((const struct layout_field *)element->fields.items)->kind, LAYOUT_INT);
	element = field(l, "texts", &at)->fields.items;
	assert_int_equal(element->kind, LAYOUT_TEXT);
	assert_int_equal(element->bits, 64);
	element = field(l, "macs", &at)->fields.items;
	assert_int_equal(element->kind, LAYOUT_BYTES);
	assert_int_equal(element->bits, 32);

	f = field(l, "depth", &at);
	assert_true(f->is_signed);
	assert_int_equal(f->values.n, 3);
	f = field(l, "colour", &at);
	assert_false(f->is_signed);
	assert_string_equal(((const struct layout_value *)f->values.items)[2].name, "BLUE");
	assert_int_equal(((const struct layout_value *)f->values.items)[2].value, 40);
}

static void every_type_is_laid_out_from_btf(void **state)
{
	struct arena *a = arena_new(0);
	struct layout l = from_btf(a, "layouts", "all_types");

	(void)state;
	assert_string_equal(l.source, "btf");
	check_all_types(&l);
	arena_free(a);
}

static void every_type_is_laid_out_from_dwarf(void **state)
{
	struct arena *a = arena_new(0);
	struct layout l = from_dwarf(a, "dwarf", "all_types");

	(void)state;
	assert_string_equal(l.source, "dwarf");
	check_all_types(&l);
	arena_free(a);
}

static void btf_and_dwarf_say_the_same(void **state)
{
	struct arena *a = arena_new(0);
	struct layout btf = from_btf(a, "layouts", "all_types"), dwarf = from_dwarf(a, "layouts", "all_types");
	struct json j = { 0 };
	char *one, *other;
	uint64_t at;

	(void)state;
	dwarf.source = btf.source;
	assert_int_equal(((struct layout_value *)field(&dwarf, "wide", &at)->values.items)[1].value,
			 0x123456789abcdefLL);
	/* clang before 15 cuts these in BTF; infer_layout() takes them from DWARF. */
	((struct layout_value *)field(&btf, "wide", &at)->values.items)[1].value = 0x123456789abcdefLL;
	layout_write(&j, NULL, &btf);
	one = json_finish(&j, NULL);
	layout_write(&j, NULL, &dwarf);
	other = json_finish(&j, NULL);
	assert_string_equal(one, other);
	free(one);
	free(other);
	arena_free(a);
}

static void what_is_laid_out_can_be_read_back(void **state)
{
	struct arena *a = arena_new(0);
	struct layout l = from_btf(a, "layouts", "all_types"), again = { 0 };
	struct json j = { 0 };
	struct diag d = { 0 };
	char *text;

	(void)state;
	layout_write(&j, NULL, &l);
	text = json_finish(&j, NULL);
	if (conf_parse(a, &layout_schema, yaml(a, text), &again, &d))
		fail_msg("%s", d.error);
	check_all_types(&again);
	free(text);
	arena_free(a);
}

static void a_struct_inside_a_function_is_found_in_dwarf(void **state)
{
	struct arena *a = arena_new(0);
	struct layout l = from_dwarf(a, "dwarf", "event");

	(void)state;
	assert_field(&l, "ktime_ns", LAYOUT_UINT, 0, 64);
	assert_field(&l, "tgid", LAYOUT_UINT, 8, 32);
	assert_field(&l, "comm", LAYOUT_TEXT, 12, 128);
	arena_free(a);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct arena *a = arena_new(0);
	struct object o = object_read("dwarf");
	struct layout l;
	uint32_t id;

	(void)state;
	assert_int_equal(layout_btf_find(o.btf, "nothing", &id), -ENOENT);
	assert_int_equal(layout_btf_find(o.btf, "all_types", &id), -ENOENT);
	assert_int_equal(layout_btf_anchor(o.btf, "events", &id), -ENOENT);
	assert_int_equal(layout_from_dwarf(a, o.bytes, o.size, "nothing", &l, NULL), -ENOENT);
	assert_int_equal(layout_from_dwarf(a, "no ELF at all", 13, "event", &l, NULL), -ENOENT);
	object_free(&o);
	arena_free(a);
}

/* Whoever compiled it: a cut or damaged object gives an error, never a crash. */
static void damaged_debug_information_is_survived(void **state)
{
	struct object o = object_read("dwarf");
	struct arena *a = arena_new(0);
	char *copy = malloc(o.size);
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct layout l;

		memcpy(copy, o.bytes, o.size);
		for (int k = 0; k < 20; k++) {
			seed = seed * 1103515245 + 12345;
			copy[64 + (seed >> 4) % (o.size - 64)] = seed >> 16;
		}
		layout_from_dwarf(a, copy, o.size, "all_types", &l, NULL);
		layout_from_dwarf(a, copy, o.size * (round + 1) / 201, "all_types", &l, NULL);
	}
	free(copy);
	object_free(&o);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_laid_out_from_btf),
		cmocka_unit_test(every_type_is_laid_out_from_dwarf),
		cmocka_unit_test(btf_and_dwarf_say_the_same),
		cmocka_unit_test(what_is_laid_out_can_be_read_back),
		cmocka_unit_test(a_struct_inside_a_function_is_found_in_dwarf),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(damaged_debug_information_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
