/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single values, and words that were meant. */
#include "yamltest.h"
#include "../../common/conf.h"

static void scalars_are_read_strictly(void **state)
{
	uint64_t v = 7;
	bool b = false;

	(void)state;
	assert_int_equal(conf_parse_u64("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(conf_parse_u64("0xffffffffffffffff", &v), 0);
	assert_int_equal(conf_parse_u64("0x10000000000000000", &v), -ERANGE);
	assert_int_equal(conf_parse_u64("", &v), -EINVAL);
	assert_int_equal(conf_parse_u64(" 1", &v), -EINVAL);
	assert_int_equal(conf_parse_u64("+1", &v), -EINVAL);
	assert_true(v == UINT64_MAX);	/* untouched by failures */
	assert_int_equal(conf_parse_size("16M", &v), 0);
	assert_int_equal(v, 16 << 20);
	assert_int_equal(conf_parse_size("1T", &v), 0);
	assert_int_equal(conf_parse_size("M", &v), -EINVAL);
	assert_int_equal(conf_parse_size("1m", &v), -EINVAL);
	assert_int_equal(conf_parse_time("2", &v), 0);
	assert_int_equal(v, 2 * NSEC_PER_SEC);
	assert_int_equal(conf_parse_time("1d", &v), 0);
	assert_int_equal(v, 86400 * NSEC_PER_SEC);
	assert_int_equal(conf_parse_time("250us", &v), 0);
	assert_int_equal(v, 250000);
	assert_int_equal(conf_parse_time("1.5s", &v), -EINVAL);
	assert_int_equal(conf_parse_time("999999999999d", &v), -ERANGE);
	assert_int_equal(conf_parse_bool("ON", &b), 0);
	assert_true(b);
	assert_int_equal(conf_parse_bool("1", &b), -EINVAL);
	assert_true(conf_name_valid("aZ0_-"));
	assert_false(conf_name_valid("a/b"));
	assert_false(conf_name_valid(""));
	assert_true(conf_name_valid("123456789012345678901234567890123456789012345678901234567890123"));
	assert_false(conf_name_valid("1234567890123456789012345678901234567890123456789012345678901234"));
}

static void slips_of_the_finger_are_recognised(void **state)
{
	static const char *const words[] = { "type", "path", "channels", "events", "map", NULL };

	(void)state;
	assert_string_equal(conf_did_you_mean("tpye", words), "type");
	assert_string_equal(conf_did_you_mean("chanels", words), "channels");
	assert_string_equal(conf_did_you_mean("event", words), "events");
	assert_string_equal(conf_did_you_mean("maps", words), "map");
	assert_null(conf_did_you_mean("x", words));
	assert_null(conf_did_you_mean("", words));
	assert_null(conf_did_you_mean("storage", words));
	assert_null(conf_did_you_mean("a-word-that-is-longer-than-any-key-that-there-is-or-will-be", words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		doc_test(scalars_are_read_strictly),
		doc_test(slips_of_the_finger_are_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
