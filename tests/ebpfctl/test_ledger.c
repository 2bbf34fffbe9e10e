/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ebpfctl/ledger.h"
#include "rows_make.h"

static const char *const good_channeld[] = {
	"kind=channel program=exec channel=events produced=100 drained=90 pending=4 ring_full=4 nmi=1 lost=0 "
	"discarded=1",
	"kind=event program=exec channel=events event=exec_event drained=90 ok=80 decode=1 so_error=2 so_crash=3 "
	"so_timeout=1 filtered=2 oversize=1 results=80 spooled=78 spool_full=2",
	NULL
};
static const char *const good_sinkd[] = {
	"kind=sink program=exec sink=file routed=78 acked=69 pending=5 rejected=1 disk_full=1 expired=1 damaged=1", NULL
};

static void expect(const char *const *channeld, const char *const *sinkd, size_t n_off, const char *text)
{
	struct rows c = make_rows(channeld), s = make_rows(sinkd);
	struct ledger l = {};

	ledger_check(&l, &c, &s);
	assert_int_equal(l.n_off, n_off);
	if (text)
		assert_string_equal(l.off[0], text);
	ledger_fini(&l);
	rows_fini(&c);
	rows_fini(&s);
}

static void expect_unknown(const char *const *channeld, const char *const *sinkd, size_t n)
{
	struct rows c = make_rows(channeld), s = make_rows(sinkd);
	struct ledger l = {};

	ledger_check(&l, &c, &s);
	assert_int_equal(l.n_unknown, n);
	ledger_fini(&l);
	rows_fini(&c);
	rows_fini(&s);
}

static void equations_that_hold_are_balanced(void **state)
{
	(void)state;
	expect(good_channeld, good_sinkd, 0, NULL);
}

static void a_channel_that_is_off_is_named_with_its_numbers(void **state)
{
	static const char *const rows[] = {
		"kind=channel program=exec channel=events produced=100 drained=90 pending=4 ring_full=5 nmi=0 lost=0",
		NULL
	};
	static const char *const none[] = { NULL };

	(void)state;
	expect(rows, none, 1, "channel exec.events: 100 produced, but 90 drained + 4 pending + 5 ring_full: off by 1");
}

static void what_is_unknown_is_passed_over_and_counted(void **state)
{
	static const char *const rows[] = {
		"kind=channel program=exec channel=events produced=unknown drained=90 pending=4 ring_full=unknown", NULL
	};
	static const char *const none[] = { NULL };

	(void)state;
	expect(rows, none, 0, NULL);
	expect_unknown(rows, none, 1);
	expect_unknown(good_channeld, good_sinkd, 0);
}

static void a_route_that_saw_fewer_events_than_its_channel_is_off(void **state)
{
	static const char *const rows[] = {
		"kind=channel program=p channel=a produced=5 drained=5 pending=0 ring_full=0 nmi=0 lost=0",
		"kind=channel program=p channel=b produced=4 drained=4 pending=0 ring_full=0 nmi=0 lost=0",
		"kind=event program=p channel=a event=x drained=4 ok=4 results=4 spooled=4",
		"kind=event program=p channel=b event=x drained=4 ok=4 results=4 spooled=4",
		NULL
	};
	static const char *const none[] = { NULL };

	(void)state;
	expect(rows, none, 1, "event p.a.x: 4 drained, but the channel has 5");
}

static void a_channel_that_moved_while_it_was_read_is_not_off(void **state)
{
	static const char *const rows[] = {
		"kind=channel program=p channel=a produced=9 drained=5 pending=0 ring_full=0 nmi=0 lost=0 live=true",
		"kind=event program=p channel=a event=x drained=4 ok=4 results=4 spooled=4",
		NULL
	};
	static const char *const none[] = { NULL };

	(void)state;
	expect(rows, none, 0, NULL);
}

static void a_sink_that_lost_is_off(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const rows[] = { "kind=sink program=p sink=file routed=10 acked=8 pending=1", NULL };

	(void)state;
	expect(none, rows, 1, "sink p.file: 10 routed, but 8 acked + 1 pending: off by 1");
}

static void rows_are_written_as_json_without_their_kind(void **state)
{
	struct rows r = make_rows(good_sinkd);
	struct json j = {};
	char *text;

	(void)state;
	rows_json(&r, "sink", &j, NULL);
	text = json_finish(&j, NULL);
	assert_string_equal(text, "[{\"program\":\"exec\",\"sink\":\"file\",\"routed\":78,\"acked\":69,\"pending\":5,"
			    "\"rejected\":1,\"disk_full\":1,\"expired\":1,\"damaged\":1}]");
	free(text);
	rows_fini(&r);
}

static void an_answer_of_another_form_is_refused(void **state)
{
	DBusMessage *m = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
	const char *text = "x";
	struct rows r = { .n = 7 };

	(void)state;
	dbus_message_append_args(m, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
	assert_true(rows_read(m, &r) < 0);
	assert_int_equal(r.n, 7);
	dbus_message_unref(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equations_that_hold_are_balanced),
		cmocka_unit_test(a_channel_that_is_off_is_named_with_its_numbers),
		cmocka_unit_test(what_is_unknown_is_passed_over_and_counted),
		cmocka_unit_test(a_route_that_saw_fewer_events_than_its_channel_is_off),
		cmocka_unit_test(a_channel_that_moved_while_it_was_read_is_not_off),
		cmocka_unit_test(a_sink_that_lost_is_off),
		cmocka_unit_test(rows_are_written_as_json_without_their_kind),
		cmocka_unit_test(an_answer_of_another_form_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
