/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A spool or a manifest that is damaged, cut, or rubbish: it is said, and harms nobody. */
#include "fixture.h"

static void a_damaged_record_is_said_and_what_lies_before_it_delivered(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
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
	fx_end(sk, &w);
}

static void a_spool_cut_short_kills_nobody(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;
	struct stream *st;
	const char *line;
	struct spool_rec rec;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
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
	fx_end(sk, &w);
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
	fx_manifest("p", fx_one_file);
	unlink(fx_path("spool/p.spool"));
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 2);
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 0);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 2);
	fx_end(sk, &w);
}

/* Whatever the bytes of a spool are: no crash, no loop without an end. */
static void a_hostile_spool_harms_nobody(void **state)
{
	const char *path = fx_path("spool/p.spool");
	char saved[PATH_MAX];
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *good;

	(void)state;
	snprintf(saved, sizeof(saved), "%s", path);
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	fx_run(sk);
	fx_fill(&w, 0, 500);
	fx_end(sk, &w);
	good = fx_read(saved, &len);
	srand(1);
	for (int i = 0; i < 200; i++) {
		char *bad = malloc(len);
		struct sink_ledger l[SPOOL_MAX_CURSORS];

		memcpy(bad, good, len);
		for (int j = rand() % 8; j >= 0; j--) {
			/* Mostly where the structure is. */
			size_t at = rand() % (rand() % 4 ? 8192 : len);

			at = rand() % 2 ? at : SPOOL_HEAD_SIZE + at % (len - SPOOL_HEAD_SIZE);
			bad[at] = rand() % 2 ? rand() : bad[at] ^ 1 << rand() % 8;
		}
		unlink(saved);
		fx_write(saved, bad, len);
		sk = fx_start();
		fx_run(sk);
		if (sk->streams)
			stream_ledger(sk->streams, l);
		fx_run(sk);
		fx_stop(sk);
		free(bad);
	}
	free(good);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_damaged_record_is_said_and_what_lies_before_it_delivered),
		T(a_spool_cut_short_kills_nobody),
		T(rubbish_in_place_of_manifest_and_spool_is_said),
		T(a_hostile_spool_harms_nobody),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/stream_damage", tests, NULL, NULL);
}
