/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layouts.h"

#include <arpa/inet.h>
#include <math.h>

#include "../../channeld/encode_put.h"

/* ---- numbers ---- */

static uint64_t seed = 88172645463325252ULL;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void check_u64(uint64_t v)
{
	char ours[32 + PLAN_SLACK], theirs[32];

	*put_u64(ours, v) = 0;
	snprintf(theirs, sizeof(theirs), "%llu", (unsigned long long)v);
	assert_string_equal(ours, theirs);
	*put_i64(ours, (int64_t)v) = 0;
	snprintf(theirs, sizeof(theirs), "%lld", (long long)v);
	assert_string_equal(ours, theirs);
	*put_hex(ours, v) = 0;
	snprintf(theirs, sizeof(theirs), "%llx", (unsigned long long)v);
	assert_string_equal(ours, theirs);
}

static void digits_are_those_of_printf(void **state)
{
	uint64_t ten = 1;

	(void)state;
	for (int i = 0; i < 20; i++, ten *= 10)
		for (int d = -2; d <= 2; d++)
			check_u64(ten + (uint64_t)d);
	for (unsigned i = 0; i < 64; i++)
		for (int d = -1; d <= 1; d++)
			check_u64((1ULL << i) + (uint64_t)d);
	for (int i = 0; i < 200000; i++)
		check_u64(next_random() >> (next_random() & 63));
}

static void integers_of_all_sizes_and_signs(void **state)
{
	const struct layout *l = LAYOUT(32, FIELD("u8", UINT, 0, 1), FIELD("i8", INT, 1, 1), FIELD("u16", UINT, 2, 2),
		FIELD("i16", INT, 4, 2), FIELD("u32", UINT, 8, 4), FIELD("i32", INT, 12, 4), FIELD("u64", UINT, 16, 8),
		FIELD("i64", INT, 24, 8));
	uint8_t ones[32], low[32] = { [1] = 0x80, [5] = 0x80, [15] = 0x80, [31] = 0x80 };

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	encodes_to(l, ones, sizeof(ones), "{\"u8\":255,\"i8\":-1,\"u16\":65535,\"i16\":-1,\"u32\":4294967295,"
		   "\"i32\":-1,""\"u64\":18446744073709551615,\"i64\":-1}");
	encodes_to(l, low, sizeof(low), "{\"u8\":0,\"i8\":-128,\"u16\":0,\"i16\":-32768,\"u32\":0,\"i32\":-2147483648,"
		   "\"u64\":0,\"i64\":-9223372036854775808}");
}

static void integers_of_128_bits(void **state)
{
	const struct layout *u = LAYOUT(16, FIELD("v", UINT, 0, 16)), *s = LAYOUT(16, FIELD("v", INT, 0, 16));
	unsigned __int128 one = 1, v = ~(unsigned __int128)0;

	(void)state;
	encodes_to(u, &v, 16, "{\"v\":340282366920938463463374607431768211455}");
	encodes_to(s, &v, 16, "{\"v\":-1}");
	v = one << 127;
	encodes_to(s, &v, 16, "{\"v\":-170141183460469231731687303715884105728}");
	v = one << 64;
	encodes_to(u, &v, 16, "{\"v\":18446744073709551616}");
	v = (unsigned __int128)10000000000000000000ULL * 1000;
	encodes_to(u, &v, 16, "{\"v\":10000000000000000000000}");
	v = 7;
	encodes_to(u, &v, 16, "{\"v\":7}");
}

static void bit_fields(void **state)
{
	const struct layout *l = LAYOUT(8, BITS("a", UINT, 0, 3), BITS("b", INT, 3, 5), BITS("c", BOOL, 8, 1),
		BITS("d", UINT, 9, 17), BITS("e", ENUM, 26, 2, VALUES({ "ZERO", 0 }, { "TWO", 2 })),
		BITS("f", INT, 28, 33),
		BITS("g", UINT, 61, 3));
	union {
		struct {
			uint64_t a : 3;
			int64_t b : 5;
			uint64_t c : 1, d : 17, e : 2;
			int64_t f : 33;
			uint64_t g : 3;
		};
		char bytes[8];
	} v = { { .a = 5, .b = -16, .c = 1, .d = 100000, .e = 2, .f = -4294967296LL, .g = 7 } };

	(void)state;
	encodes_to(l, v.bytes, 8,
		   "{\"a\":5,\"b\":-16,\"c\":true,\"d\":100000,\"e\":\"TWO\",\"f\":-4294967296,\"g\":7}");
}

static void booleans_pointers_and_network_order(void **state)
{
	const struct layout *l = LAYOUT(24, FIELD("t", BOOL, 0, 1), FIELD("f", BOOL, 1, 1), FIELD("b16", BE, 2, 2),
		FIELD("b32", BE, 4, 4), FIELD("b64", BE, 8, 8), FIELD("p", PTR, 16, 8));
	uint8_t v[24] = { 7, 0, 1, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0xef, 0xcd, 0xab, 0, 0, 0xff, 0xff, 0xff };

	(void)state;
	encodes_to(l, v, sizeof(v),
		   "{\"t\":true,\"f\":false,\"b16\":258,\"b32\":65536,\"b64\":257,\"p\":\"0xffffff0000abcdef\"}");
	memset(v + 16, 0, 8);
	encodes_to(LAYOUT(24, FIELD("p", PTR, 16, 8)), v, sizeof(v), "{\"p\":\"0x0\"}");
}

static void enums_by_name_or_else_by_number(void **state)
{
	const struct layout *s = LAYOUT(4, FIELD("e", ENUM, 0, 4, .is_signed = true,
		VALUES({ "BIG", 1000000 }, { "MINUS", -5 }, { "ONE", 1 }, { "ALSO_ONE", 1 })));
	const struct layout *u = LAYOUT(8, FIELD("e", ENUM, 0, 8,
		VALUES({ "HIGH", (int64_t)0xffffffffffffffffULL }, { "NIL", 0 })));
	struct { int32_t v; const char *text; } rows[] = {
		{ -5, "{\"e\":\"MINUS\"}" }, { 1, "{\"e\":\"ONE\"}" }, { 1000000, "{\"e\":\"BIG\"}" },
		{ 2, "{\"e\":2}" },
		{ -6, "{\"e\":-6}" }, { 999999, "{\"e\":999999}" }, { INT32_MIN, "{\"e\":-2147483648}" },
	};
	uint64_t v = UINT64_MAX;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		encodes_to(s, &rows[i].v, 4, rows[i].text);
	encodes_to(u, &v, 8, "{\"e\":\"HIGH\"}");
	v--;
	encodes_to(u, &v, 8, "{\"e\":18446744073709551614}");
}

static void floats_read_back_as_they_were(void **state)
{
	static const struct { double v; const char *text; } rows[] = {
		{ 0, "0" }, { -0.0, "-0" }, { 1.5, "1.5" }, { -2.25, "-2.25" }, { 0.1, "0.1" }, { 100, "100" },
		{ 1.0625, "1.0625" },
		{ 1e300, "1.0000000000000001e+300" }, { 3.141592653589793, "3.141592653589793" }, { NAN, "null" },
		{ INFINITY, "null" }, { -INFINITY, "null" }, { 1e-7, "1e-07" }, { 123456.000001, "123456.000001" },
	};
	char out[64 + PLAN_SLACK];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		*encode_double(out, rows[i].v) = 0;
		if (!strcmp(rows[i].text, "null") || strtod(rows[i].text, NULL) == strtod(out, NULL))
			continue;
		assert_string_equal(out, rows[i].text);
	}
	for (int i = 0; i < 20000; i++) {
		union { uint64_t u; double d; } v = { .u = next_random() };
		union { uint32_t u; float f; } w = { .u = (uint32_t)next_random() };

		if (i & 1)
			v.d = (double)(int64_t)(next_random() % 2000000) / (i & 2 ? 1000 : 8);
		*encode_double(out, v.d) = 0;
		assert_int_equal(json_check(out, strlen(out)), 0);
		if (isfinite(v.d))
			assert_true(strtod(out, NULL) == v.d);
		*encode_float(out, w.f) = 0;
		if (isfinite(w.f))
			assert_true(strtof(out, NULL) == w.f);
	}
	*encode_double(out, 0.1) = 0;
	assert_string_equal(out, "0.1");
	*encode_float(out, 0.1f) = 0;
	assert_string_equal(out, "0.1");
	*encode_double(out, 20.05) = 0;
	assert_string_equal(out, "20.05");
}

/* ---- text and bytes ---- */

static void text_ends_at_the_first_nul(void **state)
{
	const struct layout *l = LAYOUT(16, FIELD("s", TEXT, 0, 16)), *l5 = LAYOUT(5, FIELD("s", TEXT, 0, 5));

	(void)state;
	encodes_to(l, "abc\0def\0\0\0\0\0\0\0\0\0", 16, "{\"s\":\"abc\"}");
	encodes_to(l, "\0bcdefghijklmnop", 16, "{\"s\":\"\"}");
	encodes_to(l, "abcdefghijklmnop", 16, "{\"s\":\"abcdefghijklmnop\"}");
	encodes_to(l5, "abcde", 5, "{\"s\":\"abcde\"}");
	encodes_to(LAYOUT(0, FIELD("s", TEXT, 0, 0)), "", 0, "{\"s\":\"\"}");
	encodes_to(LAYOUT(40, FIELD("s", TEXT, 0, 40)), "abcdefghijklmnopqrstuvwxyz0123456789ABCD", 40,
		   "{\"s\":\"abcdefghijklmnopqrstuvwxyz0123456789ABCD\"}");
}

static void text_is_escaped_and_repaired(void **state)
{
	const struct layout *l = LAYOUT(24, FIELD("s", TEXT, 0, 24));
	char v[25];

	(void)state;
	strncpy(v, "say \"hi\"\\\n\tdone", 24);
	encodes_to(l, v, 24, "{\"s\":\"say \\\"hi\\\"\\\\\\n\\tdone\"}");
	strncpy(v, "gr\xc3\xbc\xc3\x9f", 24);
	encodes_to(l, v, 24, "{\"s\":\"gr\xc3\xbc\xc3\x9f\"}");
	strncpy(v, "bad\xff" "end", 24);
	encodes_to(l, v, 24, "{\"s\":\"bad\xef\xbf\xbd" "end\"}");
	strncpy(v, "del\x7f", 24);
	encodes_to(l, v, 24, "{\"s\":\"del\\u007f\"}");
}

static void repaired_text_is_told(void **state)
{
	char in[16 + PLAN_SLACK] = "cut\xe2\x82", out[256];
	struct plan *p = NULL;
	bool repaired = false;

	(void)state;
	assert_int_equal(plan_new(LAYOUT(16, FIELD("s", TEXT, 0, 16)), &p, NULL), 0);
	encode_record(p, out, "plain\0\0\0\0\0\0\0\0\0\0\0"
		      "ignored: beyond its end, where wide loads may look anyway", 16, &repaired);
	assert_false(repaired);
	encode_record(p, out, in, 16, &repaired);
	assert_true(repaired);
	plan_free(p);
}

static void bytes_are_hex(void **state)
{
	const uint8_t v[7] = { 0, 1, 0xab, 0xff, 0x10, 0x20, 0x0f };

	(void)state;
	encodes_to(LAYOUT(7, FIELD("b", BYTES, 0, 7)), v, 7, "{\"b\":\"0001abff10200f\"}");
	encodes_to(LAYOUT(7, FIELD("b", BYTES, 0, 4)), v, 7, "{\"b\":\"0001abff\"}");
	encodes_to(LAYOUT(7, FIELD("b", BYTES, 7, 0)), v, 7, "{\"b\":\"\"}");
}

static void addresses_of_both_families(void **state)
{
	const struct layout *l = LAYOUT(16, FIELD("ip", IP, 0, 16));
	uint8_t ip[16];

	(void)state;
	inet_pton(AF_INET6, "::ffff:192.0.2.255", ip);
	encodes_to(l, ip, 16, "{\"ip\":\"192.0.2.255\"}");
	inet_pton(AF_INET6, "::ffff:0.0.0.0", ip);
	encodes_to(l, ip, 16, "{\"ip\":\"0.0.0.0\"}");
	inet_pton(AF_INET6, "2001:db8::1", ip);
	encodes_to(l, ip, 16, "{\"ip\":\"2001:db8::1\"}");
	inet_pton(AF_INET6, "::", ip);
	encodes_to(l, ip, 16, "{\"ip\":\"::\"}");
}

/* ---- composites ---- */

static void structs_unions_and_arrays(void **state)
{
	struct layout_field pair = FIELD("", STRUCT, 0, 4, MEMBERS(FIELD("x", UINT, 0, 2), FIELD("y", INT, 2, 2)));
	struct layout_field word = FIELD("", UINT, 0, 4);
	struct layout_field row = FIELD("", ARRAY, 0, 2, .count = 2, MEMBERS(FIELD("", UINT, 0, 1)));
	const struct layout *l = LAYOUT(36,
		FIELD("in", STRUCT, 0, 8, MEMBERS(FIELD("a", UINT, 0, 4), FIELD("b", UINT, 4, 4))),
		FIELD("un", UNION, 8, 4, MEMBERS(FIELD("word", UINT, 0, 4), FIELD("low", UINT, 0, 1))),
		FIELD("pairs", ARRAY, 12, 8, .count = 2, .fields = { &pair, 1 }),
		FIELD("none", ARRAY, 20, 0, .count = 0, .fields = { &word, 1 }),
		FIELD("empty", STRUCT, 20, 0),
		FIELD("grid", ARRAY, 20, 4, .count = 2, .fields = { &row, 1 }),
		FIELD("words", ARRAY, 24, 12, .count = 3, .fields = { &word, 1 }));
	struct {
		uint32_t a, b, word;
		struct { uint16_t x; int16_t y; } pairs[2];
		uint8_t grid[4];
		uint32_t words[3];
	} v = { 1, 2, 0x0403, { { 5, -6 }, { 7, -8 } }, { 1, 2, 3, 4 }, { 10, 11, 12 } };

	(void)state;
	encodes_to(l, &v, sizeof(v), "{\"in\":{\"a\":1,\"b\":2},\"un\":{\"word\":1027,\"low\":3},\"pairs\":[{\"x\":5,"
		   "\"y\":-6},{\"x\":7,\"y\":-8}],\"none\":[],\"empty\":{},\"grid\":[[1,2],[3,4]],"
		   "\"words\":[10,11,12]}");
}

/* A number of @size bytes, and from the fourth on what the record ends with. */
#define TRAILING(size, name_, kind_, ...) LAYOUT(4, FIELD("n", UINT, 0, size), \
	FIELD(name_, kind_, 4, 0, .trailing = true __VA_OPT__(,) __VA_ARGS__))

static void trailing_parts_end_with_the_record(void **state)
{
	struct layout_field half = FIELD("", UINT, 0, 2);
	const struct layout *text = TRAILING(4, "s", TEXT), *bytes = TRAILING(4, "b", BYTES);
	const struct layout *strv = TRAILING(4, "v", STRV), *array = TRAILING(4, "a", ARRAY, .fields = { &half, 1 });

	(void)state;
	encodes_to(text, "\1\0\0\0hello", 9, "{\"n\":1,\"s\":\"hello\"}");
	encodes_to(text, "\1\0\0\0he\0lo", 9, "{\"n\":1,\"s\":\"he\"}");
	encodes_to(text, "\1\0\0\0", 4, "{\"n\":1,\"s\":\"\"}");
	encodes_to(bytes, "\1\0\0\0\xde\xad", 6, "{\"n\":1,\"b\":\"dead\"}");
	encodes_to(array, "\1\0\0\0\2\0\3\0\4", 9, "{\"n\":1,\"a\":[2,3]}");
	encodes_to(array, "\1\0\0\0", 4, "{\"n\":1,\"a\":[]}");
	encodes_to(strv, "\1\0\0\0ls\0-l\0", 10, "{\"n\":1,\"v\":[\"ls\",\"-l\"]}");
	encodes_to(strv, "\1\0\0\0ls\0\0cut", 11, "{\"n\":1,\"v\":[\"ls\",\"\",\"cut\"]}");
	encodes_to(strv, "\1\0\0\0", 4, "{\"n\":1,\"v\":[]}");
	encodes_to(strv, "\1\0\0\0\0\0\0", 7, "{\"n\":1,\"v\":[\"\",\"\",\"\"]}");
}

/* A perf buffer's records are longer than what was put into them. */
static void a_trailing_part_has_no_more_than_another_field_says(void **state)
{
	const struct layout_ref n = { 0, 16 };
	struct layout_field half = FIELD("", UINT, 0, 2);
	const struct layout *text = TRAILING(2, "s", TEXT, .length = n), *bytes = TRAILING(2, "b", BYTES, .length = n);
	const struct layout *strv = TRAILING(2, "v", STRV, .length = n);
	const struct layout *array = TRAILING(2, "a", ARRAY, .length = n, .fields = { &half, 1 });

	(void)state;
	encodes_to(text, "\5\0\0\0hello, you", 14, "{\"n\":5,\"s\":\"hello\"}");
	encodes_to(text, "\377\377\0\0hello", 9, "{\"n\":65535,\"s\":\"hello\"}");
	encodes_to(text, "\0\0\0\0hello", 9, "{\"n\":0,\"s\":\"\"}");
	encodes_to(bytes, "\1\0\0\0\xde\xad", 6, "{\"n\":1,\"b\":\"de\"}");
	encodes_to(strv, "\6\0\0\0ls\0-l\0old", 13, "{\"n\":6,\"v\":[\"ls\",\"-l\"]}");
	encodes_to(strv, "\0\0\0\0old", 7, "{\"n\":0,\"v\":[]}");
	encodes_to(array, "\4\0\0\0\2\0\3\0\4\0", 10, "{\"n\":4,\"a\":[2,3]}");
}

static void a_field_is_there_if_another_says_so(void **state)
{
	const struct layout_ref family = { 0, 16 }, sign = { 16, 8 };
	struct layout_field word = FIELD("", UINT, 0, 2);
	const struct layout *l = LAYOUT(20, FIELD("family", UINT, 0, 2),
		FIELD("addr", IP, 4, 4, .when = family, .when_value = 2),
		FIELD("addr", IP, 4, 16, .when = family, .when_value = 10),
		FIELD("words", ARRAY, 4, 4, .when = sign, .when_value = 0xff, .count = 2, .fields = { &word, 1 }),
		FIELD("end", UINT, 19, 1));
	uint8_t v4[20] = { 2, 0, 0, 0, 127, 0, 0, 1, [19] = 7 }, v6[20] = { 10, 0, 0, 0, [19] = 1 };

	(void)state;
	encodes_to(l, v4, sizeof(v4), "{\"family\":2,\"addr\":\"127.0.0.1\",\"end\":7}");
	encodes_to(l, v6, sizeof(v6), "{\"family\":10,\"addr\":\"::1\",\"end\":1}");
	v4[1] = 1;
	encodes_to(l, v4, sizeof(v4), "{\"family\":258,\"end\":7}");
	v4[2] = 0xff;
	encodes_to(l, v4, sizeof(v4), "{\"family\":258,\"words\":[127,256],\"end\":7}");
}

static void keys_are_escaped_and_padding_is_hidden(void **state)
{
	const struct layout *l = LAYOUT(4, FIELD("__pad", UINT, 0, 1), FIELD("a\"b", UINT, 1, 1),
		FIELD("__pad2", UINT, 2, 1),
		FIELD("a-key-that-is-longer-than-any-one-wide-store-takes-at-once-and-then-some", UINT, 3, 1));

	(void)state;
	encodes_to(l, "\1\2\3\4", 4,
		   "{\"a\\\"b\":2,\"a-key-that-is-longer-than-any-one-wide-store-takes-at-once-and-then-some\":4}");
}

static void what_is_too_long_is_told(void **state)
{
	struct layout_field byte = FIELD("", UINT, 0, 1);
	const struct layout *l = LAYOUT(100000, FIELD("a", ARRAY, 0, 100000, .count = 100000, .fields = { &byte, 1 }));
	const struct layout *t = LAYOUT(0, FIELD("s", TEXT, 0, 0, .trailing = true));
	char *in = calloc(1, 100000 + PLAN_SLACK), *out;
	struct plan *p = NULL;
	bool repaired = false;

	(void)state;
	assert_int_equal(plan_new(l, &p, NULL), 0);
	out = malloc(encode_max(p, in, 100000));
	assert_null(encode_record(p, out, in, 100000, &repaired));
	plan_free(p);
	free(out);
	assert_int_equal(plan_new(t, &p, NULL), 0);
	memset(in, 'a', 100000);
	assert_true(encode_max(p, in, 100000) == SIZE_MAX);
	assert_true(encode_max(p, in, 1000) != SIZE_MAX);
	in[10] = 0;	/* what lies behind the NUL does not count */
	assert_true(encode_max(p, in, 100000) < 1000);
	plan_free(p);
	free(in);
}

/* Whatever the bytes are: valid JSON, within the bound. */
static void any_bytes_give_json_within_the_bound(void **state)
{
	struct layout_field pair = FIELD("", STRUCT, 0, 4, MEMBERS(FIELD("x", TEXT, 0, 3), FIELD("y", INT, 3, 1)));
	const struct layout *l = LAYOUT(96, FIELD("u", UINT, 0, 8), FIELD("f", FLOAT, 8, 8), FIELD("g", FLOAT, 16, 4),
		FIELD("e", ENUM, 20, 4, VALUES({ "A\"", 0 })), FIELD("t", TEXT, 24, 20), FIELD("b", BYTES, 44, 4),
		FIELD("ip", IP, 48, 16), FIELD("p", PTR, 64, 8), FIELD("w", UINT, 72, 16),
		FIELD("a", ARRAY, 88, 8, .count = 2, .fields = { &pair, 1 }),
		FIELD("v", STRV, 96, 0, .trailing = true));
	uint8_t in[160 + PLAN_SLACK];
	struct plan *p = NULL;

	(void)state;
	assert_int_equal(plan_new(l, &p, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		uint32_t len = 96 + (uint32_t)(next_random() % 65);
		bool repaired = false;
		size_t max;
		char *out, *end;

		for (size_t j = 0; j < sizeof(in); j++)
			in[j] = (uint8_t)(i % 3 ? next_random() : next_random() % 4 ? 1 : 0);
		max = encode_max(p, in, len);
		out = malloc(max);
		end = encode_record(p, out, in, len, &repaired);
		assert_true(end && (size_t)(end - out) <= max);
		assert_int_equal(json_check(out, (size_t)(end - out)), 0);
		free(out);
	}
	plan_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_are_those_of_printf),
		cmocka_unit_test(integers_of_all_sizes_and_signs),
		cmocka_unit_test(integers_of_128_bits),
		cmocka_unit_test(bit_fields),
		cmocka_unit_test(booleans_pointers_and_network_order),
		cmocka_unit_test(enums_by_name_or_else_by_number),
		cmocka_unit_test(floats_read_back_as_they_were),
		cmocka_unit_test(text_ends_at_the_first_nul),
		cmocka_unit_test(text_is_escaped_and_repaired),
		cmocka_unit_test(repaired_text_is_told),
		cmocka_unit_test(bytes_are_hex),
		cmocka_unit_test(addresses_of_both_families),
		cmocka_unit_test(structs_unions_and_arrays),
		cmocka_unit_test(trailing_parts_end_with_the_record),
		cmocka_unit_test(a_trailing_part_has_no_more_than_another_field_says),
		cmocka_unit_test(a_field_is_there_if_another_says_so),
		cmocka_unit_test(keys_are_escaped_and_padding_is_hidden),
		cmocka_unit_test(what_is_too_long_is_told),
		cmocka_unit_test(any_bytes_give_json_within_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
