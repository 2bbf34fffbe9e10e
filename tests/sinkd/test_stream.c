/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <sys/mman.h>

static const char *const one_file[] = { "[{\"sink\":\"file\"}]", NULL };

static void records_go_to_the_file_in_order_and_are_acknowledged(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *text;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	sk = fx_start();
	fx_fill(&w, 0, 600);
	fx_run(sk);
	fx_fill(&w, 0, 1);
	fx_run(sk);
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_int_equal(fx_check_lines(text, len, 0), 601);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 601);
	assert_int_equal(fx_sink(sk, "p", "file")->at.bytes, len);
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, 601);
	assert_int_equal(fx_n_degraded(), 0);
	free(text);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void each_record_goes_to_the_sinks_of_its_route(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\"}]", "[]", "[{\"sink\":\"file\",\"options\":{\"path\":\"two.jsonl\"}}]", NULL,
	};
	struct sink_ledger l[SPOOL_MAX_CURSORS];
	struct fx_writer w;
	struct sinkd *sk;
	struct stream *st;

	(void)state;
	fx_manifest("p", routes);
	fx_writer_open(&w, "p", 0);
	sk = fx_start();
	for (unsigned i = 0; i < 100; i++)
		assert_true(fx_add(&w, i % 5));		/* routes 3 and 4: the manifest has none */
	spool_commit(&w.w);
	st = sinkd_find(sk, "p");
	assert_non_null(st);
	assert_int_equal(st->n_sinks, 3);
	stream_look(st, false);
	assert_int_equal(stream_ledger(st, l), 0);
	for (size_t i = 0; i < st->n_sinks; i++) {
		uint64_t want = st->sinks[i]->type == &sink_live ? 100 : 20;

		assert_int_equal(l[i].routed, want);
		assert_int_equal(l[i].pending, want);
	}
	fx_run(sk);
	assert_int_equal(stream_ledger(st, l), 0);
	for (size_t i = 0; i < st->n_sinks; i++) {
		uint64_t want = st->sinks[i]->type == &sink_live ? 100 : 20;

		assert_int_equal(st->sinks[i]->at.acked, want);
		assert_int_equal(st->sinks[i]->at.unrouted, 100 - want);
		assert_int_equal(l[i].routed, want);
		assert_int_equal(l[i].pending, 0);
	}
	assert_int_equal(access(fx_path("log/two.jsonl"), F_OK), 0);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_storage_that_is_not_built_is_said_and_hurts_nobody(void **state)
{
	static const char *const routes[] = { "[{\"sink\":\"kafka\"},{\"sink\":\"file\"}]", NULL };
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", routes);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 3);
	sk = fx_start();
	fx_run(sk);
	assert_string_equal(fx_degraded("storage:p"), "p: storage kafka is not built in this version");
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 3);
	assert_int_equal(unlink(fx_path("manifest/p.json")), 0);
	fx_run(sk);
	assert_null(sinkd_find(sk, "p"));
	assert_int_equal(fx_n_degraded(), 0);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_cursor_without_a_sink_holds_nothing_back(void **state)
{
	struct spool_reader r;
	struct spool_cursor at;
	struct fx_writer w;
	struct sinkd *sk;
	char name[48];
	int stranger;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	assert_int_equal(spool_reader_open(&r, fx_path("spool/p.spool"), false), 0);
	stranger = spool_cursor_open(&r, "console");
	assert_true(stranger >= 0);
	sk = fx_start();
	fx_run(sk);
	/* Its row is free, or has been taken by another. */
	for (int i = 0; i < SPOOL_MAX_CURSORS; i++)
		if (spool_cursor_read(&r, i, name, &at) == 0)
			assert_string_not_equal(name, "console");
	spool_reader_close(&r);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_restart_goes_on_where_it_was(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *text;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	for (int i = 0; i < 5; i++) {
		sk = fx_start();
		fx_fill(&w, 0, 100);
		fx_run(sk);
		fx_stop(sk);
	}
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 500);
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, 500);
	fx_stop(sk);
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_int_equal(fx_check_lines(text, len, 0), 500);
	free(text);
	spool_writer_close(&w.w);
}

static void a_spool_that_was_replaced_is_opened_anew(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 10);
	spool_writer_close(&w.w);
	assert_int_equal(unlink(fx_path("spool/p.spool")), 0);
	fx_writer_open(&w, "p", 0);
	w.n = 10;
	fx_fill(&w, 0, 5);
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 5);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_damaged_record_is_said_and_what_lies_before_it_delivered(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	w.w.data[sizeof(struct spool_rec) + 3] ^= 1;	/* the first line */
	sk = fx_start();
	fx_run(sk);
	assert_non_null(fx_degraded("spool:p"));
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 0);
	w.w.data[sizeof(struct spool_rec) + 3] ^= 1;
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 10);
	assert_null(fx_degraded("spool:p"));
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_spool_cut_short_kills_nobody(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;
	struct stream *st;
	const char *line;
	struct spool_rec rec;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	sk = fx_start();
	st = sinkd_find(sk, "p");
	stream_look(st, false);
	assert_true(st->open);
	assert_int_equal(truncate(fx_path("spool/p.spool"), 4096), 0);
	/* Even in the midst of reading. */
	assert_int_equal(spool_read(&st->reader, 0, w.w.next.head, &rec, &line), -EBADMSG);
	fx_run(sk);
	assert_non_null(fx_degraded("spool:p"));
	spool_writer_close(&w.w);
	unlink(fx_path("spool/p.spool"));
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	fx_run(sk);
	assert_null(fx_degraded("spool:p"));
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 10);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void rubbish_in_place_of_manifest_and_spool_is_said(void **state)
{
	struct sinkd *sk;
	struct fx_writer w;

	(void)state;
	fx_write(fx_path("manifest/p.json"), "{\"version\":[", 12);
	fx_write(fx_path("spool/p.spool"), "rubbish", 7);
	sk = fx_start();
	fx_run(sk);
	assert_non_null(fx_degraded("manifest:p"));
	assert_non_null(fx_degraded("spool:p"));
	fx_manifest("p", one_file);
	unlink(fx_path("spool/p.spool"));
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 2);
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 0);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 2);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_program_that_comes_and_goes_leaves_nothing_open(void **state)
{
	struct sinkd *sk = fx_start();

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct fx_writer w;

		fx_manifest("p", one_file);
		fx_run(sk);
		fx_writer_open(&w, "p", 0);
		fx_fill(&w, 0, 10);
		fx_run(sk);
		assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 10);
		unlink(fx_path("manifest/p.json"));
		unlink(fx_path("spool/p.spool"));
		spool_writer_close(&w.w);
		fx_run(sk);
		assert_null(sk->streams);
	}
	fx_stop(sk);
}

static void a_reload_changes_rules_without_repeating_a_line(void **state)
{
	struct sinkd_conf changed;
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *text;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	sk = fx_start();
	fx_fill(&w, 0, 10);
	fx_run(sk);
	changed = fx.conf;
	changed.file.rules.fsync = FILE_FSYNC_BATCH;
	assert_int_equal(sinkd_reload(sk, &changed), 0);
	fx_fill(&w, 0, 10);
	fx_run(sk);
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_int_equal(fx_check_lines(text, len, 0), 20);
	free(text);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(records_go_to_the_file_in_order_and_are_acknowledged),
		T(each_record_goes_to_the_sinks_of_its_route),
		T(a_storage_that_is_not_built_is_said_and_hurts_nobody),
		T(a_cursor_without_a_sink_holds_nothing_back),
		T(a_restart_goes_on_where_it_was),
		T(a_spool_that_was_replaced_is_opened_anew),
		T(a_damaged_record_is_said_and_what_lies_before_it_delivered),
		T(a_spool_cut_short_kills_nobody),
		T(rubbish_in_place_of_manifest_and_spool_is_said),
		T(a_program_that_comes_and_goes_leaves_nothing_open),
		T(a_reload_changes_rules_without_repeating_a_line),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/stream", tests, NULL, NULL);
}
