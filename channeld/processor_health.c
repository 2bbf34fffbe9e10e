/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "processor_health.h"

#include <string.h>

#include "../common/log.h"

#define FREE_ENDS 2	/* in a row, without a delay: a record's two tries */
#define DOUBLED_MAX 20ULL	/* times: the shortest delay is then longer than the longest may be */

static void set_state(struct health *h, enum processor_state state)
{
	__atomic_store_n(&h->row->state, state, __ATOMIC_RELAXED);
}

static void set_end(struct health *h, const char *how)
{
	if (how != h->row->last_end)
		snprintf(h->row->last_end, sizeof(h->row->last_end), "%s", how);
}

void health_starting(struct health *h, pid_t pid, uid_t uid)
{
	h->row->pid = pid;
	h->row->uid = uid;
	h->row->starts++;
	set_state(h, PROCESSOR_STARTING);
}

void health_running(struct health *h)
{
	set_state(h, PROCESSOR_RUNNING);
}

void health_ended(struct health *h, const char *how, bool own_fault)
{
	h->row->pid = 0;
	set_end(h, how);
	h->row->deaths += own_fault;
}

void health_fail(struct health *h, const char *how, uint64_t now)
{
	uint64_t retry = h->limits->retry_ns;

	set_end(h, how);
	h->row->in_row = MAX(h->row->in_row, h->limits->failed_after);
	h->row->retry_at_ns = now + retry;
	set_state(h, PROCESSOR_FAILED);
	log_error("processor %s is failed: %s; its events are counted as so_crash, and it is tried again after %llu s",
		  h->name, h->row->last_end, (unsigned long long)(retry / NSEC_PER_SEC));
}

void health_judge(struct health *h, unsigned ends, uint64_t now)
{
	uint64_t in_row = h->row->in_row += ends;
	uint64_t doubled = in_row > FREE_ENDS ? MIN(in_row - FREE_ENDS - 1, DOUBLED_MAX) : 0;

	if (in_row >= h->limits->failed_after) {
		health_fail(h, h->row->last_end, now);
		return;
	}
	h->row->retry_at_ns = now;
	if (in_row > FREE_ENDS)
		h->row->retry_at_ns += MIN(h->limits->delay_min_ns << doubled, h->limits->delay_max_ns);
	set_state(h, PROCESSOR_WAITING);
}

void health_wait(struct health *h, const char *why, uint64_t now, uint64_t ns)
{
	bool said = h->row->state == PROCESSOR_WAITING && !strncmp(h->row->last_end, why, sizeof(h->row->last_end) - 1);

	if (!said)
		log_error("%s; its events wait", why);
	set_end(h, why);
	h->row->retry_at_ns = now + ns;
	set_state(h, PROCESSOR_WAITING);
}

void health_refused(struct health *h, int nr)
{
	char call[REFUSALS_NAME_MAX];

	if (!refusals_add(&h->row->refusals, nr))
		return;
	refusals_name(nr, call);
	log_warning("processor %s tried %s, which no processor may, and was refused; further tries are counted",
		    h->name, call);
}

void health_good(struct health *h)
{
	if (h->row->in_row >= h->limits->failed_after)
		log_notice("processor %s answers again", h->name);
	h->row->in_row = 0;
}

static bool is_put_off(const struct health *h, uint64_t now)
{
	uint32_t state = h->row->state;

	return (state == PROCESSOR_WAITING || state == PROCESSOR_FAILED) && now < h->row->retry_at_ns;
}

bool health_failed(const struct health *h, uint64_t now)
{
	return h->row->state == PROCESSOR_FAILED && is_put_off(h, now);
}

uint64_t health_due(const struct health *h, uint64_t now)
{
	return is_put_off(h, now) ? h->row->retry_at_ns - now : 0;
}
