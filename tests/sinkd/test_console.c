/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console: what ebpfctl run reads, at its own pace. */
#include "fixture.h"

#include "abi/console.h"

static int out;				/* what `ebpfctl run` reads from */

/* A pipe's writing end as descriptor 3, as socket activation hands it over. */
static int console_open(void)
{
	char pid[32];
	int p[2], in;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	out = fcntl(p[0], F_DUPFD_CLOEXEC, 100);
	in = fcntl(p[1], F_DUPFD_CLOEXEC, 100);
	close(p[0]);
	close(p[1]);
	if (dup2(in, 3) != 3)
		return -1;
	close(in);
	fcntl(out, F_SETFL, O_NONBLOCK);
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	return setenv("LISTEN_FDNAMES", CONSOLE_FD_NAME, 1);
}

static int console_setup(void **state)
{
	/* What cmocka or libuv have at 3 stays: then it is not us who may take it. */
	if (fcntl(3, F_GETFD) >= 0 || console_open() < 0)
		return -1;
	return fx_setup(state);
}

static int console_teardown(void **state)
{
	close(out);
	return fx_teardown(state);
}

struct text {
	char buf[4 << 20];
	size_t len;
};

/* Takes at most @max bytes. */
static size_t take_some(struct text *t, size_t max)
{
	size_t before = t->len;

	while (t->len - before < max) {
		ssize_t k = read(out, t->buf + t->len, MIN(max - (t->len - before), sizeof(t->buf) - t->len));

		if (k <= 0)
			break;
		t->len += k;
	}
	return t->len - before;
}

static void a_slow_console_holds_nobody_back_and_loses_nothing(void **state)
{
	cleanup(freep) struct text *t = calloc(1, sizeof(*t));
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 1 << 20);
	fx_fill(&w, 0, 2000);
	sk = fx_start();
	fx_run(sk);
	/* Nothing was read yet: the pipe is full, the file is not kept waiting. */
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 2000);
	assert_true(fx_sink(sk, "p", "console")->at.acked < 2000);
	assert_int_equal(fx_n_degraded(), 0);
	for (int i = 0; i < 10000 && fx_sink(sk, "p", "console")->at.acked < 2000; i++) {
		take_some(t, 5000);
		uv_run(&fx.loop, UV_RUN_NOWAIT);
	}
	take_some(t, sizeof(t->buf));
	assert_int_equal(fx_check_lines(t->buf, t->len, 0), 2000);
	assert_int_equal(fx_sink(sk, "p", "console")->at.bytes, t->len);
	fx_end(sk, &w);
}

static void long_lines_go_out_in_parts_and_two_programs_never_mix(void **state)
{
	cleanup(freep) struct text *t = calloc(1, sizeof(*t));
	struct fx_writer w[2];
	unsigned lines = 0;
	struct sinkd *sk;

	(void)state;
	fx_program(&w[0], "p", fx_one_file, 1 << 20);
	fx_program(&w[1], "q", fx_one_file, 1 << 20);
	w[0].pad = 50000;
	w[1].pad = 7000;
	fx_fill(&w[0], 0, 15);
	fx_fill(&w[1], 0, 100);
	sk = fx_start();
	fx_run(sk);
	for (int i = 0; i < 100000 && (fx_sink(sk, "p", "console")->at.acked < 15 ||
				       fx_sink(sk, "q", "console")->at.acked < 100); i++) {
		take_some(t, 1000 + i % 6000);
		uv_run(&fx.loop, UV_RUN_NOWAIT);
	}
	take_some(t, sizeof(t->buf));
	for (char *line = t->buf, *feed; (feed = memchr(line, '\n', t->buf + t->len - line)); line = feed + 1) {
		assert_true(feed - line > 7000);
		assert_int_equal(line[0], '{');
		assert_memory_equal(feed - 2, "}}", 2);
		lines++;
	}
	assert_int_equal(t->buf[t->len - 1], '\n');
	assert_int_equal(lines, 115);
	fx_stop(sk);
	spool_writer_close(&w[0].w);
	spool_writer_close(&w[1].w);
}

static void an_interrupted_console_is_repeated_from_the_cursor(void **state)
{
	cleanup(freep) struct text *t = calloc(1, sizeof(*t));
	struct fx_writer w;
	struct sinkd *sk;
	uint64_t acked;
	size_t whole;

	(void)state;
	fx_program(&w, "p", fx_one_file, 1 << 20);
	w.pad = 20000;
	fx_fill(&w, 0, 20);
	sk = fx_start();
	fx_run(sk);
	acked = fx_sink(sk, "p", "console")->at.acked;
	fx_stop(sk);
	take_some(t, sizeof(t->buf));
	whole = (char *)memrchr(t->buf, '\n', t->len) + 1 - t->buf;
	assert_true(whole < t->len);	/* the rest of the last one never came */
	assert_int_equal(fx_check_lines(t->buf, whole, 0), acked);
	/* Another sinkd, another pipe. */
	close(out);
	uv_loop_close(&fx.loop);
	assert_int_equal(console_open(), 0);
	uv_loop_init(&fx.loop);
	t->len = 0;
	sk = fx_start();
	fx_run(sk);
	for (int i = 0; i < 10000 && fx_sink(sk, "p", "console")->at.acked < 20; i++) {
		take_some(t, 5000);
		uv_run(&fx.loop, UV_RUN_NOWAIT);
	}
	take_some(t, sizeof(t->buf));
	assert_int_equal(fx_check_lines(t->buf, t->len, acked), 20 - acked);
	fx_end(sk, &w);
}

static void a_console_whose_reader_is_gone_is_said_and_holds(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	close(out);
	out = -1;
	fx_fill(&w, 0, 5);
	fx_run(sk);
	assert_non_null(fx_degraded("sink:console:p"));
	assert_int_equal(fx_sink(sk, "p", "console")->at.acked, 0);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 5);
	fx_end(sk, &w);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, console_setup, console_teardown)
	const struct CMUnitTest tests[] = {
		T(a_slow_console_holds_nobody_back_and_loses_nothing),
		T(long_lines_go_out_in_parts_and_two_programs_never_mix),
		T(an_interrupted_console_is_repeated_from_the_cursor),
		T(a_console_whose_reader_is_gone_is_said_and_holds),
	};

	/* Descriptor 3 has to be free, whoever started us. */
	close(3);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/console", tests, NULL, NULL);
}
