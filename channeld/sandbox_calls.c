/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls of a sandbox. What is not allowed is refused, and told: it is trapped (sandbox_trap.c), or, where
 * that would not do, the worker is asked about it (common/listener.h). */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "../abi/batch.h"
#include "../common/base.h"
#include "../common/filter.h"
#include "../common/spawn.h"

/* 0x80 is CLONE_NEWTIME, elsewhere than in clone(), whose lowest byte is a signal: no thread has one. */
#define NAMESPACES ((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
			       CLONE_NEWPID | CLONE_NEWNET | 0x80))

/* What libc and the Go runtime need to compute, and to be woken. */
static const char *const always[] = {
	"read", "readv", "pread64", "write", "writev", "lseek", "close", "fstat",
	"munmap", "mprotect", "madvise", "brk", "mincore",
	"rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack", "restart_syscall",
	"futex", "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address", "rseq",
	"membarrier", "arch_prctl",
	"nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time",
	"sched_yield", "sched_getaffinity", "getcpu", "getpid", "getppid", "gettid", "getuid", "geteuid",
	"getgid", "getegid",
	"getrandom", "getrlimit", "getrusage", "times", "uname", "sysinfo",
	"poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
	"epoll_pwait", "epoll_pwait2", "eventfd2", "pipe2",
	"exit", "exit_group",
	NULL
};

/* Signals to its own threads. No SIGKILL to itself: it would look as if another had done it, and blame nobody. One
 * rule for each number, as the kernel looks at 32 bits of it and a filter at 64: "not 9" would let 9 + 2^32 pass. */
static int allow_signals(scmp_filter_ctx ctx, pid_t self)
{
	int r = 0;

	for (int sig = 0; sig <= SIGRTMAX && r == 0; sig++)
		if (sig != SIGKILL)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
					     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)self),
					     SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)sig));
	return r;
}

/* Handlers, but for the one of sandbox_trap.c, which may be asked for. Numbers as above. */
static int allow_handlers(scmp_filter_ctx ctx)
{
	int r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 2, SCMP_A0(SCMP_CMP_EQ, SIGSYS),
				 SCMP_A1(SCMP_CMP_EQ, 0));

	for (int sig = 0; sig <= SIGRTMAX && r == 0; sig++)
		if (sig != SIGSYS)
			r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1,
					     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)sig));
	return r;
}

/* Calls that are harmless with some arguments only. */
static int allow_partly(scmp_filter_ctx ctx, pid_t self)
{
	/* Not F_SETFL: it would make the worker's eventfds block. */
	static const int fcntls[] = { F_GETFD, F_SETFD, F_GETFL };
	static const int prctls[] = { PR_SET_NAME, PR_GET_NAME, 0x53564d41 /* PR_SET_VMA */ };
	/* 8: MAP_DROPPABLE (Linux 6.11), in which libc keeps what getrandom(3) needs; private otherwise. */
	static const uint64_t maps[] = { MAP_PRIVATE, 8 };
	const uint64_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	const uint64_t not_thread = NAMESPACES | CLONE_PIDFD | CLONE_PTRACE | CLONE_PARENT;
	const uint64_t private = MAP_TYPE | MAP_GROWSDOWN | MAP_HUGETLB;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fcntls) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, fcntls[i]));
	for (size_t i = 0; i < ARRAY_SIZE(prctls) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, prctls[i]));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 2, SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE),
				     SCMP_A1(SCMP_CMP_EQ, 0));
	/* To send the listener. The process gets no other socket, and this number's is closed. */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
				     SCMP_A0(SCMP_CMP_EQ, SANDBOX_FD_LISTENER));
	/* Only to be read: what exceeds a RLIMIT_CPU of its own making ends by a SIGKILL, too. */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0));
	/* Memory that is shared, or a stack, RLIMIT_DATA does not count; huge pages are the administrator's. */
	for (size_t i = 0; i < ARRAY_SIZE(maps) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A3(SCMP_CMP_MASKED_EQ, private, maps[i]));
	/* What isatty(3) asks, as printf(3) does of the null device. */
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, TCGETS));
	if (r == 0)
		r = allow_signals(ctx, self);
	if (r == 0)
		r = allow_handlers(ctx);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, thread | not_thread, thread));
	return r;
}

/* Asked about, instead of trapped: what loading needs, and what a library may try where all signals are blocked (as
 * posix_spawn(3) and pthread_create(3) block them), so that a trap would end the process. */
static const char *const asked[] = {
	"open", "openat", "access", "faccessat", "faccessat2", "stat", "newfstatat", "readlink", "readlinkat",
	"lstat", "statx", "getcwd", "getdents64", "mkdir", "unlink", "unlinkat", "memfd_create", "dup", "dup2", "dup3",
	"fork", "vfork",
	/* Of these the units refuse some (@resources): in silence, there. */
	"sched_getscheduler", "sched_getparam", "sched_getattr", "sched_setscheduler", "sched_setparam",
	"sched_setattr", "sched_setaffinity", "rt_tgsigqueueinfo",
	"seccomp",	/* how sandbox_trap.c tells of the others */
	NULL
};

/* The same of those that are allowed with other arguments. */
static int ask_partly(scmp_filter_ctx ctx)
{
	static const int fcntls[] = { F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC };
	static const unsigned ioctls[] = { FIONBIO, FIOCLEX, TIOCGWINSZ };
	int r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(clone), 1,
				 SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | NAMESPACES, 0));

	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(mmap), 1,
				     SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE, MAP_SHARED));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(mmap), 1,
				     SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_TYPE | MAP_HUGETLB, MAP_PRIVATE | MAP_HUGETLB));
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(rt_sigaction), 2,
				     SCMP_A0(SCMP_CMP_EQ, SIGSYS), SCMP_A1(SCMP_CMP_NE, 0));
	for (size_t i = 0; i < ARRAY_SIZE(fcntls) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, fcntls[i]));
	for (size_t i = 0; i < ARRAY_SIZE(ioctls) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, ioctls[i]));
	return r;
}

/* What honest libraries try as a matter of course, and do without: nothing that anybody wants to be told of. */
static int refuse_quietly(scmp_filter_ctx ctx)
{
	/* Its flags lie in memory, where no filter sees them; libc and Go fall back to clone. */
	int r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	/* It lets a stack grow that RLIMIT_DATA does not count. libc's realloc() copies instead. */
	return r ?: seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mremap), 0);
}

static int fill(scmp_filter_ctx ctx, pid_t self, void *arg)
{
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	(void)arg;
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (r == 0)
		r = filter_add_names(ctx, SCMP_ACT_ALLOW, always);
	if (r == 0)
		r = allow_partly(ctx, self);
	if (r == 0)
		r = filter_add_names(ctx, SCMP_ACT_NOTIFY, asked);
	if (r == 0)
		r = ask_partly(ctx);
	return r ?: refuse_quietly(ctx);
}

static struct filter filter;

int sandbox_make_filter(void)
{
	return filter_make(SCMP_ACT_TRAP, fill, NULL, &filter);
}

int sandbox_lock_calls(void)
{
	int listener = filter_install_listening(&filter), r;

	if (listener < 0)
		return listener;
	r = fdpass_send(SANDBOX_FD_LISTENER, "", 1, &listener, 1);
	close(SANDBOX_FD_LISTENER);
	close(listener);
	return r;
}
