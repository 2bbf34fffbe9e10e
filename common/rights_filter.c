/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rights_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filter.h"
#include "rights.h"

static const char *const always_refused[] = {
	"mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree",
	"move_mount", "mount_setattr",
	"process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff",
	"add_key", "request_key", "keyctl", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"unshare", "setns", "personality", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime",
	"open_by_handle_at", "acct", "quotactl", "quotactl_fd", "syslog", "sethostname", "setdomainname",
	"iopl", "ioperm", "lookup_dcookie", "vhangup", "nfsservctl", "fanotify_init", "move_pages",
	"migrate_pages", "mbind", "set_mempolicy", "uselib", "modify_ldt", "vm86", "vm86old",
	NULL
};
static const char *const setuid_calls[] = {
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid",
	NULL
};
static const char *const exec_calls[] = { "execve", "execveat", "fork", "vfork", NULL };

/* What a process needs that only moves bytes between descriptors and memory that it has. */
static const char *const strict_allowed[] = {
	"read", "write", "readv", "writev", "pread64", "pwrite64", "close", "close_range", "dup", "dup2", "dup3",
	"fcntl", "lseek",
	"fstat", "statx", "sendmsg", "recvmsg", "sendto", "recvfrom", "sendmmsg", "recvmmsg", "shutdown",
	"getsockopt", "setsockopt", "getsockname", "getpeername",
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select",
	"pselect6",
	"eventfd2", "pipe2", "timerfd_create", "timerfd_settime", "timerfd_gettime",
	"futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "membarrier",
	"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
	"munmap", "mremap", "madvise", "brk", "mlock", "munlock",
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "times", "getrusage",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "sigaltstack",
	"restart_syscall",
	"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getrandom", "uname", "getcpu",
	"exit", "exit_group",
	NULL
};

static const uint64_t new_namespaces[] = {
	CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
	0x80 /* CLONE_NEWTIME */,
};
/* Of bpf(), on descriptors that are open already. */
static const int lookup_commands[] = {
	BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_LOOKUP_BATCH, BPF_MAP_GET_NEXT_KEY, BPF_OBJ_GET_INFO_BY_FD,
};
#define BPF_COMMANDS_MAX 128	/* more than there will be soon; beyond is refused too */
#define FAMILIES_MAX     64

static int add_call(scmp_filter_ctx f, uint32_t action, int nr)
{
	return nr < 0 ? 0 : seccomp_rule_add(f, action, nr, 0);
}

static int add_arg(scmp_filter_ctx f, uint32_t action, int nr, struct scmp_arg_cmp cmp)
{
	return nr < 0 ? 0 : seccomp_rule_add_array(f, action, nr, 1, &cmp);
}

static bool is_one_of(int value, const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == value)
			return true;
	return false;
}

/* Refuses every value of the call's first argument but those in @list. The kernel takes an int and the filter sees 64
 * bits: what lies beyond @bound is refused as a whole, so that high bits do not smuggle a value past the equal ones. */
static int refuse_others(scmp_filter_ctx f, int nr, const int *list, size_t n, int bound)
{
	int err = add_arg(f, SCMP_ACT_ERRNO(EPERM), nr, SCMP_A0(SCMP_CMP_GE, bound));

	for (int v = 0; v < bound && err == 0; v++)
		if (!is_one_of(v, list, n))
			err = add_arg(f, SCMP_ACT_ERRNO(EPERM), nr, SCMP_A0(SCMP_CMP_EQ, v));
	return err;
}

static int families(unsigned allow, int ret[4])
{
	int n = 0;

	ret[n++] = AF_UNIX;
	if (allow & RIGHTS_ALLOW_NETLINK)
		ret[n++] = AF_NETLINK;
	if (allow & RIGHTS_ALLOW_INET) {
		ret[n++] = AF_INET;
		ret[n++] = AF_INET6;
	}
	return n;
}

static int deny_bpf(scmp_filter_ctx f, unsigned allow)
{
	if (allow & RIGHTS_ALLOW_BPF)
		return 0;
	if (allow & RIGHTS_ALLOW_BPF_LOOKUP)
		return refuse_others(f, SCMP_SYS(bpf), lookup_commands, ARRAY_SIZE(lookup_commands), BPF_COMMANDS_MAX);
	return add_call(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf));
}

static int deny_clone(scmp_filter_ctx f, unsigned allow)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(new_namespaces) && err == 0; i++)
		err = add_arg(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone),
			      SCMP_A0(SCMP_CMP_MASKED_EQ, new_namespaces[i], new_namespaces[i]));
#ifndef AGENT_SAN	/* LeakSanitizer looks at the process from a clone that is no thread */
	if (err == 0 && !(allow & RIGHTS_ALLOW_EXEC))
		err = add_arg(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
#endif
	(void)allow;
	return err;
}

/* Everything but what is named. */
static int fill_denying(scmp_filter_ctx f, unsigned allow)
{
	const uint32_t refuse = SCMP_ACT_ERRNO(EPERM);
	int fam[4], n_fam = families(allow, fam), err;

	err = filter_add_names(f, refuse, always_refused);
#ifndef AGENT_SAN	/* LeakSanitizer stops its own threads by ptrace at exit, and calls it fatal if it may not */
	if (err == 0)
		err = add_call(f, refuse, SCMP_SYS(ptrace));
#endif
	if (err == 0 && !(allow & RIGHTS_ALLOW_SETUID))
		err = filter_add_names(f, refuse, setuid_calls);
	if (err == 0 && !(allow & RIGHTS_ALLOW_EXEC))
		err = filter_add_names(f, refuse, exec_calls);
	if (err == 0 && !(allow & RIGHTS_ALLOW_PERF))
		err = add_call(f, refuse, SCMP_SYS(perf_event_open));
	if (err == 0)
		err = deny_bpf(f, allow);
	if (err == 0)
		err = deny_clone(f, allow);
	if (err == 0)
		err = add_arg(f, refuse, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI));
	if (err == 0)
		err = refuse_others(f, SCMP_SYS(socket), fam, n_fam, FAMILIES_MAX);
	return err;
}

static int allow_openat(scmp_filter_ctx f)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY));
}

static int allow_opening(scmp_filter_ctx f)
{
	static const char *const calls[] = { "openat2", "getdents64", "newfstatat", "fstatfs", "statfs", "readlinkat",
					     "readlink", "memfd_create", "ftruncate", "copy_file_range", "sendfile",
					     NULL };
	/* openat2() keeps its flags in memory that a filter cannot see; nothing that it has lets this process write. */
	int err = filter_add_names(f, SCMP_ACT_ALLOW, calls);

	return err < 0 ? err : allow_openat(f);
}

/* Threads, signals to itself, memory that is never executable. */
static int allow_with_arguments(scmp_filter_ctx f, pid_t self)
{
	const struct {
		int nr;
		struct scmp_arg_cmp cmp;
	} rows[] = {
		{ SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM) },
		{ SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
		{ SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)self) },
		{ SCMP_SYS(kill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)self) },
		{ SCMP_SYS(rt_tgsigqueueinfo), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)self) },
		{ SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME) },
		{ SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0) },	/* read only */
		{ SCMP_SYS(newfstatat), SCMP_A3(SCMP_CMP_EQ, AT_EMPTY_PATH) },	/* how libc spells fstat() */
		{ SCMP_SYS(socketpair), SCMP_A0(SCMP_CMP_EQ, AF_UNIX) },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && err == 0; i++)
		err = add_arg(f, SCMP_ACT_ALLOW, rows[i].nr, rows[i].cmp);
	return err;
}

static int allow_listening(scmp_filter_ctx f)
{
	int err = add_arg(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, SECCOMP_IOCTL_NOTIF_RECV));

	return err < 0 ? err : add_arg(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl),
				       SCMP_A1(SCMP_CMP_EQ, SECCOMP_IOCTL_NOTIF_SEND));
}

#ifdef AGENT_SAN
/* The sanitizers read /proc/self/maps for a report, and LeakSanitizer stops the threads at exit from a clone by ptrace:
 * with these refused it dies of a "fatal error" instead of reporting. */
static int allow_sanitizers(scmp_filter_ctx f)
{
	static const char *const calls[] = { "ptrace", "getdents64", "getdents", "readlink", "wait4", "clone",
					     "prctl", "mmap", "mprotect", "newfstatat", "prlimit64",
					     "tgkill", "kill", "ioctl", NULL };
	int err = filter_add_names(f, SCMP_ACT_ALLOW, calls);

	return err < 0 ? err : allow_openat(f);
}
#endif

/* Nothing but what is named. */
static int fill_strict(scmp_filter_ctx f, pid_t self, unsigned allow)
{
	int err = filter_add_names(f, SCMP_ACT_ALLOW, strict_allowed);

#ifdef AGENT_SAN
	if (err == 0)
		err = allow_sanitizers(f);
#endif
	if (err == 0)
		err = allow_with_arguments(f, self);
	if (err == 0 && (allow & RIGHTS_ALLOW_OPEN))
		err = allow_opening(f);
	if (err == 0 && (allow & RIGHTS_ALLOW_PERF))
		err = add_call(f, SCMP_ACT_ALLOW, SCMP_SYS(perf_event_open));
	if (err == 0 && (allow & RIGHTS_ALLOW_LISTEN))
		err = allow_listening(f);
	if (allow & RIGHTS_ALLOW_BPF_LOOKUP)
		for (size_t i = 0; i < ARRAY_SIZE(lookup_commands) && err == 0; i++)
			err = add_arg(f, SCMP_ACT_ALLOW, SCMP_SYS(bpf),
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)lookup_commands[i]));
	return err;
}

static int fill(scmp_filter_ctx f, pid_t self, void *arg)
{
	unsigned allow = *(unsigned *)arg;
	/* Its flags lie in memory, so it cannot be judged; libc then takes clone(). */
	int err = add_call(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3));

	if (err == 0)
		err = allow & RIGHTS_STRICT ? fill_strict(f, self, allow) : fill_denying(f, allow);
	return err;
}

int rights_filter(unsigned allow)
{
	static struct filter f;
	int err = filter_make(allow & RIGHTS_STRICT ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW, fill, &allow, &f);

	return err < 0 ? err : filter_install(&f);
}
