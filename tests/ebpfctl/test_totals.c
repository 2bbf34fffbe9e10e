/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ebpfctl/totals.h"
#include "rows_make.h"

static void expect(const char *const *channeld, const char *const *sinkd, const char *text)
{
	struct ledger l = { .channeld = make_rows(channeld), .sinkd = make_rows(sinkd) };
	char *got = totals_text(&l, "p");

	if (text)
		assert_string_equal(got, text);
	else
		assert_null(got);
	free(got);
	ledger_fini(&l);
}

static const char *const no_sinks[] = { NULL };

static void all_delivered_is_one_number(void **state)
{
	static const char *const rows[] = {
		"kind=channel program=p channel=c produced=1 drained=1 pending=0 ring_full=0 nmi=0 lost=0",
		"kind=event program=p channel=c event=e drained=1 ok=1 results=1 spooled=1 spool_full=0",
		"kind=channel program=other channel=c produced=9 drained=0 pending=0 ring_full=9 nmi=0 lost=0",
		NULL
	};

	(void)state;
	expect(rows, no_sinks, "p: 1 event delivered");
}

static void losses_are_said_with_their_reasons(void **state)
{
	static const char *const one[] = {
		"kind=channel program=p channel=c produced=12 drained=5 pending=0 ring_full=7 nmi=0 lost=0",
		"kind=event program=p channel=c event=e drained=5 ok=5 results=5 spooled=5 spool_full=0", NULL
	};
	static const char *const many[] = {
		"kind=channel program=p channel=c produced=12 drained=5 pending=0 ring_full=7 nmi=0 lost=0",
		"kind=channel program=p channel=d produced=3 drained=2 pending=0 ring_full=1 nmi=0 lost=0",
		"kind=event program=p channel=c event=e drained=5 ok=2 decode=1 filtered=2 results=2 spooled=2",
		"kind=event program=p channel=d event=f drained=2 ok=2 results=2 spooled=2", NULL
	};
	static const char *const sinks[] = {
		"kind=sink program=p sink=file routed=4 acked=1 pending=0 disk_full=3", NULL
	};

	(void)state;
	expect(one, no_sinks, "p: 5 events delivered, 7 lost (ring_full)");
	expect(many, sinks,
	       "p: 4 events delivered, 2 filtered, 9 lost (8 ring_full, 1 decode); sink file lost 3 (disk_full)");
}

static void what_is_left_is_said_and_makes_the_rest_inexact(void **state)
{
	static const char *const rows[] = {
		"kind=channel program=p channel=c produced=10 drained=8 pending=2 ring_full=0 nmi=0 lost=0",
		"kind=event program=p channel=c event=e drained=8 ok=8 results=8 spooled=8 spool_full=0", NULL
	};
	static const char *const sinks[] = {
		"kind=sink program=p sink=live routed=8 acked=8 pending=0",
		"kind=sink program=p sink=file routed=8 acked=5 pending=3", NULL
	};

	(void)state;
	expect(rows, sinks, "p: about 5 events delivered, 5 not");
}

static void what_is_not_counted_is_said(void **state)
{
	static const char *const rows[] = {
		"kind=channel program=p channel=c produced=unknown drained=2 pending=0 ring_full=unknown nmi=unknown "
		"lost=0",
		"kind=event program=p channel=c event=e drained=2 ok=2 results=2 spooled=2 spool_full=0", NULL
	};

	(void)state;
	expect(rows, no_sinks,
	       "p: 2 events delivered; losses in the kernel unknown: its object does not count them");
}

static void a_program_without_channels_has_no_sum(void **state)
{
	static const char *const rows[] = { "kind=channel program=q channel=c drained=2", NULL };

	(void)state;
	expect(rows, no_sinks, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_delivered_is_one_number),
		cmocka_unit_test(losses_are_said_with_their_reasons),
		cmocka_unit_test(what_is_left_is_said_and_makes_the_rest_inexact),
		cmocka_unit_test(what_is_not_counted_is_said),
		cmocka_unit_test(a_program_without_channels_has_no_sum),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
