/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ebpfctl/ledger.h"
#include "rows_make.h"

static const char *const none[] = { NULL };

/* The samples alone: of lines that have @word. */
static char *lines_of(const char *const *channeld, const char *const *sinkd, const char *const *loaderd,
		      const char *word)
{
	struct ledger l = { .channeld = make_rows(channeld), .sinkd = make_rows(sinkd), .loaderd = make_rows(loaderd) };
	char *text = NULL, *ret = NULL, *save = NULL;
	size_t len, n;
	FILE *f = open_memstream(&text, &len), *to = open_memstream(&ret, &n);

	ledger_metrics(&l, f);
	fclose(f);
	assert_true(len > 6 && !strcmp(text + len - 6, "# EOF\n"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#' && strstr(line, word))
			fprintf(to, "%s\n", line);
	fclose(to);
	free(text);
	ledger_fini(&l);
	return ret;
}

static void expect(const char *const *channeld, const char *const *sinkd, const char *const *loaderd, const char *word,
		   const char *wanted)
{
	char *got = lines_of(channeld, sinkd, loaderd, word);

	assert_string_equal(got, wanted);
	free(got);
}

static void numbers_are_samples_and_reasons_are_labels(void **state)
{
	static const char *const c[] = {
		"kind=channel program=p channel=c produced=9 drained=5 pending=1 ring_full=2 nmi=1 lost=0 live=true",
		NULL
	};
	static const char *const s[] = { "kind=sink program=p sink=file routed=5 acked=4 rejected=1 pending=0", NULL };
	static const char *const m[] = { "kind=prog program=p item=i prog=on_x missed=3", NULL };

	(void)state;
	expect(c, none, none, "produced", "ebpf_agent_channel_produced_total{program=\"p\",channel=\"c\"} 9\n");
	expect(c, none, none, "pending", "ebpf_agent_channel_pending{program=\"p\",channel=\"c\"} 1\n");
	expect(c, none, none, "live", "ebpf_agent_channel_live{program=\"p\",channel=\"c\"} 1\n");
	expect(c, none, none, "dropped",
	       "ebpf_agent_channel_dropped_total{program=\"p\",channel=\"c\",reason=\"ring_full\"} 2\n"
	       "ebpf_agent_channel_dropped_total{program=\"p\",channel=\"c\",reason=\"nmi\"} 1\n"
	       "ebpf_agent_channel_dropped_total{program=\"p\",channel=\"c\",reason=\"lost\"} 0\n");
	expect(none, s, none, "sink_dropped",
	       "ebpf_agent_sink_dropped_total{program=\"p\",sink=\"file\",reason=\"rejected\"} 1\n");
	expect(none, none, m, "missed", "ebpf_agent_prog_missed_total{program=\"p\",item=\"i\",prog=\"on_x\"} 3\n");
}

static void what_is_unknown_has_no_sample(void **state)
{
	static const char *const c[] = { "kind=channel program=p channel=c produced=unknown drained=5", NULL };
	static const char *const m[] = { "kind=prog program=p item=i prog=on_x missed=unknown", NULL };

	(void)state;
	expect(c, none, m, "{", "ebpf_agent_channel_drained_total{program=\"p\",channel=\"c\"} 5\n");
}

static void names_from_outside_cannot_end_a_label(void **state)
{
	static const char *const c[] = { "kind=event program=p channel=c event=a\"b\\c\nd ok=5", NULL };

	(void)state;
	expect(c, none, none, "ok",
	       "ebpf_agent_event_ok_total{program=\"p\",channel=\"c\",event=\"a\\\"b\\\\c\\nd\"} 5\n");
}

static void rows_that_no_label_tells_apart_are_one_sample(void **state)
{
	static const char *const c[] = {
		"kind=event program=p channel=c event=e ok=5", "kind=event program=p channel=d event=e ok=1",
		"kind=event program=p channel=c event=e ok=7", NULL
	};

	(void)state;
	expect(c, none, none, "ok",
	       "ebpf_agent_event_ok_total{program=\"p\",channel=\"c\",event=\"e\"} 12\n"
	       "ebpf_agent_event_ok_total{program=\"p\",channel=\"d\",event=\"e\"} 1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_samples_and_reasons_are_labels),
		cmocka_unit_test(what_is_unknown_has_no_sample),
		cmocka_unit_test(names_from_outside_cannot_end_a_label),
		cmocka_unit_test(rows_that_no_label_tells_apart_are_one_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
