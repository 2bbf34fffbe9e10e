/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A runtime directory of a test's own, and what must not be left of it. */
#ifndef EBPF_AGENT_TESTS_RUNDIR_H
#define EBPF_AGENT_TESTS_RUNDIR_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "abi/names.h"
#include "common/base.h"

static char rundir[64];

static inline int rundir_make(void **state)
{
	(void)state;
	strcpy(rundir, "/tmp/ebpf-agent-test.XXXXXX");
	if (!mkdtemp(rundir))
		return -1;
	chmod(rundir, 0755);
	return setenv(AGENT_ENV_RUNTIME, rundir, 1);
}

static inline int rundir_remove_entry(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return remove(path);
}

static inline int rundir_drop(void **state)
{
	(void)state;
	return nftw(rundir, rundir_remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static inline void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Waits until @condition, at most ten seconds (sanitizers and a busy machine are slow). */
#define eventually(condition)                                \
	({                                                   \
		bool held_;                                  \
		int tries_ = 500;                            \
		while (!(held_ = (condition)) && tries_-- > 0) \
			sleep_ms(20);                        \
		if (!held_)                                  \
			fail_msg("never: %s", #condition);   \
	})

static inline int wait_status(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* In a child, so that what @f does to itself ends with it; its result is the exit status. */
static inline int in_child(int (*f)(void *), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(f(arg));	/* no leak check: the parent's memory is not this one's */
	return wait_status(pid);
}

#endif
