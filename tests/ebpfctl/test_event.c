/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "ebpfctl/event.h"

/* As in a line; double quotes are too many to escape. */
#define PROGRAM(p, e) "\"program\":\"" p "\",\"channel\":\"c\",\"event\":\"" e "\",\"id\":\"1-2-3-0-0\","
#define HEAD "{\"ts\":\"2026-11-25T01:02:03.123456789Z\",\"ts_source\":\"kernel\",\"host\":\"h\","

static void expect(const char *line, const char *text)
{
	struct event_style st = {};
	struct buf b = {};

	event_text(&st, line, strlen(line), &b);
	buf_add(&b, "", 1);
	assert_string_equal(b.s, text);
	buf_fini(&b);
}

static void an_event_becomes_keys_and_values(void **state)
{
	(void)state;
	expect(HEAD PROGRAM("exec", "exec_event") "\"tags\":{},"
	       "\"data\":{\"kind\":\"EXEC\",\"pid\":12,\"comm\":\"ls\",\"args\":[\"ls\",\"-l\",\"/tmp\"],"
	       "\"cut\":false}}\n",
	       "01:02:03.123 exec  kind=EXEC pid=12 comm=ls args=[ls -l /tmp]\n");
}

static void what_a_person_looks_for_is_first_and_what_says_nothing_is_left_out(void **state)
{
	(void)state;
	expect(HEAD PROGRAM("t",
			    "t") "\"tags\":{},\"data\":{\"ts_ns\":12345,\"run_ns\":16339990,\"idle_ns\":0,\"pid\":7,"
				 "\"none\":[],\"from\":\"SYN_SENT\",\"code\":0,\"to\":\"CLOSE\",\"day_ns\":"
				 "86400000000000}}\n",
	       "01:02:03.123 t  from=SYN_SENT to=CLOSE run=16.3ms pid=7 code=0 day=24h\n");
}

static void a_duration_says_its_unit_once(void **state)
{
	(void)state;
	expect(HEAD PROGRAM("p", "p") "\"tags\":{},\"data\":{\"_ns\":5,\"a_ns\":999999999999999999,"
	       "\"b_ns\":\"x\",\"c_ns\":5000}}\n",
	       "01:02:03.123 p  _ns=5 a_ns=999999999999999999 b_ns=x c=5us\n");
}

static void text_that_is_not_plain_is_quoted(void **state)
{
	(void)state;
	expect(HEAD PROGRAM("p", "p") "\"tags\":{},\"data\":{\"a\":\"b c\",\"b\":\"\",\"c\":\"\\\"\\n\","
	       "\"d\":\"[x\"}}\n",
	       "01:02:03.123 p  a=\"b c\" c=\"\\\"\\n\" d=\"[x\"\n");
}

static void an_event_with_a_name_of_its_own_says_it_and_tags_follow(void **state)
{
	(void)state;
	expect(HEAD PROGRAM("p", "closed") "\"tags\":{\"unit\":\"a.service\"},"
	       "\"data\":{\"n\":{\"x\":[1,{\"y\":null}]}}}\n",
	       "01:02:03.123 p  closed n={x=[1 {y=null}]} tags={unit=a.service}\n");
}

static void a_processor_may_give_any_json(void **state)
{
	(void)state;
	expect(HEAD PROGRAM("p", "p") "\"tags\":{},\"data\":[1,\"}\",2]}\n",
	       "01:02:03.123 p  data=[1 \"}\" 2]\n");
	expect(HEAD PROGRAM("p", "p") "\"tags\":{},\"data\":{}}\n", "01:02:03.123 p \n");
}

static void what_would_steer_a_terminal_is_tamed(void **state)
{
	(void)state;
	expect(HEAD PROGRAM("p", "p") "\"tags\":{},\"data\":{\"a\":\"\xc2\x9b""31m\",\"b\":\"\x7f\","
	       "\"\xc2\x9bk\":\"é\"}}\n",
	       "01:02:03.123 p  a=?31m b=\"?\" ?k=é\n");
}

static void what_is_no_event_is_passed_on(void **state)
{
	(void)state;
	expect("hello\n", "hello\n");
	expect("{\"a\":\n", "{\"a\":\n");
	expect("{}\n", "{}\n");
	expect("\n", "\n");
}

static void cut_lines_do_no_harm(void **state)
{
	static const char line[] = HEAD PROGRAM("p", "p") "\"tags\":{\"a\":\"b\"},"
				   "\"data\":{\"a\":[1,{\"b\":\"c\\\"\"}]}}";

	(void)state;
	for (size_t n = 0; n < sizeof(line); n++) {
		struct event_style st = { .color = true };
		struct buf b = {};
		char *cut = strndup(line, n);	/* so that a sanitizer sees a read past the end */

		event_text(&st, cut, n, &b);
		buf_fini(&b);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_becomes_keys_and_values),
		cmocka_unit_test(what_a_person_looks_for_is_first_and_what_says_nothing_is_left_out),
		cmocka_unit_test(a_duration_says_its_unit_once),
		cmocka_unit_test(text_that_is_not_plain_is_quoted),
		cmocka_unit_test(an_event_with_a_name_of_its_own_says_it_and_tags_follow),
		cmocka_unit_test(a_processor_may_give_any_json),
		cmocka_unit_test(what_would_steer_a_terminal_is_tamed),
		cmocka_unit_test(what_is_no_event_is_passed_on),
		cmocka_unit_test(cut_lines_do_no_harm),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
