/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new configuration, or a manifest that cannot be read for a while: no record is lost over it, and the ledger
 * balances. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "fixture.h"

static const char *const elsewhere_file[] = {
	"[{\"sink\":\"file\",\"options\":{\"path\":\"two.jsonl\"}}]", NULL,
};

/* From now on `two.jsonl` lies beneath fx_dir/@folder. */
static void move_root(struct sinkd *sk, struct sinkd_conf *conf, const char *folder)
{
	static const char *root[1];
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", fx_path(folder));
	root[0] = path;
	*conf = fx.conf;
	conf->file.roots.s = root;
	conf->file.roots.n = 1;
	fx.conf = *conf;
	assert_int_equal(sinkd_reload(sk, &fx.conf), 0);
}

static void expect_balance(struct sinkd *sk)
{
	struct stream *st = sinkd_find(sk, "p");
	struct sink_ledger l[SPOOL_MAX_CURSORS];

	assert_int_equal(stream_ledger(st, l), 0);
	for (size_t i = 0; i < st->n_sinks; i++)
		assert_int_equal(l[i].routed, st->sinks[i]->at.acked + l[i].pending);
}

static void a_root_that_moves_takes_along_what_is_not_delivered_yet(void **state)
{
	struct sinkd_conf conf;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", elsewhere_file, 0);
	sk = fx_start();
	fx_fill(&w, 0, 10);
	fx_run(sk);
	expect_balance(sk);
	/* No file can be made there any more: what comes now waits. */
	assert_int_equal(rename(fx_path("log/two.jsonl"), fx_path("log/before.jsonl")), 0);
	assert_int_equal(mkdir(fx_path("log/two.jsonl"), 0755), 0);
	fx_run(sk);
	fx_fill(&w, 0, 10);
	fx_run(sk);
	expect_balance(sk);
	move_root(sk, &conf, "elsewhere");
	fx_run(sk);
	fx_expect_lines("log/before.jsonl", 0, 10);
	fx_expect_lines("elsewhere/two.jsonl", 10, 10);
	expect_balance(sk);
	fx_end(sk, &w);
}

/* Routes that a sink gets, or loses, while it stays: as when sinkd.yaml's `storage:` changes. */
static void a_ledger_balances_when_a_sink_has_other_routes(void **state)
{
	static const char *const one[] = { "[{\"sink\":\"file\"}]", "[{\"sink\":\"file\",\"off\":true}]", NULL };
	static const char *const both[] = { "[{\"sink\":\"file\"}]", "[{\"sink\":\"file\"}]", NULL };
	static const char *const other[] = { "[{\"sink\":\"file\",\"off\":true}]", "[{\"sink\":\"file\"}]", NULL };
	static const char *const *const all[] = { one, both, other, one, other, both };
	uint64_t acked = 0;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", one, 0);
	sk = fx_start();
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		fx_manifest("p", all[i]);
		if (i < 3) {
			assert_int_equal(sinkd_reload(sk, &fx.conf), 0);
		} else {
			fx_stop(sk);
			sk = fx_start();
		}
		fx_fill(&w, 0, 7);
		fx_fill(&w, 1, 3);
		fx_run(sk);
		acked += all[i] == both ? 10 : all[i] == one ? 7 : 3;
		assert_int_equal(fx_sink(sk, "p", "file")->at.acked, acked);
		expect_balance(sk);
	}
	fx_end(sk, &w);
}

static void a_manifest_that_cannot_be_read_for_a_while_is_read_later(void **state)
{
	struct rlimit before, limit;
	struct fx_writer w;
	struct sinkd *sk;

	(void)state;
	fx_program(&w, "p", fx_one_file, 0);
	sk = fx_start();
	fx_run(sk);
	fx_manifest("p", elsewhere_file);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){ 3, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fx_run(sk);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_non_null(fx_degraded("manifest:p"));
	fx_fill(&w, 0, 10);
	fx_run(sk);
	assert_null(fx_degraded("manifest:p"));
	fx_expect_lines("log/two.jsonl", 0, 10);
	fx_end(sk, &w);
}

/* A folder that takes more than one call to read may hide what is renamed meanwhile. */
static void a_program_whose_manifest_is_written_anew_is_not_gone(void **state)
{
	enum { PROGRAMS = 700 };
	struct sinkd *sk;
	char name[64];
	pid_t pid;

	(void)state;
	for (int i = 0; i < PROGRAMS; i++) {
		snprintf(name, sizeof(name), "a-program-with-quite-a-usual-name-%03d", i);
		fx_manifest(name, fx_one_file);
	}
	sk = fx_start();
	assert_int_equal(sk->n_streams, PROGRAMS);
	pid = fork();
	if (pid == 0)
		for (int i = 0;; i = (i + 1) % PROGRAMS) {
			snprintf(name, sizeof(name), "a-program-with-quite-a-usual-name-%03d", i);
			fx_manifest(name, fx_one_file);
		}
	for (int i = 0; i < 50 && sk->n_streams == PROGRAMS; i++)
		fx_run(sk);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(sk->n_streams, PROGRAMS);
	fx_stop(sk);
}

static void programs_beyond_the_limit_are_said(void **state)
{
	struct sinkd *sk;
	char name[64];

	(void)state;
	for (int i = 0; i < SINKD_STREAMS_MAX + 2; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		fx_manifest(name, fx_one_file);
	}
	sk = fx_start();
	assert_int_equal(sk->n_streams, SINKD_STREAMS_MAX);
	assert_non_null(strstr(fx_degraded("programs") ?: "", "2 programs beyond"));
	fx_stop(sk);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(a_root_that_moves_takes_along_what_is_not_delivered_yet),
		T(a_ledger_balances_when_a_sink_has_other_routes),
		T(a_manifest_that_cannot_be_read_for_a_while_is_read_later),
		T(a_program_whose_manifest_is_written_anew_is_not_gone),
		T(programs_beyond_the_limit_are_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/reload", tests, NULL, NULL);
}
