/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can go wrong with a file, and comes right again: no folder, no room, no right to write. */
#include "fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

static void a_missing_folder_degrades_until_it_is_there(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	fx_fill(&w, 0, 10);
	rmdir(fx_path("log"));
	sk = fx_start();
	fx_run(sk);
	assert_non_null(strstr(fx_degraded("sink:file:p"), "No such file or directory"));
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, 10);
	mkdir(fx_path("log"), 0755);
	fx_wait(fx_sink(sk, "p", "file")->at.acked == 10, 3);		/* by itself */
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 10);
	assert_null(fx_degraded("sink:file:p"));
	fx_end(sk, &w);
}

/* @name: where there is no room for all of it; the other sink goes on. */
static void check_full(const char *name, void (*make_room)(void))
{
	char sinks[PATH_MAX + 128], path[PATH_MAX];
	const char *routes[] = { sinks, "[{\"sink\":\"file\",\"options\":{\"path\":\"other.jsonl\"}}]", NULL };
	struct fx_writer w;
	struct sinkd *sk;
	uint64_t before;
	size_t len;
	char *text;

	snprintf(path, sizeof(path), "%s", fx_path(name));
	snprintf(sinks, sizeof(sinks), "[{\"sink\":\"file\",\"options\":{\"path\":\"%s\"}}]", path);
	fx_program(&w, "p", routes, 1 << 20);
	for (int i = 0; i < 1000; i++)
		assert_true(fx_add(&w, i % 20 ? 0 : 1));
	spool_commit(&w.w);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 1);
	before = sinkd_find(sk, "p")->sinks[1]->at.acked;
	assert_true(before > 0 && before < 950);
	assert_int_equal(sinkd_find(sk, "p")->sinks[2]->at.acked, 50);
	text = fx_read(path, &len);
	assert_true(len && text[len - 1] == '\n');	/* no torn line */
	free(text);
	fx_wait(false, 0.3);
	text = fx_read(path, &len);
	assert_true(len && text[len - 1] == '\n');
	free(text);
	make_room();
	fx_wait(!fx_n_degraded(), 3);
	assert_int_equal(fx_n_degraded(), 0);
	assert_int_equal(sinkd_find(sk, "p")->sinks[1]->at.acked, 950);
	text = fx_read(path, &len);
	for (size_t i = len = 0; text[i]; i++)
		len += text[i] == '\n';
	assert_int_equal(len, 950);
	free(text);
	fx_end(sk, &w);
}

static void no_limit(void)
{
	struct rlimit l = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_FSIZE, &l);
}

static void a_file_that_may_not_grow_degrades_and_recovers(void **state)
{
	struct rlimit l = { 100001, RLIM_INFINITY };
	struct fx_writer w;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	/* The spool is made before the limit holds: it is longer. */
	fx_writer_open(&w, "p", 1 << 20);
	spool_writer_close(&w.w);
	setrlimit(RLIMIT_FSIZE, &l);
	check_full("log/full.jsonl", no_limit);
}

static void grow_small(void)
{
	assert_int_equal(mount(NULL, fx_path("log/small"), NULL, MS_REMOUNT, "size=1M"), 0);
}

static void a_full_disk_degrades_one_sink_and_it_recovers(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("# skipped: a mount namespace is needed (root)\n");
		skip();
	}
	mkdir(fx_path("log/small"), 0755);
	assert_int_equal(mount("none", fx_path("log/small"), "tmpfs", 0, "size=64K"), 0);
	check_full("log/small/full.jsonl", grow_small);
	assert_int_equal(umount2(fx_path("log/small"), MNT_DETACH), 0);
}

static void a_read_only_file_system_degrades_and_recovers(void **state)
{
	static const char *const routes[] = { "[{\"sink\":\"file\",\"options\":{\"path\":\"small/p.jsonl\"}}]", NULL };
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		print_message("# skipped: a mount namespace is needed (root)\n");
		skip();
	}
	mkdir(fx_path("log/small"), 0755);
	assert_int_equal(mount("none", fx_path("log/small"), "tmpfs", MS_RDONLY, "size=1M"), 0);
	fx_program(&w, "p", routes, 0);
	fx_fill(&w, 0, 10);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 1);
	assert_int_equal(mount(NULL, fx_path("log/small"), NULL, MS_REMOUNT, "size=1M"), 0);
	fx_wait(!fx_n_degraded(), 3);
	assert_int_equal(fx_n_degraded(), 0);
	assert_int_equal(sinkd_find(sk, "p")->sinks[1]->at.acked, 10);
	fx_end(sk, &w);
	assert_int_equal(umount2(fx_path("log/small"), MNT_DETACH), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_missing_folder_degrades_until_it_is_there),
		T(a_file_that_may_not_grow_degrades_and_recovers),
		T(a_full_disk_degrades_one_sink_and_it_recovers),
		T(a_read_only_file_system_degrades_and_recovers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/file_trouble", tests, NULL, NULL);
}
