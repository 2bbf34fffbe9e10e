/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layouts.h"

#include <time.h>

#include "../../channeld/envelope.h"
#include "../../common/spool.h"

static const struct envelope_names names = { "host", "prog", "chan", "ev" };

static struct source source = { .id_text = "2a-", .id_len = 3 };
static uint16_t result;

static const char *line(const struct envelope *e, uint64_t ns, bool kernel, uint64_t pos, const char *data)
{
	static char out[4096];
	char *end = envelope_open(e, out, ns, kernel, &source, pos, result);

	assert_true((size_t)(end - out) < e->max - PLAN_SLACK);
	end = envelope_close(mempcpy(end, data, strlen(data)));
	*end = 0;
	assert_int_equal(json_check(out, (size_t)(end - out)), 0);
	return out;
}

static void a_line_has_its_members_in_order(void **state)
{
	struct envelope_clock c = {};
	struct envelope e = {};

	(void)state;
	assert_int_equal(envelope_init(&e, &c, &names, 0xdeadbeef, 3), 0);
	assert_string_equal(line(&e, 1795568523123456789ULL, true, 0x1f40, "{\"a\":1}"),
		"{\"ts\":\"2026-11-25T01:02:03.123456789Z\",\"ts_source\":\"kernel\",\"host\":\"host\","
		"\"program\":\"prog\",\"channel\":\"chan\",\"event\":\"ev\",\"id\":\"deadbeef-2a-1f40-3-0\","
		"\"tags\":{},\"data\":{\"a\":1}}");
	assert_string_equal(line(&e, 1795568524000000001ULL, false, 0, "[]"),
		"{\"ts\":\"2026-11-25T01:02:04.000000001Z\",\"ts_source\":\"drain\",\"host\":\"host\","
		"\"program\":\"prog\",\"channel\":\"chan\",\"event\":\"ev\",\"id\":\"deadbeef-2a-0-3-0\","
		"\"tags\":{},\"data\":[]}");
	envelope_fini(&e);
}

static void the_id_is_that_of_the_record(void **state)
{
	const uint64_t positions[] = { 0, 1, 15, 16, 0xffffffff, 0x100000000, 0x123456789abcdef0, UINT64_MAX };
	struct envelope_clock c = {};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(positions); i++) {
		struct spool_rec r = { .boot = 0x00c0ffee + i, .source = i * 7, .source_pos = positions[i], .event = i,
				       .result = i % 2 ? UINT16_MAX >> 2 * i : 0 };
		char id[SPOOL_ID_MAX], quoted[SPOOL_ID_MAX + 16];
		struct envelope e = {};

		assert_int_equal(envelope_init(&e, &c, &names, r.boot, r.event), 0);
		source.id_len = (size_t)snprintf(source.id_text, sizeof(source.id_text), "%x-", r.source);
		result = r.result;
		spool_id_format(&r, id);
		snprintf(quoted, sizeof(quoted), "\"id\":\"%s\",", id);
		assert_non_null(strstr(line(&e, 5, true, r.source_pos, "{}"), quoted));
		envelope_fini(&e);
	}
}

static void dates_are_those_of_the_calendar(void **state)
{
	struct envelope_clock c = {};

	(void)state;
	for (uint64_t day = 0; day < 213000; day++) {	/* until 2553 */
		time_t t = (time_t)(day * 86400 + day % 86400);
		char text[80];
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(text, sizeof(text), "{\"ts\":\"%Y-%m-%dT%H:%M:%S.", &tm);
		envelope_clock_set(&c, (uint64_t)t);
		assert_string_equal(c.head, text);
		assert_int_equal(c.head_len, strlen(text));
	}
}

static void names_are_escaped_and_may_be_long(void **state)
{
	char host[300];
	struct envelope_names odd = { host, "p\"q", "c", "e" };
	struct envelope_clock c = {};
	struct envelope e = {};

	(void)state;
	memset(host, 'h', sizeof(host) - 1);
	host[sizeof(host) - 1] = 0;
	assert_int_equal(envelope_init(&e, &c, &odd, 1, 65535), 0);
	assert_non_null(strstr(line(&e, 1, true, UINT64_MAX, "{}"), "\"program\":\"p\\\"q\""));
	envelope_fini(&e);
	envelope_fini(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_members_in_order),
		cmocka_unit_test(the_id_is_that_of_the_record),
		cmocka_unit_test(dates_are_those_of_the_calendar),
		cmocka_unit_test(names_are_escaped_and_may_be_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
