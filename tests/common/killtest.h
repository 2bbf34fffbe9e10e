/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that is stepped and killed, and events that must have arrived all the same, once each. */
#ifndef TESTS_COMMON_KILLTEST_H
#define TESTS_COMMON_KILLTEST_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "spooldir.h"

#define BATCH 3
#define NUMBERS_MAX 200000
#define STEPS_MAX 20000	/* a commit is some hundred instructions; more is a loop of this test's own */

/* Stepping to every k costs k steps of 20 to 60 µs. The sanitizers' own instructions are four times as many, and no
 * part of what ships. A control need only show that losses are found. */
#ifdef AGENT_SAN
#define EVERY 4
#define EVERY_CONTROL 12
#else
#define EVERY 1
#define EVERY_CONTROL 4
#endif

static char path[PATH_MAX];

static inline int fresh(void **state)
{
	spooldir_clear();
	strcpy(path, spooldir_path("p.spool"));
	/* A child that hangs takes this test with it, and that takes the child. Under sanitizers on a machine that has
	 * nothing else to do the longest takes half a minute. */
	alarm(1200);
	(void)state;
	return 0;
}

#define kill_test(f) cmocka_unit_test_setup(f, fresh)

/* ---- a process that is stepped and killed ------------------------------------------------------------------------ */

/* Stops here, with as few instructions of its own as can be. */
static inline void mark(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
}

/* A child that runs @job up to its first mark(). */
static inline pid_t start(void (*job)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			job();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL), 0);
	return pid;
}

/* One instruction. False: it is at its second mark(). */
static inline bool step(pid_t pid)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_true(WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP);
	return WSTOPSIG(status) == SIGTRAP;
}

static inline void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Runs @job, kills it after @k instructions. False: it was through before. */
static inline bool kill_after(void (*job)(void), unsigned k)
{
	pid_t pid = start(job);
	bool more = true;

	assert_true(k < STEPS_MAX);
	for (unsigned i = 0; more && i < k; i++)
		more = step(pid);
	end(pid);
	return more;
}

/* ---- what arrived ------------------------------------------------------------------------------------------------ */

static uint64_t produced;		/* numbers below it were submitted */
static uint8_t arrived[NUMBERS_MAX];	/* how often each */

/* Leaves no record, and is counted all the same: positions in records alone would not do. */
static inline bool is_filtered(uint64_t number)
{
	return number % 4 == 3;
}

static inline uint64_t n_filtered(void)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < produced; i++)
		n += is_filtered(i);
	return n;
}

static inline void look_over(uint64_t *ret_lost, uint64_t *ret_twice)
{
	*ret_lost = *ret_twice = 0;
	for (uint64_t i = 0; i < produced; i++) {
		unsigned want = !is_filtered(i);

		*ret_lost += arrived[i] < want;
		*ret_twice += arrived[i] > want;
	}
}

static inline void say(unsigned kills, uint64_t lost, uint64_t twice)
{
	print_message("# %u kills, %lu events: %lu lost, %lu twice\n", kills, (unsigned long)produced,
		      (unsigned long)lost, (unsigned long)twice);
}

#endif
