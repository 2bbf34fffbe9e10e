/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trusted side of a sandbox's system call filter (channeld/sandbox_calls.c). A call that the filter asks about
 * waits in the kernel until it is answered here: EPERM, and it is told. Linux,
 * Documentation/userspace-api/seccomp_filter.rst, "Userspace Notification".
 *
 * The sandbox makes its filter before anything of the user's runs in it, and sends the listener over a socket that it
 * then closes; so what comes here is the kernel's word. Nothing else is done for the one who calls: no argument is ever
 * looked at, but of one: seccomp(LISTENER_TELLS, NUMBER), which the kernel does not have, is how the sandbox tells of a
 * call that was trapped (channeld/sandbox_trap.c). */
#ifndef EBPF_AGENT_LISTENER_H
#define EBPF_AGENT_LISTENER_H

#include "base.h"

#define LISTENER_TELLS 0x74656c6cu

#define LISTENER_ANSWERS_MAX 64	/* as many threads may a sandbox have */

struct listener {
	int sock;		/* the listener comes over it; -1: it has, or never will */
	int fd;			/* -1: none yet, or its sandbox is gone */
	/* Calls that dlopen() needs go on; Landlock says what of files can be read. The caller's to end, once and for
	 * good: what the sandbox says of itself it may take back. */
	bool loading;
};

/* @ret_theirs: for the sandbox (SANDBOX_FD_LISTENER), to be closed here. 0, -errno. */
int listener_new(struct listener *l, int *ret_theirs);
/* Calls that still wait fail with ENOSYS. Accepts one that is closed. */
void listener_close(struct listener *l);

/* What is readable when something is to be done; -1: nothing will be. Another one after each listener_answer(). */
int listener_poll_fd(const struct listener *l);
/* To be called when it is readable. Answers LISTENER_ANSWERS_MAX at most: whoever calls without end holds up himself.
 * @on_refused: for each call that was refused, with its number. */
void listener_answer(struct listener *l, void (*on_refused)(void *arg, int nr), void *arg);

#endif
