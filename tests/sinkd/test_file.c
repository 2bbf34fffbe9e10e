/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "sinkd/sink_file.h"

static const char *const one_file[] = { "[{\"sink\":\"file\"}]", NULL };
static const char *const rotated_file[] = {
	"[{\"sink\":\"file\",\"options\":{\"rotate-size\":700,\"keep\":9}}]", NULL,
};

/* All that was written, oldest first: PATH.9 … PATH.1, PATH. */
static char *read_all(const char *base, size_t *ret_len)
{
	char *all = calloc(1, 32 << 20), name[64];
	size_t len, n = 0;

	for (int i = 9; i >= 0; i--) {
		char *text;

		snprintf(name, sizeof(name), i ? "%s.%d" : "%s", base, i);
		text = fx_read(fx_path(name), &len);
		memcpy(all + n, text, len);
		n += len;
		free(text);
	}
	*ret_len = n;
	return all;
}

/* ---- exactness ---- */

/* A sinkd that was killed left a cursor behind @cursor records, and a file of @cut bytes. */
static void resume_from(const char *text, size_t cut, unsigned cursor, size_t n)
{
	struct spool_commit commit;
	struct spool_cursor at = {};
	struct spool_reader r;
	struct sinkd *sk;
	char *now;
	size_t len;
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
	now = fx_read(fx_path("log/p.jsonl"), &len);
	assert_int_equal(fx_check_lines(now, len, 0), n);
	free(now);
}

static void a_file_cut_at_any_byte_is_completed_without_a_gap_or_a_repeat(void **state)
{
	const unsigned n = 5;
	struct fx_writer w;
	struct sinkd *sk;
	size_t len;
	char *text;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
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
	fx_manifest("p", rotated_file);
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
		text = read_all("log/p.jsonl", &len);
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

	fx_manifest("p", manifest);
	fx_writer_open(&w, "p", 1 << 20);
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
	text = read_all("log/p.jsonl", &len);
	assert_int_equal(fx_check_lines(text, len, 0), w.n);
	free(text);
	spool_writer_close(&w.w);
}

static void kills_lose_and_repeat_nothing(void **state)
{
	(void)state;
	kill_again_and_again(one_file, 60000, 60);
}

static void kills_while_rotating_lose_and_repeat_nothing(void **state)
{
	static const char *const often[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-size\":\"900K\",\"keep\":9,\"fsync\":\"never\"}}]", NULL,
	};

	(void)state;
	kill_again_and_again(often, 36000, 60);
}

/* ---- rotation ---- */

static void files_are_rotated_by_size_and_only_as_many_kept(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-size\":1000,\"keep\":3}}]", NULL,
	};
	struct fx_writer w;
	struct sinkd *sk;
	struct stat st;
	char *text;
	size_t len;

	(void)state;
	fx_manifest("p", routes);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 50);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(stat(fx_path("log/p.jsonl.3"), &st), 0);
	assert_true(st.st_size <= 1000);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(access(fx_path("log/p.jsonl.4"), F_OK), -1);
	text = read_all("log/p.jsonl", &len);
	/* Whatever is left is the newest, without a gap. */
	assert_int_equal(fx_check_lines(text, len, strtoull(strstr(text, "\"n\":") + 4, NULL, 10)),
			 50 - strtoull(strstr(text, "\"n\":") + 4, NULL, 10));
	free(text);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 50);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_file_is_rotated_by_age(void **state)
{
	static const char *const routes[] = {
		"[{\"sink\":\"file\",\"options\":{\"rotate-time\":\"1h\"}}]", NULL,
	};
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", routes);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 1);
	sk = fx_start();
	fx_run(sk);
	fx_run(sk);
	assert_int_equal(access(fx_path("log/p.jsonl.1"), F_OK), -1);
	file_sink_of(fx_sink(sk, "p", "file"))->born_ns -= 3601 * (int64_t)NSEC_PER_SEC;
	fx_run(sk);
	assert_int_equal(access(fx_path("log/p.jsonl.1"), F_OK), 0);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void a_line_longer_than_the_limit_has_a_file_of_its_own(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", rotated_file);
	fx_writer_open(&w, "p", 1 << 20);
	w.pad = 60000;
	fx_fill(&w, 0, 5);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 5);
	assert_int_equal(access(fx_path("log/p.jsonl.4"), F_OK), 0);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

/* ---- others at the same file ---- */

static void a_file_that_was_removed_or_moved_away_is_begun_anew(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;
	char *text;
	size_t len;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	sk = fx_start();
	fx_run(sk);
	unlink(fx_path("log/p.jsonl"));
	fx_fill(&w, 0, 10);		/* noticed before the very next line */
	sinkd_look(sk);
	fx_turn(sk);
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_int_equal(fx_check_lines(text, len, 10), 10);
	free(text);
	rename(fx_path("log/p.jsonl"), fx_path("log/moved"));
	fx_run(sk);			/* noticed within a second */
	fx_fill(&w, 0, 10);
	fx_run(sk);
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_int_equal(fx_check_lines(text, len, 20), 10);
	free(text);
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, 30);
	fx_stop(sk);
	spool_writer_close(&w.w);
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
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 1);
	sk = fx_start();
	fx_run(sk);
	assert_non_null(strstr(fx_degraded("sink:file:p"), "does not end like a file of this agent"));
	text = fx_read(fx_path("log/p.jsonl"), &len);
	assert_string_equal(text, foreign);
	free(text);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

static void two_programs_do_not_share_a_file(void **state)
{
	static const char *const same[] = { "[{\"sink\":\"file\",\"options\":{\"path\":\"same.jsonl\"}}]", NULL };
	struct fx_writer w[2];
	struct sinkd *sk;
	char *text;
	size_t len;

	(void)state;
	fx_manifest("p", same);
	fx_manifest("q", same);
	fx_writer_open(&w[0], "p", 0);
	fx_writer_open(&w[1], "q", 0);
	fx_fill(&w[0], 0, 10);
	fx_fill(&w[1], 0, 10);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 1);
	text = fx_read(fx_path("log/same.jsonl"), &len);
	assert_int_equal(fx_check_lines(text, len, 0), 10);
	free(text);
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

static void options_that_make_no_sense_are_said(void **state)
{
	static const char *const routes[] = { "[{\"sink\":\"file\",\"options\":{\"keep\":\"many\"}}]", NULL };
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", routes);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 1);
	sk = fx_start();
	fx_run(sk);
	assert_non_null(strstr(fx_degraded("sink:file:p"), "keep"));
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, 1);
	fx_stop(sk);
	spool_writer_close(&w.w);
}

/* ---- what can go wrong, and comes right again ---- */

static void wait_for(struct sinkd *sk, uint64_t acked)
{
	for (int i = 0; i < 300 && fx_sink(sk, "p", "file")->at.acked < acked; i++) {
		uv_run(&fx.loop, UV_RUN_NOWAIT);
		usleep(10000);
	}
	assert_int_equal(fx_sink(sk, "p", "file")->at.acked, acked);
}

static void a_missing_folder_degrades_until_it_is_there(void **state)
{
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_manifest("p", one_file);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	rmdir(fx_path("log"));
	sk = fx_start();
	fx_run(sk);
	assert_non_null(strstr(fx_degraded("sink:file:p"), "No such file or directory"));
	assert_int_equal(fx_sink(sk, "p", "live")->at.acked, 10);
	mkdir(fx_path("log"), 0755);
	wait_for(sk, 10);		/* by itself */
	assert_null(fx_degraded("sink:file:p"));
	fx_stop(sk);
	spool_writer_close(&w.w);
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
	fx_manifest("p", routes);
	fx_writer_open(&w, "p", 1 << 20);
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
	for (int i = 0; i < 30; i++) {
		uv_run(&fx.loop, UV_RUN_NOWAIT);
		usleep(10000);
	}
	text = fx_read(path, &len);
	assert_true(len && text[len - 1] == '\n');
	free(text);
	make_room();
	for (int i = 0; i < 300 && fx_n_degraded(); i++) {
		uv_run(&fx.loop, UV_RUN_NOWAIT);
		usleep(10000);
	}
	assert_int_equal(fx_n_degraded(), 0);
	assert_int_equal(sinkd_find(sk, "p")->sinks[1]->at.acked, 950);
	text = fx_read(path, &len);
	for (size_t i = len = 0; text[i]; i++)
		len += text[i] == '\n';
	assert_int_equal(len, 950);
	free(text);
	fx_stop(sk);
	spool_writer_close(&w.w);
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
	fx_manifest("p", routes);
	fx_writer_open(&w, "p", 0);
	fx_fill(&w, 0, 10);
	sk = fx_start();
	fx_run(sk);
	assert_int_equal(fx_n_degraded(), 1);
	assert_int_equal(mount(NULL, fx_path("log/small"), NULL, MS_REMOUNT, "size=1M"), 0);
	for (int i = 0; i < 300 && fx_n_degraded(); i++) {
		uv_run(&fx.loop, UV_RUN_NOWAIT);
		usleep(10000);
	}
	assert_int_equal(fx_n_degraded(), 0);
	assert_int_equal(sinkd_find(sk, "p")->sinks[1]->at.acked, 10);
	fx_stop(sk);
	spool_writer_close(&w.w);
	assert_int_equal(umount2(fx_path("log/small"), MNT_DETACH), 0);
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
		fx_stop(sk);
		spool_writer_close(&w.w);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_file_cut_at_any_byte_is_completed_without_a_gap_or_a_repeat),
		T(a_cut_after_a_rotation_asks_the_rotated_file),
		T(kills_lose_and_repeat_nothing),
		T(kills_while_rotating_lose_and_repeat_nothing),
		T(files_are_rotated_by_size_and_only_as_many_kept),
		T(a_file_is_rotated_by_age),
		T(a_line_longer_than_the_limit_has_a_file_of_its_own),
		T(a_file_that_was_removed_or_moved_away_is_begun_anew),
		T(a_foreign_file_is_left_alone),
		T(two_programs_do_not_share_a_file),
		T(a_path_outside_the_roots_is_refused),
		T(options_that_make_no_sense_are_said),
		T(a_missing_folder_degrades_until_it_is_there),
		T(a_file_that_may_not_grow_degrades_and_recovers),
		T(a_full_disk_degrades_one_sink_and_it_recovers),
		T(a_read_only_file_system_degrades_and_recovers),
		T(every_way_to_fsync_delivers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/file", tests, NULL, NULL);
}
