/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids of records, as text. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/spool.h"

static void an_id_is_written_and_read_back(void **state)
{
	static const struct {
		struct spool_rec rec;
		const char *text;
	} rows[] = {
		{ { 0 }, "0-0-0-0-0" },
		{ { .boot = 0xdeadbeef, .source = 17, .source_pos = 0x123456789abcdef0, .event = 3, .result = 10 },
		  "deadbeef-11-123456789abcdef0-3-a" },
		{ { .boot = -1, .source = -1, .source_pos = -1, .event = -1, .result = -1 },
		  "ffffffff-ffffffff-ffffffffffffffff-ffff-ffff" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spool_rec rec = {};
		char text[SPOOL_ID_MAX];

		assert_int_equal(spool_id_format(&rows[i].rec, text), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
		assert_int_equal(spool_id_parse(text, strlen(text), &rec), 0);
		assert_memory_equal(&rec, &rows[i].rec, sizeof(rec));
	}
	(void)state;
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "-", "0-0-0-0", "0-0-0-0-", "0-0-0-0-0-", "0-0-0-0-0 ", "00-0-0-0-0", "0-0-0-0-01", "0--0-0-0",
		"A-0-0-0-0", "0-0-0-0-g", "100000000-0-0-0-0", "0-100000000-0-0-0", "0-0-10000000000000000-0-0",
		"0-0-0-10000-0", "0-0-0-0-10000",
	};
	struct spool_rec rec = { .source = 4 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(spool_id_parse(rows[i], strlen(rows[i]), &rec), -EINVAL);
	assert_int_equal(rec.source, 4);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_written_and_read_back),
		cmocka_unit_test(what_is_no_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
