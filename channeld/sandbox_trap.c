/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of several filters' answers the sternest counts: an EPERM of the launcher's filter, of systemd's or of a container's
 * goes before the question that ours would ask (common/listener.h), and nobody would be told. A trap goes before an
 * EPERM: it sends SIGSYS, whose handler tells of the call by one that is asked about. The object cannot have another
 * handler (sandbox_calls.c); where it blocks the signal, the kernel ends the process, which is said as well. */
#include "sandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "../common/listener.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1		/* si_code; Linux, include/uapi/asm-generic/siginfo.h */
#endif

static void set_result(ucontext_t *u, long result)
{
#if defined(__x86_64__)
	u->uc_mcontext.gregs[REG_RAX] = result;
#elif defined(__aarch64__)
	u->uc_mcontext.regs[0] = (unsigned long)result;
#else
#error "which register has a system call's result?"
#endif
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	int before = errno;

	(void)sig;
	if (info->si_code != SYS_SECCOMP)
		return;		/* the object's own raise() */
	(void)syscall(SYS_seccomp, LISTENER_TELLS, info->si_syscall);
	set_result(context, -EPERM);
	errno = before;
}

int sandbox_catch_traps(void)
{
	/* On the other stack where there is one: one of Go's own may be small. */
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigfillset(&action.sa_mask);	/* none shall interrupt it before it is told */
	return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}
