/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "processor.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../common/log.h"
#include "../common/program.h"
#include "clock.h"
#include "launcher.h"
#include "processor_child.h"
#include "processor_health.h"
#include "sealed.h"

#define LOAD_MS         10000u	/* dlopen, constructors, a runtime's start */
#define KILL_MS         10000u	/* from SIGKILL to its end */
#define UNBLAMED_MAX    8u	/* SIGKILLs from others in a row and no record done: we wait, and lose nothing */
#define WAIT_MAX_NS     NSEC_PER_SEC	/* between tries of what is nobody's fault here */
#define BACKGROUND_MAX  3u	/* seconds in a row with too much of it */
#define ARTIFACT_MAX    (256u << 20)
#define INITFILE_MAX    (256u << 20)
#define FUNCTION_DEFAULT_NAME "process"

struct processor {
	struct batch batch;
	struct processor_child child;
	char name[256];			/* program/item, for messages */
	char functions[LAUNCHER_FUNCTIONS_MAX];	/* names, by BATCH_SEPARATOR */
	uint16_t inits[BATCH_MAX_FUNCTIONS], n_inits;	/* called in each new sandbox */
	int so, file;			/* sealed memfds; file: the initfile, -1: none */
	uint32_t file_len;
	const struct processor_limits *limits;
	struct processor_row own_row;	/* if nobody wants to know */
	struct health health;
	uint64_t restarts;
	bool ready;			/* the present sandbox has loaded the processor */
	bool started;			/* one was started before */
	bool alone;			/* the record `first` was in flight when a sandbox died: next time alone */
	uint32_t first;			/* record of the batch that is next to be handed out */
	unsigned unblamed, tries;	/* in a row: SIGKILLs from others; starts that failed by nobody's fault */
	char how[128];			/* the last sandbox ended */
	struct {
		uint64_t mark_ns;	/* the sandbox's CPU time at the end of the last batch */
		uint64_t used_ns;	/* of it between batches, since the last look */
		uint64_t looked_ns;
		unsigned over;		/* looks in a row that found too much */
	} background;
	char error[512];
};

/* What await() came back for. */
enum { AWAIT_RANG = 1, AWAIT_DIED, AWAIT_TIMEOUT };

static uint64_t now_ms(void)
{
	return clock_monotonic() / NSEC_PER_MSEC;
}

/* Of all threads of @pid; 0: it is gone. */
static uint64_t cpu_time(pid_t pid)
{
	clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2);	/* as clock_getcpuclockid(3) makes it */
	struct timespec ts;

	if (!pid || clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
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

/* Nobody's fault here: an error that passes, or not, and blames no record. */
static int put_off(struct processor *p, int err)
{
	uint64_t ns = NSEC_PER_MSEC << p->tries;

	if (ns < WAIT_MAX_NS)
		p->tries++;
	health_wait(&p->health, p->error, clock_monotonic(), MIN(ns, (uint64_t)WAIT_MAX_NS));
	return err;
}

/* ---- the sandbox's life ---------------------------------------------------------------------------------------- */

static int start(struct processor *p)
{
	const int fds[] = { p->batch.fd, p->batch.request, p->batch.done, p->so, p->file };
	int r;

	p->ready = false;
	batch_reset(&p->batch);
	r = child_start(&p->child, p->functions, p->limits->memory, fds, ARRAY_SIZE(fds) - (p->file < 0));
	if (r == -EUSERS)
		return put_off(p, fail(p, r, "no sandbox: every uid of the range is in use"));
	if (r < 0)
		return put_off(p, fail(p, r, "no sandbox: %s", strerror(-r)));
	health_starting(&p->health, p->child.pid, p->child.uid);
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
			return r < 0 ? put_off(p, fail(p, r, "ebpf-launcher is gone: %s", strerror(-r))) : AWAIT_DIED;
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
		return put_off(p, fail(p, r, "ebpf-launcher is gone: %s", strerror(-r)));
	r = await(p, never, KILL_MS);
	return r == AWAIT_TIMEOUT ? put_off(p, fail(p, -ETIMEDOUT, "its sandbox does not die")) : r < 0 ? r : 0;
}

/* How its sandbox ended, by itself. */
static const char *describe_end(struct processor *p)
{
	const char *name = p->child.signal ? sigabbrev_np(p->child.signal) : NULL;

	if (p->child.signal)
		snprintf(p->how, sizeof(p->how), "killed by signal %d%s%s%s", p->child.signal, name ? " (SIG" : "",
			 name ?: "", name ? ")" : "");
	else
		snprintf(p->how, sizeof(p->how), "ended with status %d", p->child.status);
	return p->how;
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

/* Its own fault: the error stands in p->error, and counts. */
static int not_loaded(struct processor *p, int err)
{
	const char *why = p->error + strlen("processor ") + strlen(p->name) + strlen(": ");

	health_ended(&p->health, why, true);
	health_judge(&p->health, clock_monotonic());
	return err;
}

/* Its sandbox died before it was ready. 0: try again. */
static int died_early(struct processor *p)
{
	if (child_died_of_others(&p->child)) {
		health_ended(&p->health, describe_end(p), false);
		if (++p->unblamed < UNBLAMED_MAX)
			return 0;
		return put_off(p, fail(p, -EIO, "its process is killed from outside, again and again"));
	}
	return not_loaded(p, fail(p, -ENOEXEC, "died while it was being loaded: %s", describe_end(p)));
}

static bool finished(const struct processor *p)
{
	return batch_finished(&p->batch);
}

static int call_init(struct processor *p, uint16_t function)
{
	int how = batch_submit_file(&p->batch, function, p->file_len), r;
	int32_t code;
	size_t len;

	if (how == 0)
		how = await(p, finished, LOAD_MS);
	if (how == AWAIT_DIED)
		return died_early(p);
	if (how == AWAIT_RANG) {
		(void)batch_copy(&p->batch, 0, &code, &len);
		if (code == 0)
			return 0;
	}
	r = how < 0 ? how : put_down(p);
	if (r < 0)
		return r;
	if (how == AWAIT_TIMEOUT)
		return not_loaded(p, fail(p, -ETIMEDOUT, "its init function did not end within %u s", LOAD_MS / 1000));
	return not_loaded(p, fail(p, -ENOEXEC, "its init function failed with code %d", code));
}

static int on_loaded(struct processor *p)
{
	struct batch_area *a = p->batch.area;
	char text[sizeof(a->error)];

	copy_text(text, a->error, sizeof(text));
	if (__atomic_load_n(&a->ready, __ATOMIC_RELAXED) != 1) {
		int r = put_down(p);

		return r < 0 ? r : not_loaded(p, fail(p, -ENOEXEC, "%s", text));
	}
	if (text[0] && p->restarts == 0)
		log_notice("the sandbox of processor %s is weaker here: %s", p->name, text);
	for (uint16_t i = 0; i < p->n_inits; i++) {
		int r = call_init(p, p->inits[i]);

		if (r < 0 || !p->child.pid)
			return r;
	}
	p->ready = true;
	p->tries = 0;
	p->background.mark_ns = cpu_time(p->child.pid);
	health_running(&p->health);
	return 0;
}

/* It ended before it was ready. 0: try again. */
static int on_ended_early(struct processor *p)
{
	/* It rang and ended, and only its end was seen. */
	if (__atomic_load_n(&p->batch.area->ready, __ATOMIC_ACQUIRE) == 2)
		return on_loaded(p);
	return died_early(p);
}

static int be_ready(struct processor *p)
{
	int r;

	while (!p->child.pid || !p->ready) {
		if (!p->child.pid && health_due(&p->health, clock_monotonic()))
			return -EAGAIN;
		r = p->child.pid ? 0 : start(p);
		if (r == 0)
			r = await(p, loaded, LOAD_MS);
		if (r == AWAIT_RANG) {
			r = on_loaded(p);
		} else if (r == AWAIT_TIMEOUT) {
			r = put_down(p);
			if (r == 0)
				r = not_loaded(p, fail(p, -ETIMEDOUT, "was not loaded within %u s", LOAD_MS / 1000));
		} else if (r == AWAIT_DIED) {
			r = on_ended_early(p);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- batches and blame ----------------------------------------------------------------------------------------- */

struct sink {
	processor_on_result *on_result;
	void *arg;
};

static void hand_out(struct processor *p, uint32_t n, const struct sink *to)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct batch_record *rec = &p->batch.records[p->first + i];
		size_t len = 0;
		uint64_t key;
		enum spool_drop drop = batch_result(&p->batch, i, &len);
		bool keyed = rec->call.hash != BATCH_NO_FUNCTION && batch_key(&p->batch, i, &key);

		to->on_result(to->arg, rec->cookie, drop, len ? p->batch.result : NULL, len, keyed ? &key : NULL);
	}
	p->first += n;
}

/* The sandbox is dead, and the record `first` was in flight. */
static int settle(struct processor *p, int how, const struct sink *to)
{
	if (how == AWAIT_DIED && child_died_of_others(&p->child)) {
		health_ended(&p->health, describe_end(p), false);
		if (++p->unblamed >= UNBLAMED_MAX)
			return put_off(p, fail(p, -EIO, "its process is killed from outside, again and again (out of "
					       "memory?)"));
		poll(NULL, 0, 1 << p->unblamed);
		return 0;
	}
	if (how == AWAIT_TIMEOUT)
		snprintf(p->how, sizeof(p->how), "no answer within %llu ms",
			 (unsigned long long)(p->limits->deadline_ns / NSEC_PER_MSEC));
	else
		describe_end(p);
	health_ended(&p->health, p->how, true);
	if (!p->alone) {
		p->alone = true;
		return 0;
	}
	to->on_result(to->arg, p->batch.records[p->first].cookie,
		      how == AWAIT_TIMEOUT ? SPOOL_DROP_SO_TIMEOUT : SPOOL_DROP_SO_CRASH, p->how, strlen(p->how), NULL);
	p->first++;
	p->alone = false;
	health_judge(&p->health, clock_monotonic());
	return 0;
}

/* Takes note of what it used since the last batch; a batch begins, or somebody looks. */
static void count_background(struct processor *p)
{
	uint64_t used = cpu_time(p->child.pid);

	if (used > p->background.mark_ns)
		p->background.used_ns += used - p->background.mark_ns;
	p->background.mark_ns = used;
}

static int run_some(struct processor *p, const struct sink *to)
{
	uint32_t n = p->alone ? 1 : p->batch.n - p->first, through;
	int how, r = be_ready(p);

	if (r == 0) {
		count_background(p);
		r = batch_submit(&p->batch, p->first, n);
	}
	if (r < 0)
		return r;
	how = await(p, finished, p->limits->deadline_ns / NSEC_PER_MSEC);
	if (how < 0)
		return how;
	if (how == AWAIT_TIMEOUT) {
		r = put_down(p);
		if (r < 0)
			return r;
	}
	p->background.mark_ns = cpu_time(p->child.pid);
	through = batch_through(&p->batch, n);
	hand_out(p, through, to);
	if (through > 0) {
		p->alone = false;
		p->unblamed = 0;
		health_good(&p->health);
	}
	return through == n ? 0 : settle(p, how, to);
}

/* Counted without a try. */
static void give_up_rest(struct processor *p, const struct sink *to)
{
	for (; p->first < p->batch.n; p->first++)
		to->on_result(to->arg, p->batch.records[p->first].cookie, SPOOL_DROP_SO_CRASH, NULL, 0, NULL);
	p->alone = false;
}

int processor_add(struct processor *p, const struct batch_call *call, const void *data, uint32_t len, uint64_t cookie)
{
	return batch_add(&p->batch, call, data, len, cookie);
}

int processor_run(struct processor *p, processor_on_result *on_result, void *arg)
{
	const struct sink to = { on_result, arg };

	p->error[0] = 0;
	while (p->first < p->batch.n) {
		int r;

		if (health_failed(&p->health, clock_monotonic())) {
			give_up_rest(p, &to);
			break;
		}
		r = run_some(p, &to);
		if (r < 0 && !health_failed(&p->health, clock_monotonic()))
			return r;
	}
	batch_clear(&p->batch);
	p->first = 0;
	return 0;
}

int processor_wait_ms(const struct processor *p)
{
	uint64_t ms = health_due(&p->health, clock_monotonic()) / NSEC_PER_MSEC + 1;

	return (int)MIN(ms, WAIT_MAX_NS / NSEC_PER_MSEC);
}

void processor_look(struct processor *p, uint64_t now)
{
	uint64_t elapsed = now - p->background.looked_ns, used = p->background.used_ns;

	if (!p->child.pid || !p->ready)
		return;
	count_background(p);
	used = p->background.used_ns;
	p->background.used_ns = 0;
	p->background.looked_ns = now;
	if (elapsed < NSEC_PER_SEC / 2 || elapsed > 10 * NSEC_PER_SEC)
		return;		/* no second that could be judged */
	used = used * NSEC_PER_SEC / elapsed;
	p->background.over = used > p->limits->background_ns ? p->background.over + 1 : 0;
	if (p->background.over < BACKGROUND_MAX || put_down(p) < 0)
		return;
	p->background.over = 0;
	snprintf(p->how, sizeof(p->how), "its threads used %llu ms of CPU time per second between batches",
		 (unsigned long long)(used / NSEC_PER_MSEC));
	health_ended(&p->health, p->how, true);
	health_fail(&p->health, p->how, now);
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

/* The place of @name among the names, UINT16_MAX: it is not one of them. */
static uint16_t number_of(const char *names, const char *name)
{
	size_t len = strlen(name);
	uint16_t n = 0;

	for (const char *s = names; *s; n++) {
		size_t this = strcspn(s, (const char[]){ BATCH_SEPARATOR, '\0' });

		if (this == len && memcmp(s, name, len) == 0)
			return n;
		s += this + (s[this] == BATCH_SEPARATOR);
	}
	return UINT16_MAX;
}

uint16_t processor_function(const struct processor *p, const char *name)
{
	return number_of(p->functions, name);
}

/* Behind those that are there already. -ENAMETOOLONG. */
static int add_function(struct processor *p, const char *name)
{
	size_t used = strlen(p->functions), room = sizeof(p->functions) - used;

	if (number_of(p->functions, name) != UINT16_MAX)
		return 0;
	if ((size_t)snprintf(p->functions + used, room, "%s%s", used ? (const char[]){ BATCH_SEPARATOR, '\0' } : "",
			     name) < room)
		return 0;
	p->functions[used] = '\0';
	return -ENAMETOOLONG;
}

/* All that routes of the manifest ask of @item. */
static int add_functions(struct processor *p, const struct manifest *m, const char *item)
{
	const struct manifest_route *routes = m->routes.items;
	int err = 0;

	for (size_t i = 0; i < m->routes.n && err == 0; i++) {
		if (routes[i].processor && !strcmp(routes[i].processor, item))
			err = add_function(p, routes[i].function ?: FUNCTION_DEFAULT_NAME);
		if (err == 0 && routes[i].hash_item && !strcmp(routes[i].hash_item, item))
			err = add_function(p, routes[i].hash_function);
	}
	return err;
}

/* Those of type init, which come with each new sandbox, and the file that they are handed. */
static int add_inits(struct processor *p, const struct manifest_item *item)
{
	const struct manifest_function *f = item->functions.items;
	struct stat st;
	int r = 0;

	for (size_t i = 0; i < item->functions.n && r == 0 && p->n_inits < ARRAY_SIZE(p->inits); i++) {
		if (f[i].type != FUNCTION_INIT)
			continue;
		r = add_function(p, f[i].name);
		p->inits[p->n_inits++] = processor_function(p, f[i].name);
	}
	if (r < 0 || p->n_inits == 0 || !item->initfile_artifact)
		return r;
	r = sealed_copy(item->initfile_artifact, INITFILE_MAX, &p->file);
	if (r == 0 && fstat(p->file, &st) < 0)
		r = -errno;
	if (r == 0)
		p->file_len = (uint32_t)st.st_size;
	return r;
}

static void processor_freep(struct processor **p)
{
	processor_free(*p);
}

int processor_new(const struct manifest *m, const char *name, int launcher_sock, const struct processor_limits *limits,
		  struct processor_row *row, struct processor **ret, struct diag *d)
{
	const struct manifest_item *item = find_item(m, name);
	cleanup(processor_freep) struct processor *p = NULL;
	int r;

	if (!item || !item->artifact)
		return diag_fail(d, -EINVAL, m->file, 0, "no processor called %s in the manifest", name ?: "(null)");
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->so = p->file = p->child.conn = -1;
	p->limits = limits ?: &processor_default_limits;
	p->health = (struct health){ p->limits, row ?: &p->own_row, p->name };
	p->health.row->used = 1;
	snprintf(p->name, sizeof(p->name), "%s/%s", m->program ?: "", item->name);
	r = add_functions(p, m, item->name);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: the names of its functions are too long together",
				 p->name);
	r = add_inits(p, item);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s: %s", p->name,
				 item->initfile_artifact ?: "its init functions", strerror(-r));
	r = sealed_copy(item->artifact, ARTIFACT_MAX, &p->so);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s: %s", p->name, item->artifact, strerror(-r));
	r = batch_init(&p->batch);
	for (size_t i = 0; i < MIN(m->channels.n, (size_t)BATCH_MAX_CHANNELS); i++)
		p->batch.channels[i] = ((const struct manifest_channel *)m->channels.items)[i].name;
	if (r == 0)
		r = child_connect(&p->child, launcher_sock);
	if (r < 0)
		return diag_fail(d, r, m->file, 0, "processor %s: %s", p->name, strerror(-r));
	if (!health_due(&p->health, clock_monotonic()))
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
	closep(&p->file);
	free(p);
}
