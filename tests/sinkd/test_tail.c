/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients that read along. */
#include "fixture.h"

#include <sys/socket.h>

static size_t take_all(int fd, char *buf, size_t room)
{
	size_t len = 0;
	ssize_t k;

	while (len < room && (k = recv(fd, buf + len, room - len, MSG_DONTWAIT)) > 0)
		len += k;
	return len;
}

static void a_client_reads_along_from_now_on(void **state)
{
	struct fx_writer w[2];
	char buf[65536];
	struct sinkd *sk;
	int p, all;
	size_t len;

	(void)state;
	fx_program(&w[0], "p", fx_one_file, 0);
	fx_program(&w[1], "q", fx_one_file, 0);
	fx_fill(&w[0], 0, 10);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(tail_new(sk, "p", &p), 0);
	assert_int_equal(tail_new(sk, "", &all), 0);
	fx_fill(&w[0], 0, 5);
	fx_fill(&w[1], 0, 7);
	fx_run(sk);
	len = take_all(p, buf, sizeof(buf));
	assert_int_equal(fx_check_lines(buf, len, 10), 5);
	len = take_all(all, buf, sizeof(buf));
	assert_int_equal(buf[len - 1], '\n');
	assert_int_equal(sk->n_tails, 2);
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, 15);
	close(all);
	fx_run(sk);
	fx_run(sk);
	assert_int_equal(sk->n_tails, 1);
	/* The program goes: the stream ends. */
	unlink(fx_path("manifest/p.json"));
	fx_run(sk);
	fx_run(sk);
	assert_int_equal(recv(p, buf, sizeof(buf), MSG_DONTWAIT), 0);
	assert_int_equal(sk->n_tails, 0);
	close(p);
	fx_stop(sk);
	spool_writer_close(&w[0].w);
	spool_writer_close(&w[1].w);
}

static void a_slow_client_is_told_what_it_missed_and_holds_nobody_back(void **state)
{
	const uint64_t n = 40000;
	cleanup(freep) char *buf = malloc(32 << 20);
	uint64_t seen = 0, skipped = 0;
	struct fx_writer w;
	struct sinkd *sk;
	size_t len = 0;
	struct sink *live;
	int fd;

	(void)state;
	fx_program(&w, "p", fx_one_file, 16 << 20);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(tail_new(sk, "p", &fd), 0);
	fx_fill(&w, 0, n);
	fx_run(sk);
	live = fx_sink(sk, "p", "live");
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, n);
	assert_int_equal(live->at.acked + live->at.dropped[SINK_DROP_SKIPPED], n);
	assert_true(live->at.dropped[SINK_DROP_SKIPPED] > 0);
	for (int i = 0; i < 1000; i++) {
		len += take_all(fd, buf + len, (32 << 20) - len);
		uv_run(&fx.loop, UV_RUN_NOWAIT);
	}
	fx_fill(&w, 0, 1);
	fx_run(sk);
	len += take_all(fd, buf + len, (32 << 20) - len);
	for (char *line = buf, *feed; (feed = memchr(line, '\n', buf + len - line)); line = feed + 1)
		if (!strncmp(line, "{\"tail_skipped\":", 16))
			skipped += strtoull(line + 16, NULL, 10);
		else
			seen++;
	assert_int_equal(buf[len - 1], '\n');
	assert_int_equal(seen + skipped, n + 1);
	assert_int_equal(skipped, live->at.dropped[SINK_DROP_SKIPPED]);
	close(fd);
	fx_end(sk, &w);
}

static void there_are_only_so_many_clients(void **state)
{
	struct sinkd *sk = fx_start();
	int fds[64], one;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		assert_int_equal(tail_new(sk, "", &fds[i]), 0);
	assert_int_equal(tail_new(sk, "", &one), -EMFILE);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	for (int i = 0; i < 10; i++)
		fx_run(sk);
	assert_int_equal(sk->n_tails, 0);
	assert_int_equal(tail_new(sk, "", &one), 0);
	close(one);
	fx_stop(sk);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_client_reads_along_from_now_on),
		T(a_slow_client_is_told_what_it_missed_and_holds_nobody_back),
		T(there_are_only_so_many_clients),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/tail", tests, NULL, NULL);
}
