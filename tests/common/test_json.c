/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "yamltest.h"
#include "../../common/json.h"

static void a_text_is_written_with_its_commas(void **state)
{
	struct json j = {0};
	size_t len;
	char *text;

	(void)state;
	json_open_object(&j, NULL);
	json_str(&j, "s", "a\"b\\c\n\t\x01\x7f");
	json_str(&j, "none", NULL);
	json_u64(&j, "u", UINT64_MAX);
	json_s64(&j, "i", INT64_MIN);
	json_double(&j, "d", 0.1);
	json_double(&j, "nan", NAN);
	json_bool(&j, "b", true);
	json_open_array(&j, "l");
	json_u64(&j, NULL, 1);
	json_open_object(&j, NULL);
	json_close_object(&j);
	json_open_array(&j, NULL);
	json_close_array(&j);
	json_strf(&j, NULL, "%d%%", 5);
	json_close_array(&j);
	json_raw(&j, "r", "[1]", 3);
	json_close_object(&j);
	text = json_finish(&j, &len);
	assert_string_equal(text, "{\"s\":\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\",\"none\":null,\"u\":18446744073709551615,"
				  "\"i\":-9223372036854775808,\"d\":0.1,\"nan\":null,\"b\":true,"
				  "\"l\":[1,{},[],\"5%\"],\"r\":[1]}");
	assert_int_equal(len, strlen(text));
	assert_int_equal(json_check(text, len), 0);
	free(text);
	/* empty again */
	json_u64(&j, NULL, 7);
	text = json_finish(&j, NULL);
	assert_string_equal(text, "7");
	free(text);
}

static void what_is_not_closed_or_too_deep_is_no_text(void **state)
{
	struct json j = {0};
	int i;

	(void)state;
	json_open_object(&j, NULL);
	assert_null(json_finish(&j, NULL));
	json_close_array(&j);
	assert_null(json_finish(&j, NULL));
	for (i = 0; i < 1000; i++)
		json_open_array(&j, NULL);
	for (i = 0; i < 1000; i++)
		json_close_array(&j);
	assert_null(json_finish(&j, NULL));
	json_fini(&j);
}

static void doubles_are_short_and_exact(void **state)
{
	static const double values[] = { 0, -0.0, 1, 1e300, 5e-324, 1.0 / 3, 123456789.123456789, -2.5 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		struct json j = {0};
		char *text;

		json_double(&j, NULL, values[i]);
		text = json_finish(&j, NULL);
		assert_true(strtod(text, NULL) == values[i]);
		assert_int_equal(json_check(text, strlen(text)), 0);
		free(text);
	}
}

static void every_character_is_read_back_by_the_yaml_reader(void **state)
{
	struct doc_fixture *f = *state;
	char key[8], value[64];
	unsigned c;

	for (c = 1; c <= 0x10ffff; c += c < 0x3000 ? 1 : 0x3f) {
		struct json j = {0};
		char *text;
		int n;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		if (c < 0x80)
			n = sprintf(key, "%c", c);
		else if (c < 0x800)
			n = sprintf(key, "%c%c", 0xc0 | c >> 6, 0x80 | (c & 63));
		else if (c < 0x10000)
			n = sprintf(key, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
		else
			n = sprintf(key, "%c%c%c%c", 0xf0 | c >> 18, 0x80 | (c >> 12 & 63), 0x80 | (c >> 6 & 63),
				    0x80 | (c & 63));
		assert_in_range(n, 1, 4);
		snprintf(value, sizeof(value), " %s a%s: #%s%s ", key, key, key, key);
		json_open_object(&j, NULL);
		json_str(&j, key, value);
		json_close_object(&j);
		text = json_finish(&j, NULL);
		assert_int_equal(json_check(text, strlen(text)), 0);
		if (doc_parse(f, text) < 0)
			fail_msg("U+%04X: %s", c, f->d.error);
		assert_string_equal(f->root->keys[0], key);
		assert_string_equal(f->root->items[0]->value, value);
		free(text);
	}
	for (c = 0xfff0; c <= 0xffff; c++) {	/* the ones at the end of the plane are odd */
		struct json j = {0};
		char *text;

		sprintf(value, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
		json_str(&j, NULL, value);
		text = json_finish(&j, NULL);
		if (doc_parse(f, text) < 0)
			fail_msg("U+%04X: %s", c, f->d.error);
		assert_string_equal(f->root->value, value);
		free(text);
	}
}

static void invalid_utf8_is_repaired_and_said(void **state)
{
	static const struct {
		const char *in, *out;
		bool repaired;
	} rows[] = {
		{ "plain ascii, longer than eight", "plain ascii, longer than eight", false },
		{ "é€😀", "é€😀", false },
		{ "\xff", "\xef\xbf\xbd", true },
		{ "12345678\xc3", "12345678\xef\xbf\xbd", true },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd", true },
		{ "\xed\xa0\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx", true },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", true },
		{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", true },
		{ "\xc2\x85 \xe2\x80\xa8", "\\u0085 \\u2028", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *out = malloc(6 * strlen(rows[i].in));	/* exactly the room that is promised to do */
		bool repaired = false;
		size_t n = json_escape(out, rows[i].in, strlen(rows[i].in), &repaired);

		assert_int_equal(n, strlen(rows[i].out));
		assert_memory_equal(out, rows[i].out, n);
		assert_int_equal(repaired, rows[i].repaired);
		free(out);
	}
}

static const char *const good[] = {
	"{}", "[]", " \t[ ] ", "0", "-0", "1e5", "-1.5E+10", "0.0", "true", "false", "null", "\"\"",
	"\"\\u00e9\\n\\/\"", "\"\\ud83d\\ude00\"", "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"a\":1}", "[1 , 2\t]",
	"\"é€😀\"", "\"\x7f\"", "\"0123456789abcdef0123456789\"", "{ \"a\" : 1 , \"b\" : [ ] }",
	"123456789012345678901234567890", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
};
static const char *const wrong[] = {
	"", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
	"{a:1}", "{1:2}", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "Infinity", "tru", "truex", "nul",
	"True", "'a'", "\"", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800x\"",
	"\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "\"\t\"", "\"\x01\"", "[1]\n", "\n1", "{\"a\":\n1}", "1 2",
	"[1]]", "[1}", "{\"a\":1]", "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
	"\"\xe2\x82\"", "\xef\xbb\xbf{}", "{\"a\" 1}", "[1 2]", "\"12345678\n\"", "\"1234567\x1f\"", "//x\n1",
	"[1]x", "{\"a\":1 \"b\":2}", "[1]\r", "[1,\r2]",
	"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
};

static void the_check_is_as_strict_as_the_standard(void **state)
{
	char *exact;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (json_check(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		/* without a NUL behind it, so that a sanitizer sees a read beyond */
		exact = malloc(strlen(wrong[i]) + 1);
		memcpy(exact, wrong[i], strlen(wrong[i]));
		exact = realloc(exact, strlen(wrong[i]) ? strlen(wrong[i]) : 1);
		if (!json_check(exact, strlen(wrong[i])))
			fail_msg("accepted: %s", wrong[i]);
		free(exact);
	}
	assert_int_equal(json_check("1\0", 2), -EILSEQ);
	assert_int_equal(json_check("\"\0\"", 3), -EILSEQ);
}

static void every_prefix_of_a_text_is_refused(void **state)
{
	static const char text[] = "{\"aé\":[1,-2.5e-3,true,null,\"\\u00e9\\\\ x\",{\"b\":\"01234567890123456789\"}]}";
	size_t len;

	(void)state;
	assert_int_equal(json_check(text, strlen(text)), 0);
	for (len = 0; len < strlen(text); len++) {
		char *cut = malloc(len ? len : 1);

		memcpy(cut, text, len);
		assert_int_equal(json_check(cut, len), -EILSEQ);
		free(cut);
	}
}

static void a_deep_text_costs_nothing(void **state)
{
	size_t len = 50 << 20;
	char *text = malloc(len);
	double start = seconds();

	(void)state;
	memset(text, '[', len);
	assert_int_equal(json_check(text, len), -EILSEQ);
	assert_true(seconds() - start < 0.5);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_written_with_its_commas),
		cmocka_unit_test(what_is_not_closed_or_too_deep_is_no_text),
		cmocka_unit_test(doubles_are_short_and_exact),
		doc_test(every_character_is_read_back_by_the_yaml_reader),
		cmocka_unit_test(invalid_utf8_is_repaired_and_said),
		cmocka_unit_test(the_check_is_as_strict_as_the_standard),
		cmocka_unit_test(every_prefix_of_a_text_is_refused),
		cmocka_unit_test(a_deep_text_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
