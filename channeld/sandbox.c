/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpf-sandbox FUNCTIONS MEMORY THREADS: loads a user's shared object and calls its functions for the records of the
 * batch area (abi/batch.h). Whoever gets control of this process has what the object has: a batch of records, and the
 * right to write nonsense about them. */
#include "sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "../abi/batch.h"
#include "../abi/processor.h"
#include "../common/base.h"

#define SO_PATH "/proc/self/fd/6"
_Static_assert(SANDBOX_FD_SO == 6, "SO_PATH says so");
#define STACK_SIZE (2u << 20)

struct sandbox {
	struct batch_area *area;
	char *inputs[2];		/* by enum batch_input */
	union {
		tracer_process_fn process;
		tracer_hash_fn hash;
		void *symbol;
	} functions[BATCH_MAX_FUNCTIONS];	/* those without a name: the first */
};

#ifdef AGENT_SAN
/* Looking for leaks needs ptrace. A crash shall look like one. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0";
}
#endif

static void ring(void)
{
	const uint64_t one = 1;

	(void)!write(SANDBOX_FD_DONE, &one, sizeof(one));
}

printf_like(2, 3) static int fail(struct batch_area *area, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(area->error, sizeof(area->error), fmt, ap);
	va_end(ap);
	__atomic_store_n(&area->ready, 2, __ATOMIC_RELEASE);
	ring();
	return EXIT_FAILURE;
}

static struct batch_area *map_area(void)
{
	struct stat st;
	void *area;

	if (fstat(SANDBOX_FD_BATCH, &st) < 0 || st.st_size < (off_t)BATCH_IN_OFFSET)
		return NULL;
	area = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, SANDBOX_FD_BATCH, 0);
	close(SANDBOX_FD_BATCH);
	return area == MAP_FAILED ? NULL : area;
}

/* NULL: there is none. Its length is the worker's affair. */
static char *map_file(void)
{
	struct stat st;
	void *file;

	if (fstat(SANDBOX_FD_FILE, &st) < 0 || st.st_size == 0)
		return NULL;
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, SANDBOX_FD_FILE, 0);
	return file == MAP_FAILED ? NULL : file;
}

static void await_request(void)
{
	struct pollfd p = { .fd = SANDBOX_FD_REQUEST, .events = POLLIN };
	uint64_t count;

	while (read(SANDBOX_FD_REQUEST, &count, sizeof(count)) < 0)
		(void)poll(&p, 1, -1);
}

static void run_row(struct sandbox *s, struct batch_row *row, struct tracer_call *call)
{
	if (row->hash != BATCH_NO_FUNCTION) {
		struct tracer_call own = *call;		/* whatever it leaves in it */

		row->key = s->functions[row->hash % BATCH_MAX_FUNCTIONS].hash(&own.ctx);
		call->ctx.err = own.ctx.err;
	}
	if (row->function != BATCH_NO_FUNCTION && call->ctx.err.code == 0)
		s->functions[row->function % BATCH_MAX_FUNCTIONS].process(&call->ctx);
}

static void run_batch(struct sandbox *s)
{
	struct batch_area *a = s->area;
	char *out = (char *)a + BATCH_IN_OFFSET + a->in_size;
	uint32_t seq = __atomic_load_n(&a->seq, __ATOMIC_ACQUIRE), n = MIN(a->n, (uint32_t)BATCH_MAX), used = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct batch_row *row = &a->rows[i];
		struct tracer_call call = {
			.ctx.ring.data = { s->inputs[row->input & 1] + row->in_off, row->in_len, row->in_len },
			.ctx.res.data = { out + used, a->out_room, a->out_room },
			.channel = a->channels[row->channel % BATCH_MAX_CHANNELS],
		};
		const struct tracer_ctx *ctx = &call.ctx;

		/* Release: when it is seen, the results of the rows before are seen as well. */
		__atomic_store_n(&a->in_flight, i + 1, __ATOMIC_RELEASE);
		run_row(s, row, &call);
		row->out_off = used;
		row->out_len = ctx->res.len;
		row->err = ctx->err.code;
		if (ctx->err.code == 0 && ctx->res.len <= a->out_room)
			used += ALIGN_UP(ctx->res.len, 8);
	}
	__atomic_store_n(&a->done_seq, seq, __ATOMIC_RELEASE);
	ring();
}

/* A thread of its own: on the main thread the Go runtime looks its stack up in /proc at each call. */
static void *run(void *arg)
{
	struct sandbox *s = arg;

	__atomic_store_n(&s->area->ready, 1, __ATOMIC_RELEASE);
	ring();
	for (;;) {
		await_request();
		run_batch(s);
	}
	return NULL;
}

static int drop_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0)
		return -errno;
	return 0;
}

/* Whatever its limits do not catch: when memory runs out, it is this process that the kernel ends. */
static void be_first_to_go(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, "1000", 4);
	close(fd);
}

/* Of threads that the object starts (the Go runtime: half a dozen). RLIMIT_DATA counts their stacks in full, used or
 * not, and by default they are as large as the main thread's may become. */
static void set_stack_size(void)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

/* Everything that goes is gone before the first instruction of the object runs. */
static int lock_up(struct batch_area *area, uint64_t memory, uint64_t threads)
{
	int r;

	signal(SIGTERM, SIG_IGN);	/* the worker says when it is over */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	be_first_to_go();
	set_stack_size();
	tzset();		/* its file is read now, and never again */
	r = sandbox_make_filter();
	if (r == 0)
		r = sandbox_catch_traps();
	if (r == 0)
		r = drop_caps();
	if (r == 0)
		r = sandbox_limit(memory, threads);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r < 0)
		return fail(area, "the sandbox could not be limited: %s", strerror(-r));
	r = sandbox_lock_files();
	if (r == -ENOSYS || r == -EOPNOTSUPP)
		snprintf(area->error, sizeof(area->error), "this kernel has no Landlock");
	else if (r < 0)
		return fail(area, "Landlock: %s", strerror(-r));
	r = sandbox_lock_calls();
	if (r == -EBUSY)
		return fail(area, "the system calls could not be filtered: somebody else answers those of all "
			    "processes here (a container's manager?), and there can be one only");
	return r < 0 ? fail(area, "the system calls could not be filtered: %s", strerror(-r)) : 0;
}

static int find_functions(struct sandbox *s, void *so, char *names)
{
	const char separator[] = { BATCH_SEPARATOR, '\0' };
	char *rest, *name = strtok_r(names, separator, &rest);
	size_t n = 0;

	for (; name; name = strtok_r(NULL, separator, &rest)) {
		if (n == BATCH_MAX_FUNCTIONS)
			return fail(s->area, "has more than %d functions to be called", BATCH_MAX_FUNCTIONS);
		s->functions[n].symbol = dlsym(so, name);
		if (!s->functions[n++].symbol)
			return fail(s->area, "has no function %s", name);
	}
	if (n == 0)
		return fail(s->area, "has no function to be called");
	for (size_t i = n; i < BATCH_MAX_FUNCTIONS; i++)
		s->functions[i] = s->functions[0];
	return 0;
}

/* The Go runtime starts in a thread of its own, which reads some files and is not through when dlopen() returns. What
 * every function that Go exports calls first waits for it (runtime/cgo/gcc_libinit.c). */
static void await_runtime(void *so)
{
	union {
		void *symbol;
		uintptr_t (*call)(void);
	} wait = { dlsym(so, "_cgo_wait_runtime_init_done") };

	if (wait.symbol)
		(void)wait.call();
}

static int load(struct sandbox *s, char *functions)
{
	void *so = dlopen(SO_PATH, RTLD_NOW | RTLD_LOCAL);
	const char *why;

	if (!so) {
		why = dlerror();
		if (!strncmp(why, SO_PATH ": ", strlen(SO_PATH ": ")))
			why += strlen(SO_PATH ": ");
		return fail(s->area, "cannot be loaded: %s", why);
	}
	if (find_functions(s, so, functions) != 0)
		return EXIT_FAILURE;
	await_runtime(so);
	close(SANDBOX_FD_SO);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return 0;
}

static int start(struct sandbox *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	r = pthread_create(&thread, &attr, run, s);
	if (r)
		return fail(s->area, "no thread: %s", strerror(r));
	pthread_join(thread, NULL);
	return EXIT_FAILURE;	/* the object ended the thread that called it */
}

int main(int argc, char **argv)
{
	static struct sandbox s;

	if (argc != 4) {
		fputs("ebpf-sandbox is started by ebpf-launcher and ebpf-load\n", stderr);
		return 2;
	}
	s.area = map_area();
	if (!s.area)
		return EXIT_FAILURE;
	s.inputs[BATCH_INPUT_AREA] = (char *)s.area + BATCH_IN_OFFSET;
	s.inputs[BATCH_INPUT_FILE] = map_file();
	syscall(SYS_close_range, SANDBOX_FD_FILE, ~0U, 0);
	/* _exit(): none of the object's destructors. */
	if (lock_up(s.area, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10)) != 0 || load(&s, argv[1]) != 0)
		_exit(EXIT_FAILURE);
	_exit(start(&s));
}
