/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sinkd within a test: its own folders on a tmpfs, manifests and spools written by the test, and no bus. */
#ifndef EBPF_AGENT_TESTS_SINKD_FIXTURE_H
#define EBPF_AGENT_TESTS_SINKD_FIXTURE_H

#include <ftw.h>
#include <sys/stat.h>

#include "fixture_spool.h"
#include "fixture_svc.h"

static struct arena *fx_arena;

static inline int fx_setup(void **state)
{
	static const char *const folders[] = { "", "manifest", "spool", "hint", "lock", "log", "state", "elsewhere" };
	static const char *const envs[][2] = {
		{ AGENT_ENV_RUNTIME, "" }, { AGENT_ENV_STATE, "state" }, { AGENT_ENV_LOG, "log" },
	};
	struct diag d = {};
	struct yaml_node *root;

	(void)state;
	strcpy(fx_dir, "/dev/shm/sinkd-test.XXXXXX");
	if (!mkdtemp(fx_dir))
		return -1;
	for (size_t i = 1; i < ARRAY_SIZE(folders); i++)
		if (mkdir(fx_path(folders[i]), 0755) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_SIZE(envs); i++)
		setenv(envs[i][0], envs[i][1][0] ? fx_path(envs[i][1]) : fx_dir, 1);
	memset(&fx, 0, sizeof(fx));
	uv_loop_init(&fx.loop);
	fx_arena = arena_new(0);
	if (yaml_parse(fx_arena, "test", "{}", 2, &root, &d) < 0 ||
	    conf_parse(fx_arena, &sinkd_schema, root, &fx.conf, &d) < 0)
		return -1;
	return 0;
}

static inline int fx_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int fx_teardown(void **state)
{
	(void)state;
	nftw(fx_dir, fx_remove, 16, FTW_DEPTH | FTW_PHYS);
	arena_free(take(fx_arena));
	/* A handle that was left open fails the test. */
	return uv_loop_close(&fx.loop);
}

static inline struct sinkd *fx_start(void)
{
	void *self = NULL;

	assert_int_equal(sinkd_start(&fx, &self), 0);
	return self;
}

static inline void fx_turn(struct sinkd *sk)
{
	for (int i = 0; i < 100000; i++) {
		uv_run(&fx.loop, UV_RUN_NOWAIT);
		if (!uv_is_active((uv_handle_t *)&sk->work))
			return;
	}
	fail_msg("sinkd never comes to rest");
}

/* Looks at everything, and works until there is no more to do. */
static inline void fx_run(struct sinkd *sk)
{
	sk->second_ns = 0;
	sinkd_look(sk);
	fx_turn(sk);
}

static inline void fx_stop(struct sinkd *sk)
{
	sinkd_stop(sk);
	uv_run(&fx.loop, UV_RUN_DEFAULT);
}

/* The end of sinkd, and of the program's worker. */
static inline void fx_end(struct sinkd *sk, struct fx_writer *f)
{
	fx_stop(sk);
	spool_writer_close(&f->w);
}

static inline struct sink *fx_sink(struct sinkd *sk, const char *program, const char *name)
{
	struct stream *st = sinkd_find(sk, program);

	for (size_t i = 0; st && i < st->n_sinks; i++)
		if (!strcmp(st->sinks[i]->name, name))
			return st->sinks[i];
	return NULL;
}

/* Turns the loop until @condition, for at most @seconds. */
#define fx_wait(condition, seconds)                                                     \
	do {                                                                            \
		for (int tries_ = (seconds) * 100; tries_ > 0 && !(condition); tries_--) { \
			uv_run(&fx.loop, UV_RUN_NOWAIT);                                \
			usleep(10000);                                                  \
		}                                                                       \
	} while (0)

#endif
