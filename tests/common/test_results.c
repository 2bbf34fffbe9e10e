/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "../../common/results.h"

static void takes(int (*check)(const char *, size_t), const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (check(texts[i], strlen(texts[i])) < 0)
			fail_msg("refused: %s", texts[i]);
}

static void refuses(int (*check)(const char *, size_t), const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (check(texts[i], strlen(texts[i])) == 0)
			fail_msg("taken: %s", texts[i]);
}

static void results_are_valid_or_none_is(void **state)
{
	static const char *const good[] = {
		"{}", "1", "{}\n", "{}\n[]\n\"x\"", "@{\"name\":\"a\",\"type\":\"gauge\",\"value\":-1.5}",
		"{}\n@{\"name\":\"a\",\"type\":\"counter\",\"value\":1}\n{}",
	};
	static const char *const bad[] = {
		"\n", "{}\n\n{}", "\n{}", "{}\r\n{}", "@", "@{}", "{} {}", "{}@{}", "{}\n{", "^{}", "@\n{}", "{}\n@",
	};

	(void)state;
	takes(results_check, good, ARRAY_SIZE(good));
	refuses(results_check, bad, ARRAY_SIZE(bad));
}

#define SAMPLE(rest) "{\"name\":\"a\",\"type\":\"counter\"" rest "}"
#define HISTOGRAM(rest) "{\"name\":\"a\",\"type\":\"histogram\"" rest "}"

static void samples_keep_the_rules(void **state)
{
	static const char *const good[] = {
		SAMPLE(",\"value\":0"), SAMPLE(",\"value\":1e3,\"labels\":{}"),
		"{ \"value\" : 7 , \"labels\" : { \"a:b_9\" : \"\\\"\\n,}\" } , \"type\" : \"gauge\", "
		"\"name\" : \"_x:y9\" }",
		"\t{\t\"value\"\t:\t7\t,\t\"labels\"\t:\t{\t\"a\"\t:\t\"b\"\t}\t,\t\"type\"\t:\t\"gauge\"\t,\t"
		"\"name\"\t:\t\"x\"\t}\t", HISTOGRAM(",\"buckets\"\t:\t[\t[\t1\t,\t0\t]\t]"),
		HISTOGRAM(",\"buckets\":[]"), HISTOGRAM(",\"buckets\":[[1,0],[3,2]],\"count\":2,\"sum\":4.5"),
		HISTOGRAM(",\"buckets\":[[-1,0]],\"labels\":{\"a\":\"\"}"),
	};
	static const char *const bad[] = {
		SAMPLE(""), SAMPLE(",\"value\":\"1\""), SAMPLE(",\"value\":null"), SAMPLE(",\"value\":1,\"value\":1"),
		SAMPLE(",\"value\":1,\"more\":1"), SAMPLE(",\"value\":1,\"labels\":[]"),
		SAMPLE(",\"value\":1,\"labels\":{\"a\":1}"), SAMPLE(",\"value\":1,\"labels\":{\"a b\":\"\"}"),
		SAMPLE(",\"value\":1,\"buckets\":[]"), HISTOGRAM(",\"value\":1"), HISTOGRAM(",\"buckets\":[1]"),
		HISTOGRAM(",\"buckets\":[[1]]"), HISTOGRAM(",\"buckets\":[[1,2,3]]"),
		HISTOGRAM(",\"buckets\":[[1,-2]]"),
		HISTOGRAM(",\"buckets\":[[\"1\",2]]"), HISTOGRAM(",\"buckets\":{}"), HISTOGRAM(",\"count\":1"),
		"{\"name\":\"9a\",\"type\":\"gauge\",\"value\":1}", "{\"name\":\"\",\"type\":\"gauge\",\"value\":1}",
		"{\"name\":\"a-b\",\"type\":\"gauge\",\"value\":1}",
		"{\"name\":\"a\\u0062\",\"type\":\"gauge\",\"value\":1}",
		"{\"name\":\"a\",\"type\":\"summary\",\"value\":1}", "{\"type\":\"gauge\",\"value\":1}", "[]", "1", "",
		SAMPLE(",\"value\":1") "x", "{\"name\":\"a\",\"type\":\"gauge\",\"value\":1",
	};

	(void)state;
	takes(sample_check, good, ARRAY_SIZE(good));
	refuses(sample_check, bad, ARRAY_SIZE(bad));
}

/* Whatever it is, the answer does not depend on what lies behind it, and every prefix is looked at. */
static void what_is_cut_anywhere_is_refused(void **state)
{
	static const char whole[] = HISTOGRAM(",\"labels\":{\"a\":\"b\"},\"buckets\":[[1,0],[3,2]],\"count\":2");
	size_t len = sizeof(whole) - 1;

	(void)state;
	assert_int_equal(sample_check(whole, len), 0);
	for (size_t n = 0; n < len; n++) {
		char *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, whole, n);
		assert_int_not_equal(sample_check(copy, n), 0);
		free(copy);
	}
}

static void there_may_be_so_many_labels(void **state)
{
	char text[4096];
	size_t n = 0;

	(void)state;
	n += (size_t)sprintf(text, "{\"name\":\"a\",\"type\":\"gauge\",\"value\":1,\"labels\":{\"l\":\"\"");
	for (int i = 1; i < 32; i++)
		n += (size_t)sprintf(text + n, ",\"l%d\":\"\"", i);
	strcpy(text + n, "}}");
	assert_int_equal(sample_check(text, n + 2), 0);
	n += (size_t)sprintf(text + n, ",\"l32\":\"\"}}");
	assert_int_not_equal(sample_check(text, n), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_are_valid_or_none_is),
		cmocka_unit_test(samples_keep_the_rules),
		cmocka_unit_test(what_is_cut_anywhere_is_refused),
		cmocka_unit_test(there_may_be_so_many_labels),
	};

	return cmocka_run_group_tests_name("common/results", tests, NULL, NULL);
}
