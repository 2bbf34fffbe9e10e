/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fsync: batch. A line counts as delivered only when the disk has it, in whatever file it is. */
#include <errno.h>
#include <sys/resource.h>

#include "fixture.h"

static ino_t synced[64];		/* by whoever waited for it */
static size_t n_synced;
static bool disk_fails;
static pthread_t waiter;

/* In the place of libc's. */
int fdatasync(int fd)
{
	struct stat st;

	if (disk_fails) {
		errno = EIO;
		return -1;
	}
	if (pthread_equal(pthread_self(), waiter) && fstat(fd, &st) == 0 && n_synced < ARRAY_SIZE(synced))
		synced[n_synced++] = st.st_ino;
	return 0;
}

/* Of folders. */
int fsync(int fd)
{
	return fdatasync(fd);
}

static struct {
	off64_t from, to;
} pushed[64];
static size_t n_pushed;

int sync_file_range(int fd, off64_t from, off64_t n, unsigned flags)
{
	size_t i = __atomic_fetch_add(&n_pushed, 1, __ATOMIC_RELAXED);

	(void)fd;
	if (flags == SYNC_FILE_RANGE_WRITE && i < ARRAY_SIZE(pushed)) {
		pushed[i].from = from;
		pushed[i].to = from + n;
	}
	return 0;
}

static bool is_synced(const char *name)
{
	struct stat st;

	assert_int_equal(stat(fx_path(name), &st), 0);
	for (size_t i = 0; i < n_synced; i++)
		if (synced[i] == st.st_ino)
			return true;
	return false;
}

static int setup(void **state)
{
	waiter = pthread_self();
	n_synced = n_pushed = 0;
	disk_fails = false;
	return fx_setup(state);
}

static void a_file_that_is_rotated_meanwhile_is_forced_too(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-size\":700,\"keep\":9,\"fsync\":\"batch\"}}]", NULL,
	};
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", routes, 0);
	sk = fx_start();
	fx_fill(&w, 0, 9);
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 9);
	assert_true(is_synced("log/p.jsonl"));
	assert_true(is_synced("log/p.jsonl.1"));
	assert_true(is_synced("log/p.jsonl.2"));
	assert_true(is_synced("log"));	/* and where they have their names */
	fx_end(sk, &w);
}

static void what_was_written_before_an_error_is_forced_too(void **state)
{
	static const char *const routes[] = { "[{\"sink\":\"file\",\"options\":{\"fsync\":\"batch\"}}]", NULL };
	struct rlimit before, limit;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", routes, 0);
	sk = fx_start();
	fx_fill(&w, 0, 6);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 1000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	fx_run(sk);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(fx_sink(sk, "p", "file")->at.acked > 0);
	assert_true(fx_sink(sk, "p", "file")->at.acked < 6);
	assert_true(is_synced("log/p.jsonl"));
	fx_end(sk, &w);
}

static void what_a_killed_sinkd_wrote_is_forced_before_it_counts(void **state)
{
	static const char *const routes[] = { "[{\"sink\":\"file\",\"options\":{\"fsync\":\"batch\"}}]", NULL };
	struct spool_reader r;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", routes, 0);
	sk = fx_start();
	fx_fill(&w, 0, 6);
	fx_run(sk);
	fx_stop(sk);
	/* As it was before its cursors moved. */
	assert_int_equal(spool_reader_open(&r, fx_path("spool/p.spool"), false), 0);
	for (int i = 0; i < 2; i++)
		spool_cursor_write(&r, i, &(struct spool_cursor){});
	spool_reader_close(&r);
	n_synced = 0;
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 6);
	fx_expect_lines("log/p.jsonl", 0, 6);
	assert_true(is_synced("log/p.jsonl"));
	fx_end(sk, &w);
}

static void a_disk_that_fails_counts_nothing(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-size\":700,\"keep\":9,\"fsync\":\"batch\"}}]", NULL,
	};
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", routes, 0);
	sk = fx_start();
	disk_fails = true;
	fx_fill(&w, 0, 6);
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 0);
	assert_non_null(fx_degraded("sink:file:p"));
	disk_fails = false;
	fx_wait(!fx_degraded("sink:file:p"), 10);
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 6);
	fx_end(sk, &w);
}

static void what_is_said_of_a_disk_goes_with_the_program(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	disk_fails = true;
	fx_fill(&w, 0, 1);
	fx_run(sk);
	fx_run(sk);
	fx_wait(fx_degraded("fsync:file:p"), 10);
	assert_non_null(fx_degraded("fsync:file:p"));
	fx_fill(&w, 0, 1);
	fx_run(sk);
	assert_int_equal(unlink(fx_path("manifest/p.json")), 0);
	fx_run(sk);
	fx_wait(!sk->syncs, 10);
	assert_int_equal(fx_n_degraded(), 0);
	fx_end(sk, &w);
}

static void without_a_descriptor_to_spare_it_is_forced_all_the_same(void **state)
{
	struct rlimit before, limit;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	fx_fill(&w, 0, 1);
	fx_run(sk);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){ 4, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fx_run(sk);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	fx_wait(!sk->syncs, 10);
	assert_true(is_synced("log/p.jsonl"));
	fx_end(sk, &w);
}

/* Five megabytes of lines, in five runs. */
static void write_much(const char *const *routes)
{
	struct fx_writer w;
	struct sinkd *sk;

	fx_program(&w, "p", routes, 16 << 20);
	w.pad = 50000;
	sk = fx_start();
	for (int i = 0; i < 5; i++) {
		fx_fill(&w, 0, 21);
		fx_run(sk);
		fx_wait(!sk->syncs, 10);
	}
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 5 * 21);
	fx_end(sk, &w);
}

static void what_is_there_is_on_its_way_before_it_is_forced(void **state)
{
	(void)state;
	write_much(fx_one_file);
	assert_in_range(n_pushed, 4, 5);
	for (size_t i = 0; i < n_pushed; i++) {
		assert_int_equal(pushed[i].from, i ? pushed[i - 1].to : 0);
		assert_int_equal(pushed[i].to % 4096, 0);
		assert_true(pushed[i].to - pushed[i].from >= 1 << 20);
	}
}

static void nothing_is_pushed_that_is_not_to_be_forced_later(void **state)
{
	static const char *const never[] = { "[{\"sink\":\"file\",\"options\":{\"fsync\":\"never\"}}]", NULL };

	(void)state;
	write_much(never);
	assert_int_equal(n_pushed, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_that_is_rotated_meanwhile_is_forced_too),
		T(what_was_written_before_an_error_is_forced_too),
		T(what_a_killed_sinkd_wrote_is_forced_before_it_counts),
		T(a_disk_that_fails_counts_nothing),
		T(what_is_said_of_a_disk_goes_with_the_program),
		T(without_a_descriptor_to_spare_it_is_forced_all_the_same),
		T(what_is_there_is_on_its_way_before_it_is_forced),
		T(nothing_is_pushed_that_is_not_to_be_forced_later),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/file_sync", tests, NULL, NULL);
}
