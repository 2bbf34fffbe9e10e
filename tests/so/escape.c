/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A processor for tests/bpf/tick.bpf.c that tries to get out, or to do harm: event DEED * 20 + 10 does the deed of that
 * number (escape.h), all others are answered. A way out that is refused everywhere gives "refused". */
#define _GNU_SOURCE
#include "escape.h"
#include "tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "batch.h"

struct tick {
	uint64_t ts_ns, n;
};

/* Of this call. */
static struct tracer_ctx *ctx;
static const char *escaped;

#define TRY(call)                               \
	do {                                    \
		if ((call) >= 0)                \
			escaped = #call;        \
	} while (0)

static void *mmap_or_null(size_t size, int prot, int flags)
{
	void *at = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* The shared area begins some pages before the record. */
static struct batch_area *area(void)
{
	char *page = (char *)((uintptr_t)ctx->ring.data.data & ~4095UL);

	while (((struct batch_area *)page)->in_size != 1 << 20)
		page -= 4096;
	return (struct batch_area *)page;
}
#define AREA_BYTES (BATCH_IN_OFFSET + (1 << 20) + (4 << 20))	/* as much of it as is worth it */

static pthread_t start(void *(*run)(void *))
{
	pthread_t thread = 0;

	pthread_create(&thread, NULL, run, area());
	return thread;
}

/* ---- ways out -------------------------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void open_pins(void)
{
	union {
		struct {
			uint64_t path;
			uint32_t fd, flags;
		};
		char room[128];
	} attr = { .path = (uintptr_t)"/run/ebpf-agent/bpf/v1/program/escape/tick/map/ticks" };

	TRY(syscall(SYS_bpf, 7 /* BPF_OBJ_GET */, &attr, sizeof(attr)));
	TRY(open("/run/ebpf-agent/bpf", O_RDONLY | O_DIRECTORY));
	TRY(open("/run/ebpf-agent/spool/other.spool", O_RDWR));
	TRY(open("/sys/fs/bpf", O_RDONLY | O_DIRECTORY));
	TRY(open("/proc/self/mem", O_RDWR));
	TRY(open("/dev/shm", O_RDONLY | O_DIRECTORY));
}

static void open_files(void)
{
	TRY(open("/etc/passwd", O_RDONLY));
	TRY(open("/tmp/ebpf-agent-escaped", O_WRONLY | O_CREAT, 0666));
	TRY(open("/usr/lib", O_RDONLY | O_DIRECTORY));
	TRY(mkdir("/tmp/ebpf-agent-escaped", 0777));
	TRY(symlink("/etc/passwd", "/tmp/ebpf-agent-escaped"));
	TRY(syscall(SYS_memfd_create, "x", 0));
	TRY(syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", (uint64_t[3]){ 0 }, 24));
	TRY(syscall(SYS_open_by_handle_at, AT_FDCWD, (char[128]){ 0 }, O_RDONLY));
	TRY(syscall(SYS_io_uring_setup, 1, (char[128]){ 0 }));
	TRY(chdir("/"));
	TRY(ftruncate(3, 0));
}

static void call_bpf(void)
{
	char attr[128] = "";

	for (int command = 0; command < 64; command++)
		TRY(syscall(SYS_bpf, command, attr, sizeof(attr)));
	TRY(syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
	TRY(syscall(SYS_userfaultfd, 0));
}

static void open_sockets(void)
{
	for (int family = 1; family < 46; family++)
		TRY(socket(family, SOCK_STREAM, 0));
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }));
	for (int fd = 0; fd < 16; fd++)
		TRY(recvmsg(fd, &(struct msghdr){ 0 }, MSG_DONTWAIT));
}

static void signal_others(void)
{
	int parent = getppid();

	for (int pid = parent > 32 ? parent - 32 : 2; pid < parent + 64; pid++) {
		if (pid == getpid())
			continue;
		TRY(kill(pid, SIGKILL));
		TRY(syscall(SYS_tgkill, pid, pid, SIGKILL));
		TRY(syscall(SYS_tkill, pid, SIGKILL));
		TRY(syscall(SYS_rt_sigqueueinfo, pid, SIGKILL, (char[128]){ 0 }));
		TRY(syscall(SYS_pidfd_open, pid, 0));
	}
	TRY(kill(-1, SIGKILL));
	TRY(kill(0, SIGKILL));
	TRY(syscall(SYS_pidfd_send_signal, 0, SIGKILL, NULL, 0));
}

static void trace_others(void)
{
	char buf[64];
	struct iovec iov = { buf, sizeof(buf) };
	int parent = getppid();

	TRY(ptrace(PTRACE_TRACEME, 0, 0, 0));
	for (int pid = parent > 32 ? parent - 32 : 2; pid < parent + 64; pid++) {
		TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
		TRY(ptrace(PTRACE_SEIZE, pid, 0, 0));
		TRY(process_vm_readv(pid, &iov, 1, &iov, 1, 0));
		TRY(process_vm_writev(pid, &iov, 1, &iov, 1, 0));
		TRY(syscall(SYS_kcmp, pid, getpid(), 0, 0, 0));
		TRY(syscall(SYS_sched_setaffinity, pid, 8, (uint64_t[1]){ 1 }));
		TRY(setpriority(PRIO_PROCESS, pid, 19));
	}
}

static void fork_and_exec(void)
{
	TRY(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	TRY(syscall(SYS_clone, CLONE_VM | CLONE_PARENT | SIGCHLD, 0, 0, 0, 0));
	TRY(syscall(SYS_clone3, (char[88]){ 0 }, 88));
#ifdef SYS_fork
	TRY(syscall(SYS_fork));
	TRY(syscall(SYS_vfork));
#endif
	TRY(execl("/bin/true", "true", NULL));
	TRY(syscall(SYS_execveat, 0, "", (char *[]){ "x", NULL }, (char *[]){ NULL }, AT_EMPTY_PATH));
}

static void take_rights(void)
{
	TRY(setuid(0));
	TRY(setgid(0));
	TRY(syscall(SYS_capset, (uint32_t[2]){ 0x20080522, 0 }, (uint32_t[6]){ ~0u, ~0u }));
	TRY(unshare(CLONE_NEWUSER));
	TRY(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
	TRY(syscall(SYS_seccomp, 0, 0, NULL));
	TRY(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	TRY(prctl(PR_SET_PTRACER, -1, 0, 0, 0));
	TRY(setrlimit(RLIMIT_DATA, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }));
	TRY(setrlimit(RLIMIT_CPU, &(struct rlimit){ 1, 1 }));
	TRY(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	TRY(syscall(SYS_personality, 0x0040000));
	TRY(fcntl(4, F_SETFL, 0));
	TRY(syscall(SYS_setsid));
}

/* What would look as if somebody else had done it. */
static void kill_itself(void)
{
	TRY(kill(getpid(), SIGKILL));
	TRY(syscall(SYS_tgkill, getpid(), gettid(), SIGKILL));
	TRY(syscall(SYS_tgkill, getpid(), gettid(), (1L << 32) + SIGKILL));
}

/* Memory that a limit of private writable memory does not count. */
static void reserve_memory(void)
{
	if (mmap_or_null(1UL << 40, PROT_READ, MAP_PRIVATE | MAP_NORESERVE))	/* page tables: 2 GiB */
		escaped = "mmap(1 TiB)";
	if (mmap_or_null(4096, PROT_READ | PROT_WRITE, MAP_SHARED))
		escaped = "mmap(shared)";
	if (mmap_or_null(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_GROWSDOWN))
		escaped = "mmap(stack)";
	if (mmap_or_null(1UL << 30, PROT_READ | PROT_WRITE, 8 /* MAP_DROPPABLE */))
		escaped = "mmap(droppable)";
	TRY(mlockall(MCL_CURRENT | MCL_FUTURE));
	TRY(syscall(SYS_shmget, 0, 4096, 01777));
	if (mremap((void *)((uintptr_t)&ctx & ~4095UL), 4096, 1 << 30, MREMAP_MAYMOVE) != MAP_FAILED)
		escaped = "mremap";
}

/* ---- ends ------------------------------------------------------------------------------------------------ */

static volatile int *volatile nowhere = (int *)16;
static volatile int zero;

static void segfault(void)
{
	*nowhere = 1;
}

static int deeper(volatile char *before)
{
	volatile char frame[4096];

	frame[0] = before ? before[0] : 0;
	return zero ? 0 : deeper(frame) + frame[0];
}

static void overflow_stack(void)
{
	deeper(NULL);
}

static void divide_by_zero(void)
{
#ifdef __x86_64__
	zero = 1000 / zero;
#else
	raise(SIGFPE);
#endif
}

static void illegal_instruction(void)
{
	__builtin_trap();
}

static void jump_nowhere(void)
{
	jmp_buf where;

	memset(&where, 0x5a, sizeof(where));
	longjmp(where, 1);
}

static void call_abort(void)
{
	abort();
}

static void call_exit(void)
{
	exit(0);
}

static void call_exit_quickly(void)
{
	_exit(42);
}

static void end_thread(void)
{
	pthread_exit(NULL);
}

static void end_thread_by_syscall(void)
{
	syscall(SYS_exit, 0);
}

static void fill_memory(void)
{
	for (void *p; (p = malloc(1 << 20));)
		memset(p, 1, 1 << 20);
	abort();
}

static void loop(void)
{
	for (;;)
		__asm__ volatile("");
}

static void loop_deaf(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (int sig = 1; sig < 65; sig++)
		signal(sig, SIG_IGN);
	loop();
}

static void on_fault(int sig)
{
	(void)sig;
}

static void fault_for_ever(void)
{
	signal(SIGSEGV, on_fault);
	*nowhere = 1;
}

static void stop_itself(void)
{
	raise(SIGSTOP);
}

/* ---- nonsense -------------------------------------------------------------------------------------------- */

static void say(const char *text, size_t len)
{
	memcpy(ctx->res.data.data, text, len);
	ctx->res.len = (uint32_t)len;
}
#define SAY(text) say(text, sizeof(text) - 1)

static void say_garbage(void)
{
	for (int i = 0; i < 1000; i++)
		((char *)ctx->res.data.data)[i] = (char)rand();
	ctx->res.len = 1000;
}

static void say_half(void)
{
	SAY("{\"a\":[1,2,{\"b\":\"c\"}]");
}

static void say_bad_utf8(void)
{
	SAY("{\"a\":\"\xc3\x28\xf4\x90\x80\x80\"}");
}

static void say_carriage_return(void)
{
	SAY("{\"a\":\"x\ry\"}");
}

static void say_line_feed(void)
{
	SAY("{\"a\":\"x\n{\\\"program\\\":\\\"other\\\"}\ny\"}");
}

static void say_nul(void)
{
	SAY("{\"a\":\"x\0y\"}");
}

static void fill_with_text(size_t len)
{
	memset(ctx->res.data.data, 'x', len);
	((char *)ctx->res.data.data)[0] = ((char *)ctx->res.data.data)[len - 1] = '"';
	ctx->res.len = (uint32_t)len;
}

static void say_much(void)
{
	fill_with_text(50000);
}

static void say_too_much(void)
{
	fill_with_text((size_t)ctx->res.data.cap);
	ctx->res.len++;
}

static void claim_too_much(void)
{
	ctx->res.len = UINT32_MAX;
}

static void trash_context(void)
{
	memset(ctx, 0xff, sizeof(*ctx));
	ctx->res.len = 16;
	ctx->err.code = 0;
	ctx->res.data.data = (void *)8;
}

static void say_nothing(void)
{
	ctx->res.len = 0;
}

static void fail(void)
{
	ctx->err.code = INT32_MIN;
}

/* ---- the shared memory and what rings -------------------------------------------------------------------- */

static void fill_eventfds(void)
{
	for (int fd = 3; fd < 64; fd++)
		(void)!write(fd, &(uint64_t){ UINT64_MAX - 1 }, 8);
}

static void close_all(void)
{
	for (int fd = 0; fd < 64; fd++)
		close(fd);
}

static void *rest(void *arg)
{
	for (;;)
		poll(NULL, 0, -1);
	return arg;
}

static void many_threads(void)
{
	while (start(rest))
		;
}

static void scribble_all(void)
{
	char *a = (char *)area();
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < AREA_BYTES; i += 8) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		memcpy(a + i, &x, 8);
	}
}

static void scribble_rows(void)
{
	memset(area()->rows, 0xff, sizeof(area()->rows));
	area()->n = UINT32_MAX;
	area()->out_size = UINT64_MAX;
	area()->out_room = UINT32_MAX;
}

static void blame_another(void)
{
	area()->in_flight = 1;
	segfault();
}

static void claim_done(void)
{
	area()->done_seq = area()->seq;
	(void)!write(5, &(uint64_t){ 1 }, 8);
	loop();
}

static void claim_not_loaded(void)
{
	struct batch_area *a = area();

	memset(a->error, 'x', sizeof(a->error));
	a->ready = 2;
	(void)!write(5, &(uint64_t){ 1 }, 8);
	segfault();
}

/* Lengths and places that are right at one moment and not at the next, while the worker reads them. */
static void *flip(void *arg)
{
	struct batch_area *a = arg;

	for (uint32_t i = 0;; i++)
		for (size_t k = 0; k < BATCH_MAX; k++) {
			volatile struct batch_row *row = &a->rows[k];

			row->out_len = i & 1 ? 10 : UINT32_MAX - i;
			row->out_off = i & 2 ? 0 : UINT32_MAX - 8 * i;
			row->err = 0;
		}
	return NULL;
}

static void change_lengths_after_check(void)
{
	start(flip);
}

static void *scribble(void *arg)
{
	volatile uint64_t *a = arg;

	for (uint64_t x = 1;; x = x * 6364136223846793005ULL + 1) {
		a[(x >> 33) % (BATCH_IN_OFFSET / 8)] = x;
		if (x >> 60 == 0)
			(void)!write(5, &(uint64_t){ 1 }, 8);
	}
	return NULL;
}

static void scribble_at_any_time(void)
{
	start(scribble);
}

/* ---------------------------------------------------------------------------------------------------------- */

static void (*const deeds[])(void) = {
#define X(name, outcome, told) name,
	DEEDS(X)
#undef X
};

TRACER_EXPORT void process(struct tracer_ctx *c)
{
	const struct tick *t = c->ring.data.data;
	uint64_t n = t->n, deed = n / 20;

	ctx = c;
	escaped = NULL;
	tracer_printf(c, "{\"n\":%llu}", (unsigned long long)n);
	if (n % 20 != 10 || deed >= sizeof(deeds) / sizeof(*deeds))
		return;
	deeds[deed]();
	if (escaped) {
		c->res.len = 0;
		tracer_printf(c, "{\"n\":%llu,\"escaped\":\"%s\"}", (unsigned long long)n, escaped);
	}
}

TRACER_EXPORT void honest(struct tracer_ctx *c)
{
	const struct tick *t = c->ring.data.data;

	tracer_printf(c, "{\"n\":%llu}", (unsigned long long)t->n);
}
