/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of FIFOs, as people write them and as nobody should: whatever comes in, one valid JSON value comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../channeld/line.h"
#include "../../common/json.h"

/* In rooms of exactly the size that the contract asks for, so that a sanitizer sees each byte beyond. */
static char *convert(const char *s, size_t len, bool *ret_repaired)
{
	char *in = malloc(len ? len : 1), *out = malloc(LINE_ROOM(len)), *text;
	size_t n;

	memcpy(in, s, len);
	*ret_repaired = false;
	n = line_to_json(out, in, len, ret_repaired);
	assert_true(n <= LINE_ROOM(len));
	if (json_check(out, n) != 0)
		fail_msg("no JSON: %.*s", (int)n, out);
	text = strndup(out, n);
	assert_int_equal(strlen(text), n);
	free(in);
	free(out);
	return text;
}

static void gives(const char *line, const char *expected, bool is_repaired)
{
	bool repaired;
	char *text = convert(line, strlen(line), &repaired);

	assert_string_equal(text, expected);
	assert_int_equal(repaired, is_repaired);
	free(text);
}

static void becomes(const char *line, const char *expected)
{
	gives(line, expected, false);
}

static void is_repaired(const char *line, const char *expected)
{
	gives(line, expected, true);
}

static void json_is_taken_as_it_is(void **state)
{
	(void)state;
	becomes("{\"a\":[1,{\"b\":null}]}", "{\"a\":[1,{\"b\":null}]}");
	becomes(" \t {\"a\" : 1}\r", "{\"a\" : 1}");
	becomes("12", "12");
	becomes("-1.5e+300", "-1.5e+300");
	becomes("123456789012345678901234567890", "123456789012345678901234567890");
	becomes("\"text\"", "\"text\"");
	becomes("true", "true");
	becomes("[]", "[]");
}

static void what_is_nearly_json_is_text(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 3], text[sizeof(deep) + 16];

	(void)state;
	becomes("{\"a\":1", "{\"line\":\"{\\\"a\\\":1\"}");
	becomes("{\"a\":1} x", "{\"line\":\"{\\\"a\\\":1} x\"}");
	becomes("01", "{\"line\":\"01\"}");
	becomes("NaN", "{\"line\":\"NaN\"}");
	becomes("\"\\ud800\"", "{\"line\":\"\\\"\\\\ud800\\\"\"}");
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	deep[sizeof(deep) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"line\":\"%s\"}", deep);
	becomes(deep, text);
}

static void pairs_become_an_object(void **state)
{
	(void)state;
	becomes("a=1", "{\"a\":1}");
	becomes("  a=1\tb=-2.5e3  c=x\r", "{\"a\":1,\"b\":-2.5e3,\"c\":\"x\"}");
	becomes("a= b=\"\"", "{\"a\":\"\",\"b\":\"\"}");
	becomes("a.b-c/d:e@f_9=x=y", "{\"a.b-c/d:e@f_9\":\"x=y\"}");
	becomes("a=\"1\" b=007 c=+1 d=0x10 e=1. f=-",
		"{\"a\":\"1\",\"b\":\"007\",\"c\":\"+1\",\"d\":\"0x10\",\"e\":\"1.\",\"f\":\"-\"}");
	becomes("a=true b=null c=[1] d={} e=NaN",
		"{\"a\":\"true\",\"b\":\"null\",\"c\":\"[1]\",\"d\":\"{}\",\"e\":\"NaN\"}");
}

static void quotes_in_values(void **state)
{
	(void)state;
	becomes("a=\"x y\" b=1", "{\"a\":\"x y\",\"b\":1}");
	becomes("a=\"x \\\"y\\\" \\\\ z\"", "{\"a\":\"x \\\"y\\\" \\\\ z\"}");
	becomes("a=\"\\\\\\\"\"", "{\"a\":\"\\\\\\\"\"}");
	becomes("a=\"\\n\\t\\r\\q\"", "{\"a\":\"\\n\\t\\rq\"}");
	becomes("a=\"\\\303\244\"", "{\"a\":\"\303\244\"}");
	becomes("a=x\"y", "{\"a\":\"x\\\"y\"}");
	becomes("a=\"x", "{\"line\":\"a=\\\"x\"}");
	becomes("a=\"x\\\"", "{\"line\":\"a=\\\"x\\\\\\\"\"}");
	becomes("a=\"x\\", "{\"line\":\"a=\\\"x\\\\\"}");
	becomes("a=\"x\"y", "{\"line\":\"a=\\\"x\\\"y\"}");
	becomes("a=\"", "{\"line\":\"a=\\\"\"}");
}

static void what_is_no_list_of_pairs_is_text(void **state)
{
	(void)state;
	becomes("", "{\"line\":\"\"}");
	becomes(" \t\r ", "{\"line\":\"\"}");
	becomes("hello", "{\"line\":\"hello\"}");
	becomes("a=1 and b=2", "{\"line\":\"a=1 and b=2\"}");
	becomes("=1", "{\"line\":\"=1\"}");
	becomes("a=1 a=2", "{\"line\":\"a=1 a=2\"}");
	becomes("\303\244=1", "{\"line\":\"\303\244=1\"}");
	becomes("a\"b=1", "{\"line\":\"a\\\"b=1\"}");
}

static void numbers_of_any_length_stay_exact(void **state)
{
	char line[80] = "n=", text[96];

	(void)state;
	memset(line + 2, '9', 63);
	snprintf(text, sizeof(text), "{\"n\":%s}", line + 2);
	becomes(line, text);
	line[65] = '9';		/* longer than any that is one */
	snprintf(text, sizeof(text), "{\"n\":\"%s\"}", line + 2);
	becomes(line, text);
	becomes("n=1e999999999", "{\"n\":1e999999999}");
}

#define LOST "\357\277\275"	/* U+FFFD, one for each byte */

static void invalid_utf8_is_repaired_and_said(void **state)
{
	(void)state;
	is_repaired("bad \xff", "{\"line\":\"bad " LOST "\"}");
	is_repaired("cut \xe2\x82", "{\"line\":\"cut " LOST LOST "\"}");
	is_repaired("a=cut\xf0\x9f\x98", "{\"a\":\"cut" LOST LOST LOST "\"}");
	is_repaired("a=\"cut\xf0\x9f\x98\" b=1", "{\"a\":\"cut" LOST LOST LOST "\",\"b\":1}");
	is_repaired("a=\"x\\\xc3\" b=1", "{\"a\":\"x" LOST "\",\"b\":1}");
	is_repaired("\"\xc0\xaf\"", "{\"line\":\"\\\"" LOST LOST "\\\"\"}");
}

/* A backslash within a character of several bytes parts it in two that are none. */
static void a_backslash_in_a_character_is_no_way_out(void **state)
{
	(void)state;
	is_repaired("a=\"\xc3\\\xa4\"", "{\"a\":\"" LOST LOST "\"}");
}

static void every_byte_comes_through_in_every_form(void **state)
{
	const char *forms[] = { "%c", "a%cb", "a=%c", "a=\"%c\"", "a=\"\\%c\"", "a=1%cb=2", "%ca=1", "{\"a\":\"%c\"}",
				"a=\"\\\\%c", "[%c]", "a=%c%c%c" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		for (int c = 1; c < 256; c++) {
			char line[32];
			bool repaired;
			int n;

			if (c == '\n')
				continue;
			n = snprintf(line, sizeof(line), forms[i], c, c, c);
			free(convert(line, (size_t)n, &repaired));
		}
}

/* All that is worst for the room: escapes of six bytes, as many pairs as there may be, and one more. */
static void the_room_is_enough(void **state)
{
	static char line[64 << 10];
	bool repaired;
	size_t len = 0;
	char *text;

	(void)state;
	memset(line, 1, sizeof(line));
	free(convert(line, sizeof(line), &repaired));
	for (int i = 0; i < LINE_PAIRS_MAX; i++)
		len += (size_t)sprintf(line + len, "%sk%d=\1\1", i ? " " : "", i);
	text = convert(line, len, &repaired);
	assert_int_equal(strncmp(text, "{\"k0\":\"\\u0001", 13), 0);
	free(text);
	len += (size_t)sprintf(line + len, " more=1");
	text = convert(line, len, &repaired);
	assert_int_equal(strncmp(text, "{\"line\":\"k0=\\u0001", 18), 0);
	free(text);
}

static void noise_is_never_anything_but_json(void **state)
{
	static const char letters[] = "ab=\"\\{}[]:,01-.e \t\r\x01\x7f\xc3\xa4\xf0\x9f\x98\x80\xed\xa0\x80\xff/";
	uint64_t seed = 0x9e3779b97f4a7c15ULL;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		char line[24];
		bool repaired;
		size_t len = seed % sizeof(line);

		for (size_t i = 0; i < len; i++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			line[i] = letters[(seed >> 33) % (sizeof(letters) - 1)];
		}
		seed ^= seed >> 29;
		free(convert(line, len, &repaired));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_taken_as_it_is),
		cmocka_unit_test(what_is_nearly_json_is_text),
		cmocka_unit_test(pairs_become_an_object),
		cmocka_unit_test(quotes_in_values),
		cmocka_unit_test(what_is_no_list_of_pairs_is_text),
		cmocka_unit_test(numbers_of_any_length_stay_exact),
		cmocka_unit_test(invalid_utf8_is_repaired_and_said),
		cmocka_unit_test(a_backslash_in_a_character_is_no_way_out),
		cmocka_unit_test(every_byte_comes_through_in_every_form),
		cmocka_unit_test(the_room_is_enough),
		cmocka_unit_test(noise_is_never_anything_but_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
