/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Tries what a processor must not do. The result is an object: attempt → errno, 0 if it worked; and, when it was
 * loaded, the same under "load.…". */
#define _GNU_SOURCE
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

void process(struct tracer_ctx *ctx);

static char before[4096];
static struct tracer_ctx at_load;

#define TRY(name, call)                                                                      \
	tracer_printf(ctx, "%s\"%s%s\":%d", ctx->res.len > 1 ? "," : "", prefix, name,   \
		      (call) >= 0 ? 0 : errno)

static void try_all(struct tracer_ctx *ctx, const char *prefix)
{
	char buf[64];
	struct iovec iov = { buf, sizeof(buf) };

	TRY("open_passwd", syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY));
	TRY("open_dir", syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY));
	TRY("create", syscall(SYS_openat, AT_FDCWD, "/tmp/ebpf-agent-attempt", O_WRONLY | O_CREAT, 0600));
	TRY("proc", syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY));
	TRY("unlink", syscall(SYS_unlinkat, AT_FDCWD, "/tmp/ebpf-agent-attempt", 0));
	TRY("memfd", syscall(SYS_memfd_create, "x", 0));
	TRY("socket_inet", socket(AF_INET, SOCK_STREAM, 0));
	TRY("socket_unix", socket(AF_UNIX, SOCK_STREAM, 0));
	TRY("bpf", syscall(SYS_bpf, 0, buf, sizeof(buf)));
	TRY("perf", syscall(SYS_perf_event_open, buf, 0, -1, -1, 0));
	TRY("ptrace", ptrace(PTRACE_ATTACH, getppid(), 0, 0));
	TRY("traceme", ptrace(PTRACE_TRACEME, 0, 0, 0));
	TRY("vm_readv", process_vm_readv(getppid(), &iov, 1, &iov, 1, 0));
	TRY("kill_parent", kill(getppid(), SIGKILL));
	TRY("kill_all", kill(-1, SIGKILL));
	TRY("kill_probe", kill(1, 0));
	TRY("tgkill_parent", syscall(SYS_tgkill, getppid(), getppid(), SIGTERM));
	TRY("tgkill_kill", syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL));
	TRY("tgkill_high", syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL + (1L << 32)));
	TRY("tgkill_own", syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), 0));
	TRY("sigqueue", syscall(SYS_rt_sigqueueinfo, getppid(), SIGTERM, buf));
	TRY("pidfd_open", syscall(SYS_pidfd_open, getppid(), 0));
	TRY("fork", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	TRY("clone_namespace", syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNS, 0, 0, 0, 0));
	TRY("clone3", syscall(SYS_clone3, buf, sizeof(buf)));
	TRY("unshare", unshare(CLONE_NEWUSER));
	TRY("exec", execl("/bin/true", "true", NULL));
	TRY("setuid", syscall(SYS_setresuid, 0, 0, 0));
	TRY("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	TRY("userfaultfd", syscall(SYS_userfaultfd, 0));
	TRY("io_uring", syscall(SYS_io_uring_setup, 1, buf));
	TRY("mount", syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
	TRY("setfl", fcntl(4, F_SETFL, 0));
	TRY("dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	TRY("rlimit", setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 4096, 4096 }));
	TRY("rlimit_cpu", setrlimit(RLIMIT_CPU, &(struct rlimit){ 1000, 1000 }));
	TRY("mmap_shared", mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	TRY("mmap_stack", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0) ==
	    MAP_FAILED ? -1 : 0);
	TRY("mmap_huge", mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) ==
	    MAP_FAILED ? -1 : 0);
	TRY("mremap", syscall(SYS_mremap, (uintptr_t)buf & ~4095UL, 4096, 1 << 30, MREMAP_MAYMOVE, 0));
	TRY("mlock", syscall(SYS_mlock, buf, sizeof(buf)));	/* a sanitizer has an mlock() of its own */
	TRY("truncate", ftruncate(3, 0));
	TRY("stat", syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", (char[256]){ 0 }, 0));
	TRY("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

__attribute__((constructor)) static void load(void)
{
	at_load.res.data = (struct tracer_slice){ before, sizeof(before), sizeof(before) };
	at_load.res.len = 1;	/* the brace */
	try_all(&at_load, "load.");
}

void process(struct tracer_ctx *ctx)
{
	tracer_printf(ctx, "{");
	try_all(ctx, "");
	tracer_printf(ctx, ",%.*s}", (int)at_load.res.len - 1, before + 1);
}
