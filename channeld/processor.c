/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches, and who is to blame for what becomes of them. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "clock.h"
#include "processor_private.h"

#define BACKGROUND_MAX 3u	/* seconds in a row with too much CPU time between batches */

void processor_write_error(struct processor *p, const char *fmt, va_list ap)
{
	size_t n = (size_t)snprintf(p->error, sizeof(p->error), "processor %s: ", p->name);

	vsnprintf(p->error + n, sizeof(p->error) - n, fmt, ap);
}

int processor_fail(struct processor *p, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	processor_write_error(p, fmt, ap);
	va_end(ap);
	return err;
}

int processor_put_off(struct processor *p, int err, const char *fmt, ...)
{
	uint64_t ns = NSEC_PER_MSEC << p->tries;
	va_list ap;

	va_start(ap, fmt);
	processor_write_error(p, fmt, ap);
	va_end(ap);
	if (ns < WAIT_MAX_NS)
		p->tries++;
	health_wait(&p->health, p->error, clock_monotonic(), MIN(ns, (uint64_t)WAIT_MAX_NS));
	return err;
}

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

/* The sandbox is dead, and unless it was through with the batch the record `first` was in flight. */
static int settle(struct processor *p, int how, bool through, const struct sink *to)
{
	if (how == AWAIT_DIED && child_died_of_others(&p->child)) {
		health_ended(&p->health, sandbox_describe_end(p), false);
		if (++p->unblamed >= UNBLAMED_MAX)
			return processor_put_off(p, -EIO, "its process is killed from outside, again and again "
							  "(out of memory?)");
		poll(NULL, 0, 1 << p->unblamed);
		return 0;
	}
	if (how == AWAIT_TIMEOUT)
		snprintf(p->how, sizeof(p->how), "no answer within %llu ms",
			 (unsigned long long)(p->limits->deadline_ns / NSEC_PER_MSEC));
	else
		sandbox_describe_end(p);
	health_ended(&p->health, p->how, true);
	if (through)
		return 0;
	if (!p->alone) {
		p->alone = true;
		return 0;
	}
	to->on_result(to->arg, p->batch.records[p->first].cookie,
		      how == AWAIT_TIMEOUT ? SPOOL_DROP_SO_TIMEOUT : SPOOL_DROP_SO_CRASH, p->how, strlen(p->how), NULL);
	p->first++;
	p->alone = false;
	health_judge(&p->health, 2, clock_monotonic());
	return 0;
}

/* Takes note of what it used since the last batch; a batch begins, or somebody looks. */
static void count_background(struct processor *p)
{
	uint64_t used = sandbox_cpu_time(p->child.pid);

	if (used > p->background.mark_ns)
		p->background.used_ns += used - p->background.mark_ns;
	p->background.mark_ns = used;
}

static int run_some(struct processor *p, const struct sink *to)
{
	uint32_t n = p->alone ? 1 : p->batch.n - p->first, through;
	int how, r = sandbox_be_ready(p);

	if (r == 0) {
		count_background(p);
		r = batch_submit(&p->batch, p->first, n);
	}
	if (r < 0)
		return r;
	how = sandbox_await(p, sandbox_finished, p->limits->deadline_ns / NSEC_PER_MSEC);
	if (how < 0)
		return how;
	if (how == AWAIT_TIMEOUT) {
		r = sandbox_put_down(p);
		if (r < 0)
			return r;
	}
	p->background.mark_ns = sandbox_cpu_time(p->child.pid);
	/* One that lives may take back what it has said. */
	through = how == AWAIT_RANG ? n : batch_through(&p->batch, n);
	hand_out(p, through, to);
	if (through > 0) {
		p->alone = false;
		p->unblamed = 0;
		health_good(&p->health);
	}
	return how == AWAIT_RANG ? 0 : settle(p, how, through == n, to);
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
	uint64_t elapsed = now - p->background.looked_ns, used;

	if (!p->child.pid)
		return;
	if (!p->ready) {
		sandbox_serve(p);
		return;
	}
	if (sandbox_has_died(p)) {
		health_ended(&p->health, sandbox_describe_end(p), !child_died_of_others(&p->child));
		return;
	}
	count_background(p);
	used = p->background.used_ns;
	p->background.used_ns = 0;
	p->background.looked_ns = now;
	if (elapsed < NSEC_PER_SEC / 2 || elapsed > 10 * NSEC_PER_SEC)
		return;		/* no second that could be judged */
	used = used * NSEC_PER_SEC / elapsed;
	p->background.over = used > p->limits->background_ns ? p->background.over + 1 : 0;
	if (p->background.over < BACKGROUND_MAX || sandbox_put_down(p) < 0)
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
