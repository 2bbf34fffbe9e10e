/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "processor.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "../common/log.h"
#include "../common/batch.h"
#include "processor_child.h"

#define DEADLINE_MS     1000u
#define MEMORY          (256u << 20)
#define LOAD_MS         10000u	/* dlopen, constructors, a runtime's start */
#define KILL_MS         10000u	/* from SIGKILL to its end */
#define UNBLAMED_MAX    8u	/* SIGKILLs from others in a row and no record done: we give up, and lose nothing */
#define ARTIFACT_MAX    (256u << 20)
#define FUNCTION_DEFAULT_NAME "process"

struct processor {
	struct batch batch;
	struct processor_child child;
	char name[256];			/* program/item, for messages */
	char function[128];
	int so;				/* sealed memfd */
	uint64_t memory, deadline_ms, restarts;
	bool ready;			/* the present sandbox has loaded the processor */
	bool started;			/* one was started before */
	bool alone;			/* the record `first` was in flight when a sandbox died: next time alone */
	uint32_t first;			/* record of the batch that is next to be handed out */
	unsigned unblamed;
	char error[512];
};

/* What await() came back for. */
enum { AWAIT_RANG = 1, AWAIT_DIED, AWAIT_TIMEOUT };

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NSEC_PER_MSEC;
}

printf_like(3, 4) static int fail(struct processor *p, int err, const char *fmt, ...)
{
	size_t n = (size_t)snprintf(p->error, sizeof(p->error), "processor %s: ", p->name);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error + n, sizeof(p->error) - n, fmt, ap);
	va_end(ap);
	return err;
}

/* ---- the sandbox's life ---------------------------------------------------------------------------------------- */

static int start(struct processor *p)
{
	const int fds[] = { p->batch.fd, p->batch.request, p->batch.done, p->so };
	int r;

	p->ready = false;
	batch_reset(&p->batch);
	r = child_start(&p->child, p->function, p->memory, fds, ARRAY_SIZE(fds));
	if (r == -EUSERS)
		return fail(p, r, "no sandbox: every uid of the range is in use");
	if (r < 0)
		return fail(p, r, "no sandbox: %s", strerror(-r));
	p->restarts += p->started;
	p->started = true;
	return 0;
}

/* Until the sandbox rings, and with what the caller waits for; or dies; or @ms are over. */
static int await(struct processor *p, bool (*done)(const struct processor *), uint64_t ms)
{
	uint64_t until = now_ms() + ms;

	for (;;) {
		struct pollfd fds[] = { { .fd = p->batch.done, .events = POLLIN },
					{ .fd = p->child.conn, .events = POLLIN } };
		uint64_t now = now_ms();
		int r = poll(fds, 2, now < until ? (int)(until - now) : 0);

		if (r < 0 && errno != EINTR)
			return fail(p, -errno, "poll: %s", strerror(errno));
		if (r == 0)
			return AWAIT_TIMEOUT;
		if (r > 0 && fds[0].revents && batch_take_ring(&p->batch) && done(p))
			return AWAIT_RANG;
		if (r > 0 && fds[1].revents) {
			r = child_receive(&p->child);
			return r < 0 ? fail(p, r, "ebpf-launcher is gone: %s", strerror(-r)) : AWAIT_DIED;
		}
		/* Rung for nothing, again and again, by hostile code: time passes all the same. */
		if (now >= until)
			return AWAIT_TIMEOUT;
	}
}

static bool never(const struct processor *p)
{
	(void)p;
	return false;
}

static int put_down(struct processor *p)
{
	int r;

	if (!p->child.pid)
		return 0;
	r = child_kill(&p->child);
	if (r < 0)
		return fail(p, r, "ebpf-launcher is gone: %s", strerror(-r));
	r = await(p, never, KILL_MS);
	return r == AWAIT_TIMEOUT ? fail(p, -ETIMEDOUT, "its sandbox does not die") : r < 0 ? r : 0;
}

static bool loaded(const struct processor *p)
{
	return __atomic_load_n(&p->batch.area->ready, __ATOMIC_ACQUIRE) != 0;
}

/* What a sandbox wrote, fit for a log. */
static void copy_text(char *ret, const char *from, size_t size)
{
	memcpy(ret, from, size);
	ret[size - 1] = 0;
	for (char *c = ret; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

static int on_loaded(struct processor *p)
{
	struct batch_area *a = p->batch.area;
	char text[sizeof(a->error)];

	copy_text(text, a->error, sizeof(text));
	if (__atomic_load_n(&a->ready, __ATOMIC_RELAXED) != 1) {
		int r = put_down(p);

		return r < 0 ? r : fail(p, -ENOEXEC, "%s", text);
	}
	if (text[0] && p->restarts == 0)
		log_notice("the sandbox of processor %s is weaker here: %s", p->name, text);
	p->ready = true;
	return 0;
}

static int be_ready(struct processor *p)
{
	int r;

	while (!p->child.pid || !p->ready) {
		r = p->child.pid ? 0 : start(p);
		if (r == 0)
			r = await(p, loaded, LOAD_MS);
		if (r < 0)
			return r;
		if (r == AWAIT_RANG) {
			r = on_loaded(p);
			if (r < 0)
				return r;
		} else if (r == AWAIT_TIMEOUT) {
			r = put_down(p);
			return r < 0 ? r : fail(p, -ETIMEDOUT, "was not loaded within %u s", LOAD_MS / 1000);
		} else if (loaded(p) && p->batch.area->ready == 2) {	/* rang and ended: only its end was seen */
			return on_loaded(p);
		} else if (!child_died_of_others(&p->child) || ++p->unblamed >= UNBLAMED_MAX) {
			return fail(p, -ENOEXEC, "its process ended while it was being loaded (%s %d)",
				    p->child.signal ? "signal" : "status", p->child.signal ?: p->child.status);
		}
	}
	return 0;
}

/* ---- batches and blame ----------------------------------------------------------------------------------------- */

struct sink {
	void (*on_result)(void *arg, uint64_t cookie, enum spool_drop drop, const char *json, size_t len);
	void *arg;
};

static bool finished(const struct processor *p)
{
	return batch_finished(&p->batch);
}

static void hand_out(struct processor *p, uint32_t n, const struct sink *to)
{
	for (uint32_t i = 0; i < n; i++) {
		size_t len = 0;
		enum spool_drop drop = batch_result(&p->batch, i, &len);

		to->on_result(to->arg, p->batch.records[p->first + i].cookie, drop, len ? p->batch.result : NULL, len);
	}
	p->first += n;
}

/* The sandbox is dead, and the record `first` was in flight. */
static int settle(struct processor *p, int how, const struct sink *to)
{
	if (how == AWAIT_DIED && child_died_of_others(&p->child)) {
		if (++p->unblamed >= UNBLAMED_MAX)
			return fail(p, -EIO, "its process is killed from outside, again and again (out of memory?)");
		poll(NULL, 0, 1 << p->unblamed);
		return 0;
	}
	if (!p->alone) {
		p->alone = true;
		return 0;
	}
	to->on_result(to->arg, p->batch.records[p->first].cookie,
		      how == AWAIT_TIMEOUT ? SPOOL_DROP_SO_TIMEOUT : SPOOL_DROP_SO_CRASH, NULL, 0);
	p->first++;
	p->alone = false;
	return 0;
}

static int run_some(struct processor *p, const struct sink *to)
{
	uint32_t n = p->alone ? 1 : p->batch.n - p->first, through;
	int how, r = be_ready(p);

	if (r == 0)
		r = batch_submit(&p->batch, p->first, n);
	if (r < 0)
		return r;
	how = await(p, finished, p->deadline_ms);
	if (how < 0)
		return how;
	if (how == AWAIT_TIMEOUT) {
		r = put_down(p);
		if (r < 0)
			return r;
	}
	through = batch_through(&p->batch, n);
	hand_out(p, through, to);
	if (through > 0) {
		p->alone = false;
		p->unblamed = 0;
	}
	return through == n ? 0 : settle(p, how, to);
}

int processor_add(struct processor *p, const void *data, uint32_t len, uint64_t cookie)
{
	return batch_add(&p->batch, data, len, cookie);
}

int processor_run(struct processor *p, void (*on_result)(void *arg, uint64_t cookie, enum spool_drop drop,
							 const char *json, size_t len), void *arg)
{
	const struct sink to = { on_result, arg };

	p->error[0] = 0;
	while (p->first < p->batch.n) {
		int r = run_some(p, &to);

		if (r < 0)
			return r;
	}
	batch_clear(&p->batch);
	p->first = 0;
	return 0;
}

const char *processor_error(const struct processor *p)
{
	return p->error;
}

uint64_t processor_restarts(const struct processor *p)
{
	return p->restarts;
}

pid_t processor_pid(const struct processor *p)
{
	return p->child.pid;
}

/* ---- making one ------------------------------------------------------------------------------------------------ */

static const struct manifest_item *find_item(const struct manifest *m, const char *name)
{
	const struct manifest_item *items = m->items.items;

	for (size_t i = 0; i < m->items.n && name; i++)
		if (!strcmp(items[i].name, name))
			return &items[i];
	return NULL;
}

/* Executable where the kernel asks for it to be said (6.3 on). */
static int make_memfd(void)
{
	const unsigned exec = 0x10;	/* MFD_EXEC */
	int fd = memfd_create("ebpf-agent-processor", MFD_CLOEXEC | MFD_ALLOW_SEALING | exec);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("ebpf-agent-processor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd < 0 ? -errno : fd;
}

/* A copy that nobody can change any more, so that every sandbox gets the same bytes, and needs no path. */
static int copy_sealed(const char *path, int *ret)
{
	cleanup(closep) int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), to = -1;
	char buf[1 << 16];
	struct stat st;
	ssize_t n;

	if (from < 0 || fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > (off_t)ARTIFACT_MAX)
		return -EFBIG;
	to = make_memfd();
	if (to < 0)
		return to;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			return -ENOMEM;
	if (n < 0 || fcntl(to, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret = take_fd(&to);
	return 0;
}

static uint64_t env_number(const char *name, uint64_t def)
{
	const char *s = getenv(name);
	char *end;
	uint64_t v = s ? strtoull(s, &end, 10) : 0;

	return v && !*end && v <= INT64_MAX ? v : def;
}

static void processor_freep(struct processor **p)
{
	processor_free(*p);
}

int processor_new(const struct manifest *m, const struct manifest_route *route, int launcher_sock,
		  struct processor **ret, struct diag *d)
{
	const struct manifest_item *item = find_item(m, route->processor);
	const char *function = route->function ?: FUNCTION_DEFAULT_NAME;
	cleanup(processor_freep) struct processor *p = NULL;
	int r;

	if (!item || !item->artifact)
		return diag_fail(d, -EINVAL, m->file, 0, "no processor called %s in the manifest",
				 route->processor ?: "(null)");
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->so = p->child.conn = -1;
	p->memory = env_number(PROCESSOR_ENV_MEMORY, MEMORY);
	p->deadline_ms = MIN(env_number(PROCESSOR_ENV_DEADLINE, DEADLINE_MS), (uint64_t)3600000);
	snprintf(p->name, sizeof(p->name), "%s/%s", m->program ?: "", item->name);
	if ((size_t)snprintf(p->function, sizeof(p->function), "%s", function) >= sizeof(p->function))
		return diag_fail(d, -ENAMETOOLONG, m->file, 0, "the name of function %.64s… is too long", function);
	r = copy_sealed(item->artifact, &p->so);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s: %s", p->name, item->artifact, strerror(-r));
	r = batch_init(&p->batch);
	if (r == 0)
		r = child_connect(&p->child, launcher_sock);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s", p->name, strerror(-r));
	r = start(p);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "%s", p->error);
	*ret = take(p);
	return 0;
}

void processor_free(struct processor *p)
{
	if (!p)
		return;
	child_disconnect(&p->child);
	batch_fini(&p->batch);
	closep(&p->so);
	free(p);
}
