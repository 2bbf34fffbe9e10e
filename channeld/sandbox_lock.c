/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a processor may do: compute, and be woken. The lists are what libc and the Go runtime need for that. About all
 * else the worker is asked (common/listener.h), which refuses it, and says so. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "../abi/batch.h"
#include "../common/base.h"
#include "../common/filter.h"
#include "../common/rights_filter.h"
#include "../common/spawn.h"

#ifdef AGENT_SAN
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* What may be reserved beyond the memory that may be used. The Go runtime reserves more than 1 GiB that it never
 * touches, so RLIMIT_AS is no memory limit; but without any, page tables (1/512 of what is only read) and whatever
 * RLIMIT_DATA does not count would have none. */
#define RESERVED_MAX (8ULL << 30)
#define STACK_MAX    (8u << 20)	/* of the main thread; RLIMIT_DATA does not count it */

int sandbox_limit(uint64_t memory, uint64_t threads)
{
	const struct {
		int resource;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_NOFILE, 64 },
		{ RLIMIT_NPROC, threads },	/* it can make nothing else */
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_SIGPENDING, 256 },	/* each that waits costs kernel memory */
		{ RLIMIT_STACK, STACK_MAX },
		{ RLIMIT_AS, SANITIZED || !memory ? RLIM_INFINITY : memory + RESERVED_MAX },
		/* A sanitizer's shadow is private memory. */
		{ RLIMIT_DATA, SANITIZED || !memory ? RLIM_INFINITY : memory },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit r;

		if (getrlimit(limits[i].resource, &r) < 0)
			return -errno;
		r.rlim_cur = r.rlim_max = MIN(limits[i].value, r.rlim_max);	/* nobody here may raise it */
		if (setrlimit(limits[i].resource, &r) < 0)
			return -errno;
	}
	return 0;
}

/* As the kernel knows it now; Debian's header is older. Linux, Documentation/userspace-api/landlock.rst. */
struct ruleset {
	uint64_t fs, net, scoped;
};
static const struct {
	int abi;
	unsigned fs_rights;	/* number of rights, which are the lowest bits */
	size_t size;		/* of struct ruleset */
} landlock_abis[] = {
	{ 6, 16, 24 }, { 5, 16, 16 }, { 4, 15, 16 }, { 3, 15, 8 }, { 2, 14, 8 }, { 1, 13, 8 },
};

static void allow_below(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE };
	int fd = open(path, O_PATH | O_CLOEXEC | O_DIRECTORY);

	if (fd >= 0)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	else
		fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;		/* not on this machine */
	rule.parent_fd = fd;
	/* One that cannot be added stays forbidden. */
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(fd);
}

/* The shared object itself needs no rule: Landlock does not govern memfds. */
int sandbox_lock_files(void)
{
	static const char *const readable[] = { "/usr/lib", "/lib", "/lib64", "/etc/ld.so.cache" };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rs = { 0 };
	size_t i = 0;
	int fd, r = 0;

	if (abi < 1)
		return abi < 0 ? -errno : -ENOSYS;
	while (landlock_abis[i].abi > abi)
		i++;
	rs.fs = (1ULL << landlock_abis[i].fs_rights) - 1;
	rs.net = rs.scoped = 3;		/* bind, connect; abstract sockets, signals */
	fd = (int)syscall(SYS_landlock_create_ruleset, &rs, landlock_abis[i].size, 0);
	if (fd < 0)
		return -errno;
	for (size_t k = 0; k < ARRAY_SIZE(readable); k++)
		allow_below(fd, readable[k]);
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}

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

static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names)
{
	for (; *names; names++) {
		int nr = seccomp_syscall_resolve_name(*names), r;

		if (nr < 0)
			continue;	/* newer than libseccomp, or not of this architecture */
		r = seccomp_rule_add(ctx, action, nr, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

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
	const uint64_t thread = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
	const uint64_t not_thread = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
				    CLONE_NEWPID | CLONE_NEWNET | CLONE_PIDFD | CLONE_PTRACE | CLONE_PARENT;
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
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A3(SCMP_CMP_MASKED_EQ, private, MAP_PRIVATE));
	if (r == 0)
		r = allow_signals(ctx, self);
	if (r == 0)
		r = allow_handlers(ctx);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, thread | not_thread, thread));
	return r;
}

/* What a filter from before refuses as well: sandbox_trap.c. */
static int trap(scmp_filter_ctx ctx)
{
	static const uint64_t namespaces[] = { CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					       CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET };
	int r = add_names(ctx, SCMP_ACT_TRAP, rights_always_refused);

	if (r == 0)
		r = add_names(ctx, SCMP_ACT_TRAP, sandbox_trapped);
	for (size_t i = 0; i < ARRAY_SIZE(namespaces) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_TRAP, SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
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
		r = add_names(ctx, SCMP_ACT_ALLOW, always);
	if (r == 0)
		r = allow_partly(ctx, self);
	if (r == 0)
		r = trap(ctx);
	return r ?: refuse_quietly(ctx);
}

static struct filter filter;

int sandbox_make_filter(void)
{
	return filter_make(SCMP_ACT_NOTIFY, fill, NULL, &filter);
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
