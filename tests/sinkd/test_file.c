/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file: who else is at it, where it may lie, and its options. */
#include "fixture.h"

/* ---- others at the same file ---- */

static void a_file_that_was_removed_or_moved_away_is_begun_anew(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	fx_fill(&w, 0, 10);
	sk = fx_start();
	fx_run(sk);
	unlink(fx_path("log/p.jsonl"));
	fx_fill(&w, 0, 10);		/* noticed before the very next line */
	sinkd_look(sk);
	fx_turn(sk);
	fx_expect_lines("log/p.jsonl", 10, 10);
	rename(fx_path("log/p.jsonl"), fx_path("log/moved"));
	fx_run(sk);			/* noticed within a second */
	fx_fill(&w, 0, 10);
	fx_run(sk);
	fx_expect_lines("log/p.jsonl", 20, 10);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 30);
	fx_end(sk, &w);
}

static void a_foreign_file_is_left_alone(void **state)
{
	static const char foreign[] = "127.0.0.1 localhost";
	struct fx_writer w;
	struct sinkd *sk;
	char *text;
	size_t len;

	(void)state;
	fx_write(fx_path("log/p.jsonl"), foreign, strlen(foreign));
	fx_program(&w, "p", fx_one_file, 0);
	fx_fill(&w, 0, 1);
	sk = fx_start();
	fx_run(sk);
	assert_non_null(strstr(fx_degraded("sink:file:p"), "does not end like a file of this agent"));
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_string_equal(text, foreign);
	free(text);
	fx_end(sk, &w);
}

static void two_programs_do_not_share_a_file(void **state)
{
	static const char *const same[] = { "[{\"sink\":\"file\",\"options\":{\"path\":\"same.jsonl\"}}]", NULL };
	struct fx_writer w[2];
	struct sinkd *sk;

	(void)state;
	fx_program(&w[0], "p", same, 0);
	fx_program(&w[1], "q", same, 0);
	fx_fill(&w[0], 0, 10);
	fx_fill(&w[1], 0, 10);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 1);
	fx_expect_lines("log/same.jsonl", 0, 10);
	fx_stop(sk);
	spool_writer_close(&w[0].w);
	spool_writer_close(&w[1].w);
}

/* ---- where it may lie ---- */

static void refused(const char *path, const char *why)
{
	char sinks[PATH_MAX + 128];
	const char *routes[] = { sinks, NULL };
	struct fx_writer w;
	struct sinkd *sk;
	const char *text = NULL;

	snprintf(sinks, sizeof(sinks), "[{\"sink\":\"file\",\"options\":{\"path\":\"%s\"}}]", path);
	fx_manifest("p", routes);
	unlink(fx_path("spool/p.spool"));
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 1);
	sk = fx_start();
	fx_run(sk);
	for (size_t i = 0; i < ARRAY_SIZE(fx.degraded); i++)
		if (!strncmp(fx.degraded[i].key, "sink:file:", 10))
			text = fx.degraded[i].text;
	if (!text || !strstr(text, why))
		fail_msg("%s: %s", path, text ? text : "was accepted");
	fx_stop(sk);
	memset(fx.degraded, 0, sizeof(fx.degraded));
	spool_writer_close(&w.w);
}

static void a_path_outside_the_roots_is_refused(void **state)
{
	(void)state;
	assert_int_equal(symlink("..", fx_path("log/up")), 0);
	assert_int_equal(symlink("../elsewhere/x", fx_path("log/link.jsonl")), 0);
	mkdir(fx_path("log/folder"), 0755);
	mkfifo(fx_path("log/fifo"), 0600);
	fx_write(fx_path("elsewhere/y"), "", 0);
	assert_int_equal(link(fx_path("elsewhere/y"), fx_path("log/hard")), 0);
	refused("/etc/passwd", "beneath none of the folders");
	refused(fx_path("elsewhere/x"), "beneath none of the folders");
	refused(fx_path("logs"), "beneath none of the folders");
	refused(fx_path("log/../elsewhere/x"), "leads out of its root");
	refused("../elsewhere/x", "leads out of its root");
	refused("up/elsewhere/x", "leads out of its root");
	refused("link.jsonl", "symbolic link");
	refused("folder", "Is a directory");
	refused("folder/", "not the name of a file");
	refused("folder/..", "not the name of a file");
	refused("fifo", "not a regular file");
	refused("hard", "with one name");
	refused("none/x", "No such file");
	assert_int_equal(access(fx_path("elsewhere/x"), F_OK), -1);
}

/* ---- options ---- */

static void options_that_make_no_sense_are_said(void **state)
{
	static const char *const routes[] = { "[{\"sink\":\"file\",\"options\":{\"keep\":\"many\"}}]", NULL };
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", routes, 0);
	fx_fill(&w, 0, 1);
	sk = fx_start();
	fx_run(sk);
	assert_non_null(strstr(fx_degraded("sink:file:p"), "keep"));
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, 1);
	fx_end(sk, &w);
}

static void every_way_to_fsync_delivers(void **state)
{
	static const char *const ways[] = { "never", "rotate", "batch", "interval" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		char sinks[256];
		const char *routes[] = { sinks, NULL };
		struct fx_writer w;
		struct sinkd *sk;

		snprintf(sinks, sizeof(sinks),
			 "[{\"sink\":\"file\",\"options\":{\"fsync\":\"%s\",\"rotate-size\":700,\"path\":\"%s\"}}]",
			 ways[i], ways[i]);
		fx_manifest("p", routes);
		unlink(fx_path("spool/p.spool"));
		fx_writer_open(&w, "p", 0);
		fx_fill(&w, 0, 20);
		sk = fx_start();
		fx_run(sk);
		fx_fill(&w, 0, 20);
		fx_run(sk);
		assert_int_equal(sinkd_find(sk, "p")->sinks[1]->at.acked, 40);
		assert_int_equal(fx_n_degraded(), 0);
		fx_end(sk, &w);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_that_was_removed_or_moved_away_is_begun_anew),
		T(a_foreign_file_is_left_alone),
		T(two_programs_do_not_share_a_file),
		T(a_path_outside_the_roots_is_refused),
		T(options_that_make_no_sense_are_said),
		T(every_way_to_fsync_delivers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/file", tests, NULL, NULL);
}
