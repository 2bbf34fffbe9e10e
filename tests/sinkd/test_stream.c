/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the spool to the sinks: what goes where, once, and what comes and goes meanwhile. */
#include "fixture.h"

static void records_go_to_the_file_in_order_and_are_acknowledged(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *text;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
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
	fx_end(sk, &w);
}

static void each_record_goes_to_the_sinks_of_its_route(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\"}]", "[{\"sink\":\"file\",\"off\":true}]",
		"[{\"sink\":\"file\",\"options\":{\"path\":\"two.jsonl\"}}]", NULL,
	};
	struct sink_ledger l[SPOOL_MAX_CURSORS];
	struct fx_writer w;
	struct sinkd *sk;
	struct stream *st;

	(void)state;
	fx_program(&w, "p", routes, 0);
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
	fx_end(sk, &w);
}

static void a_storage_that_is_not_built_is_said_and_hurts_nobody(void **state)
{
	static const char *const routes[] = { "[{\"sink\":\"tmpfs\"},{\"sink\":\"file\"}]", NULL };
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", routes, 0);
	fx_fill(&w, 0, 3);
	sk = fx_start();
	fx_run(sk);
	assert_string_equal(fx_degraded("storage:p"), "p: storage tmpfs is not built in this version");
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 3);
	assert_int_equal(unlink(fx_path("manifest/p.json")), 0);
	fx_run(sk);
	assert_null(sinkd_find(sk, "p"));
	assert_int_equal(fx_n_degraded(), 0);
	fx_end(sk, &w);
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
	fx_program(&w, "p", fx_one_file, 0);
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
	fx_end(sk, &w);
}

static void a_restart_goes_on_where_it_was(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
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
	fx_expect_lines("log/p.jsonl", 0, 500);
	spool_writer_close(&w.w);
}

static void a_spool_that_was_replaced_is_opened_anew(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
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
	fx_end(sk, &w);
}

static void a_program_that_comes_and_goes_leaves_nothing_open(void **state)
{
	struct sinkd *sk = fx_start();

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct fx_writer w;

		fx_manifest("p", fx_one_file);
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

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	fx_fill(&w, 0, 10);
	fx_run(sk);
	changed = fx.conf;
	changed.file.rules.fsync = FILE_FSYNC_BATCH;
	assert_int_equal(sinkd_reload(sk, &changed), 0);
	fx_fill(&w, 0, 10);
	fx_run(sk);
	fx_expect_lines("log/p.jsonl", 0, 20);
	fx_end(sk, &w);
}

static bool hinted(struct sinkd *sk, struct wire *w, int type)
{
	for (int i = 0; i < 200; i++) {
		struct hint h;

		uv_run(&fx.loop, UV_RUN_NOWAIT);
		while (wire_receive(w, &h) == 0)
			if (h.type == type && !strcmp(h.program, "p"))
				return true;
		usleep(10000);
		if (i % 20 == 0)
			fx_run(sk);
	}
	return false;
}

static void loaderd_is_told_of_the_end(void **state)
{
	struct wire *loaderd;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	assert_int_equal(wire_bind("loaderd", &loaderd), 0);
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	fx_run(sk);
	usleep(200000);			/* nanomsg connects */
	while (fx_add(&w, 0))
		;
	spool_commit(&w.w);
	fx_run(sk);
	w.w.next.flags |= SPOOL_COMMIT_DRAINED;
	spool_commit(&w.w);
	fx_run(sk);
	assert_true(hinted(sk, loaderd, HINT_DRAINED));
	fx_stop(sk);
	wire_free(loaderd);
	spool_writer_close(&w.w);
}

static void a_reader_at_rest_is_asleep_and_rung_for(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	fx_run(sk);
	assert_true(spool_take_doorbell(&w.w));		/* even before the first commit */
	assert_false(spool_take_doorbell(&w.w));
	fx_fill(&w, 0, 1);
	fx_run(sk);
	assert_true(spool_take_doorbell(&w.w));
	fx_end(sk, &w);
}

static void a_spool_made_after_the_manifest_is_found_at_once(void **state)
{
	uint64_t begin;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", fx_one_file);
	sk = fx_start();
	fx_turn(sk);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 1);
	begin = uv_hrtime();
	while (fx_sink(sk, "p", "file")->at.acked < 1 && uv_hrtime() - begin < 10 * NSEC_PER_SEC) {
		uv_run(&fx.loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 1);
	fx_end(sk, &w);
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
		T(a_program_that_comes_and_goes_leaves_nothing_open),
		T(a_reload_changes_rules_without_repeating_a_line),
		T(loaderd_is_told_of_the_end),
		T(a_reader_at_rest_is_asleep_and_rung_for),
		T(a_spool_made_after_the_manifest_is_found_at_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/stream", tests, NULL, NULL);
}
