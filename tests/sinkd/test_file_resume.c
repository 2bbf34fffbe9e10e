/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sinkd that was killed, and the file it left: nothing is missing in it, nothing is there twice. */
#include "fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "sinkd/sink_file.h"

/* A sinkd that was killed left a cursor behind @cursor records, and a file of @cut bytes. */
static void resume_from(const char *text, size_t cut, unsigned cursor, size_t n)
{
	struct spool_commit commit;
	struct spool_cursor at = {};
	struct spool_reader r;
	struct sinkd *sk;
	int c;

	assert_int_equal(spool_reader_open(&r, fx_path("spool/p.spool"), false), 0);
	assert_int_equal(spool_read_commit(&r, &commit), 0);
	c = spool_cursor_open(&r, "file");
	assert_true(c >= 0);
	for (unsigned i = 0; i < cursor; i++) {
		struct spool_rec rec;
		const char *line;

		assert_int_equal(spool_read(&r, at.pos, commit.head, &rec, &line), 0);
		at.pos += rec.len;
		at.acked++;
		at.bytes += rec.line_len + 1;
	}
	spool_cursor_write(&r, c, &at);
	spool_reader_close(&r);

	fx_write(fx_path("log/p.jsonl"), text, cut);
	sk = fx_start();
	fx_run(sk);
	if (fx_sink(sk, "p", "file")->at.acked != n)
		fail_msg("cut at %zu, cursor at %u: %" PRIu64 " acknowledged", cut, cursor,
			 fx_sink(sk, "p", "file")->at.acked);
	fx_stop(sk);
	fx_expect_lines("log/p.jsonl", 0, n);
}

static void a_file_cut_at_any_byte_is_completed_without_a_gap_or_a_repeat(void **state)
{
	const unsigned n = 5;
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *text;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	fx_fill(&w, 0, n);
	sk = fx_start();
	fx_run(sk);
	fx_stop(sk);
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_int_equal(fx_check_lines(text, len, 0), n);
	for (size_t cut = 0; cut <= len; cut++) {
		unsigned whole = 0;

		for (size_t i = 0; i < cut; i++)
			whole += text[i] == '\n';
		for (unsigned cursor = 0; cursor <= whole; cursor += 2)
			resume_from(text, cut, cursor, n);
	}
	free(text);
	spool_writer_close(&w.w);
}

/* The same when the file was rotated in between: the lines lie in several files, and the last one may be empty. */
static void a_cut_after_a_rotation_asks_the_rotated_file(void **state)
{
	const unsigned n = 12;
	struct fx_writer w;
	size_t cut, len;

	(void)state;
	fx_manifest("p", fx_rotated_file);
	for (cut = 0;; cut += 37) {
		struct spool_cursor at = {};
		struct spool_reader r;
		struct sinkd *sk;
		char *text;
		int c;

		for (int i = 0; i < 10; i++) {
			char name[64];

			snprintf(name, sizeof(name), i ? "log/p.jsonl.%d" : "log/p.jsonl", i);
			unlink(fx_path(name));
		}
		unlink(fx_path("spool/p.spool"));
		fx_writer_open(&w, "p", 0);
		fx_fill(&w, 0, n);
		sk = fx_start();
		fx_run(sk);
		fx_stop(sk);
		text = fx_read(fx_path("log/p.jsonl"), &len);
		free(text);
		assert_int_equal(access(fx_path("log/p.jsonl.3"), F_OK), 0);
		if (cut > len) {
			spool_writer_close(&w.w);
			break;
		}
		assert_int_equal(truncate(fx_path("log/p.jsonl"), cut), 0);
		assert_int_equal(spool_reader_open(&r, fx_path("spool/p.spool"), false), 0);
		c = spool_cursor_open(&r, "file");
		spool_cursor_write(&r, c, &at);
		spool_reader_close(&r);
		sk = fx_start();
		fx_run(sk);
		assert_int_equal(fx_sink(sk, "p", "file")->at.acked, n);
		fx_stop(sk);
		text = fx_read_rotated("log/p.jsonl", &len);
		assert_int_equal(fx_check_lines(text, len, 0), n);
		free(text);
		spool_writer_close(&w.w);
	}
}

/* Lines are written, their cursor is not: the moment that matters is made long enough for kills to hit it. */
static int deliver_slowly(struct sink *s, const struct sink_rec *const *recs, size_t n, struct sink_result *res)
{
	int r = sink_file.deliver(s, recs, n, res);

	usleep(rand() % 400);
	return r;
}

static void run_for_ever(void)
{
	static struct sink_type slow;
	struct sinkd *sk;
	struct sink *s;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	slow = sink_file;
	slow.deliver = deliver_slowly;
	uv_loop_init(&fx.loop);
	sk = fx_start();
	for (;;) {
		sinkd_look(sk);
		s = fx_sink(sk, "p", "file");
		if (s)
			s->type = &slow;
		fx_turn(sk);
	}
}

/* @n records, while sinkd is killed at moments that nobody chose. */
static void kill_again_and_again(const char *const *manifest, unsigned n, int kills)
{
	struct fx_writer w;
	struct sinkd *sk;
	char *text;
	size_t len;

	fx_program(&w, "p", manifest, 1 << 20);
	for (int i = 0; i < kills; i++) {
		pid_t child = fork();

		if (!child)
			run_for_ever();
		assert_true(child > 0);
		for (unsigned until = w.n + n / kills; w.n < until;) {
			if (!fx_add(&w, 0)) {
				spool_commit(&w.w);
				usleep(100);
			} else if (w.n % 64 == 0) {
				spool_commit(&w.w);
			}
		}
		spool_commit(&w.w);
		usleep(rand() % 1500);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
	}
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, w.n);
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, w.n);
	fx_stop(sk);
	text = fx_read_rotated("log/p.jsonl", &len);
	assert_int_equal(fx_check_lines(text, len, 0), w.n);
	free(text);
	spool_writer_close(&w.w);
}

static void kills_lose_and_repeat_nothing(void **state)
{
	(void)state;
	kill_again_and_again(fx_one_file, 60000, 60);
}

static void kills_while_rotating_lose_and_repeat_nothing(void **state)
{
	static const char *const often[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-size\":\"900K\",\"keep\":9,\"fsync\":\"never\"}}]", NULL,
	};

	(void)state;
	kill_again_and_again(often, 36000, 60);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_cut_at_any_byte_is_completed_without_a_gap_or_a_repeat),
		T(a_cut_after_a_rotation_asks_the_rotated_file),
		T(kills_lose_and_repeat_nothing),
		T(kills_while_rotating_lose_and_repeat_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/file_resume", tests, NULL, NULL);
}
