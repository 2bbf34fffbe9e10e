/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into every process of a private instance (/etc/ld.so.preload of a mount namespace: sandboxes have an empty
 * environment): makes one call of one kind of process fail, as order.h says, and notes crashes. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#include "order.h"

static struct sweep_order *order;
static pid_t self;
static enum sweep_kind kind = SWEEP_N_KINDS;
static __thread bool inside __attribute__((tls_model("initial-exec")));

static const char *const kind_names[] = {
#define X(name, binary, argument) #name,
	SWEEP_KINDS(X)
#undef X
};

/* ---- where ----------------------------------------------------------------------------------------------- */

struct frames {
	void *at[SWEEP_FRAMES];
	int n, skip;
};

static _Unwind_Reason_Code on_frame(struct _Unwind_Context *c, void *arg)
{
	struct frames *f = arg;

	if (f->skip-- > 0)
		return _URC_NO_REASON;
	if (f->n == SWEEP_FRAMES)
		return _URC_END_OF_STACK;
	f->at[f->n++] = (void *)_Unwind_GetIP(c);
	return _URC_NO_REASON;
}

static void get_frames(struct frames *f)
{
	*f = (struct frames){ .skip = 3 };
	_Unwind_Backtrace(on_frame, f);
}

static void tell_where(struct sweep_where *w, int number)
{
	struct frames f;

	get_frames(&f);
	w->pid = getpid();
	w->number = number;
	snprintf(w->kind, sizeof(w->kind), "%s", kind_names[kind]);
	for (int i = 0; i < f.n; i++) {
		const char *base;
		Dl_info info;

		if (!dladdr(f.at[i], &info))
			continue;
		base = strrchr(info.dli_fname, '/');
		snprintf(w->frames[i], sizeof(w->frames[i]), "%.40s+0x%lx", base ? base + 1 : info.dli_fname,
			 (unsigned long)((char *)f.at[i] - (char *)info.dli_fbase));
	}
}

static void note_site(enum sweep_call call, uint64_t n)
{
	uint32_t hash = 2166136261u;
	struct frames f;

	if (n > SWEEP_SITES)
		return;
	get_frames(&f);
	for (int i = 0; i < f.n; i++)
		hash = (hash ^ (uint32_t)(uintptr_t)f.at[i]) * 16777619u;
	order->sites[kind][call][n - 1] = hash;
}

static void on_crash(int number)
{
	uint32_t i;

	inside = true;
	/* A child that was only forked is there to contain a crash: who forked it says what comes of it. */
	if (getpid() == self && (i = __atomic_fetch_add(&order->n_crashes, 1, __ATOMIC_RELAXED)) < SWEEP_CRASHES)
		tell_where(&order->crashes[i], number);
	signal(number, SIG_DFL);
	raise(number);
}

/* ---- begin ----------------------------------------------------------------------------------------------- */

static enum sweep_kind kind_of(int argc, char **argv)
{
	static const char *const binaries[] = {
#define X(name, binary, argument) binary,
		SWEEP_KINDS(X)
#undef X
	}, *const arguments[] = {
#define X(name, binary, argument) argument,
		SWEEP_KINDS(X)
#undef X
	};
	const char *path = argc > 0 ? argv[0] : "", *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	for (int i = SWEEP_N_KINDS; i-- > 0;)
		if (!strcmp(base, binaries[i]) && (!*arguments[i] || (argc > 1 && !strcmp(argv[1], arguments[i]))))
			return i;
	return SWEEP_N_KINDS;
}

static void *map_order(void)
{
	char path[4096];
	Dl_info info;
	void *p;
	int fd;

	if (!dladdr(&order, &info) ||
	    snprintf(path, sizeof(path), "%s.order", info.dli_fname) >= (int)sizeof(path))
		return MAP_FAILED;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return MAP_FAILED;
	p = (void *)syscall(SYS_mmap, NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p;
}

__attribute__((constructor)) static void begin(int argc, char **argv)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	enum sweep_kind k = kind_of(argc, argv);
	struct sweep_order *o;
	struct frames warm_up;

	if (k == SWEEP_N_KINDS)
		return;
	o = map_order();
	if (o == MAP_FAILED || o->magic != SWEEP_MAGIC)
		return;
	get_frames(&warm_up);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], on_crash);
	self = getpid();
	kind = k;
	order = o;
}

/* ---- calls ----------------------------------------------------------------------------------------------- */

/* 0, or what this call fails with. */
static int count(enum sweep_call call)
{
	uint64_t n;
	int err = 0;

	if (!order || inside)
		return 0;
	inside = true;
	n = __atomic_add_fetch(&order->counts[kind][call], 1, __ATOMIC_RELAXED);
	if (order->by_site)
		note_site(call, n);
	if (order->armed && order->kind == kind && order->call == call && order->n == n &&
	    !__atomic_exchange_n(&order->fired, 1, __ATOMIC_RELAXED)) {
		err = (int)order->error;
		tell_where(&order->where, err);
	}
	inside = false;
	return err;
}

static int count_write(int fd)
{
	int before = errno, flags, err = 0;
	struct stat st;

	if (!order || inside)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		err = count(SWEEP_CALL_write);
	else if ((flags = fcntl(fd, F_GETFL)) >= 0 && !(flags & O_NONBLOCK))
		err = count(SWEEP_CALL_stream);
	errno = before;
	return err;
}

#define REAL(f) ({ static __typeof__(&f) real; if (!real) real = (__typeof__(&f))dlsym(RTLD_NEXT, #f); real; })
/* The errno that fails this call, else the real one's result. */
#define FAIL_OR(err, failed, call) ({ int e = (err); if (e) { errno = e; return failed; } (call); })

void *malloc(size_t size)
{
	return FAIL_OR(count(SWEEP_CALL_malloc), NULL, REAL(malloc)(size));
}

void *calloc(size_t n, size_t size)
{
	return FAIL_OR(count(SWEEP_CALL_malloc), NULL, REAL(calloc)(n, size));
}

void *realloc(void *p, size_t size)
{
	return FAIL_OR(count(SWEEP_CALL_malloc), NULL, REAL(realloc)(p, size));
}

void *reallocarray(void *p, size_t n, size_t size)
{
	return FAIL_OR(count(SWEEP_CALL_malloc), NULL, REAL(reallocarray)(p, n, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return FAIL_OR(count(SWEEP_CALL_malloc), NULL, REAL(aligned_alloc)(alignment, size));
}

int posix_memalign(void **p, size_t alignment, size_t size)
{
	int err = count(SWEEP_CALL_malloc);

	return err ? err : REAL(posix_memalign)(p, alignment, size);
}

void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	return FAIL_OR(count(SWEEP_CALL_mmap), MAP_FAILED, REAL(mmap)(addr, len, prot, flags, fd, offset));
}

void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return FAIL_OR(count(SWEEP_CALL_mmap), MAP_FAILED, REAL(mmap)(addr, len, prot, flags, fd, offset));
}

ssize_t write(int fd, const void *data, size_t len)
{
	return FAIL_OR(count_write(fd), -1, REAL(write)(fd, data, len));
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	return FAIL_OR(count_write(fd), -1, REAL(writev)(fd, v, n));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return FAIL_OR(count(SWEEP_CALL_pwrite), -1, REAL(pwrite)(fd, data, len, at));
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return FAIL_OR(count(SWEEP_CALL_pwrite), -1, REAL(pwrite)(fd, data, len, at));
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	return FAIL_OR(count(SWEEP_CALL_pwrite), -1, REAL(pwritev)(fd, v, n, at));
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
	return FAIL_OR(count(SWEEP_CALL_fallocate), -1, REAL(fallocate)(fd, mode, at, len));
}

int posix_fallocate(int fd, off_t at, off_t len)
{
	int err = count(SWEEP_CALL_fallocate);

	return err ? err : REAL(posix_fallocate)(fd, at, len);
}

int fsync(int fd)
{
	return FAIL_OR(count(SWEEP_CALL_fsync), -1, REAL(fsync)(fd));
}

int fdatasync(int fd)
{
	return FAIL_OR(count(SWEEP_CALL_fsync), -1, REAL(fdatasync)(fd));
}

int rename(const char *from, const char *to)
{
	return FAIL_OR(count(SWEEP_CALL_rename), -1, REAL(rename)(from, to));
}

int renameat(int a, const char *from, int b, const char *to)
{
	return FAIL_OR(count(SWEEP_CALL_rename), -1, REAL(renameat)(a, from, b, to));
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	return FAIL_OR(count(SWEEP_CALL_rename), -1, REAL(renameat2)(a, from, b, to, flags));
}

/* libbpf's way to bpf(). A call takes six arguments at most; those that it does not take are passed on as they lie. */
long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return FAIL_OR(number == SYS_bpf ? count(SWEEP_CALL_bpf) : 0, -1,
		       REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
