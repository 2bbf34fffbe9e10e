/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line around an event's data:
 *
 *   {"ts":"2026-11-25T01:02:03.123456789Z","ts_source":"kernel","host":…,"program":…,"channel":…,"event":…,
 *    "id":…,"tags":{},"data":…}
 *
 * All that is the same for every event of a route is rendered once. */
#ifndef EBPF_AGENT_ENVELOPE_H
#define EBPF_AGENT_ENVELOPE_H

#include <string.h>

#include "encode_put.h"
#include "transport.h"

/* The text of a second of wall time, kept: events come many to a second. */
struct envelope_clock {
	uint64_t second;
	char head[64 + PLAN_SLACK];	/* {"ts":"2026-11-25T01:02:03. */
	size_t head_len;		/* 0: none yet */
};

struct envelope {
	struct envelope_clock *clock;
	char *middle[2];		/* Z","ts_source":… up to the id's source; [1]: the kernel's time */
	size_t middle_len[2];
	char end[128 + PLAN_SLACK];	/* from the id's event number up to the data; its result is 0 */
	size_t end_len, event_len;	/* event_len: up to that 0 */
	size_t max;			/* bytes of a line without its data, slack included */
};

struct envelope_names {
	const char *host, *program, *channel, *event;
};

/* @boot and @event are the id's. 0, -ENOMEM. */
int envelope_init(struct envelope *e, struct envelope_clock *clock, const struct envelope_names *names, uint32_t boot,
		  uint16_t event);
/* Accepts a zeroed one. */
void envelope_fini(struct envelope *e);

void envelope_clock_set(struct envelope_clock *c, uint64_t second);

/* Writes what comes before the data. (64 bits of ns end in 2554: four digits do for a year.) */
static inline char *envelope_open(const struct envelope *e, char *out, uint64_t wall_ns, bool kernel_time,
				  const struct source *source, uint64_t source_pos, uint16_t result)
{
	struct envelope_clock *c = e->clock;
	uint64_t second = wall_ns / NSEC_PER_SEC;

	if (second != c->second || c->head_len == 0)
		envelope_clock_set(c, second);
	out = put_literal(out, c->head, c->head_len);
	out = put_9(out, (uint32_t)(wall_ns - second * NSEC_PER_SEC));
	out = put_literal(out, e->middle[kernel_time], e->middle_len[kernel_time]);
	out = put_literal(out, source->id_text, source->id_len);
	out = put_hex(out, source_pos);
	if (result == 0)
		return put_literal(out, e->end, e->end_len);
	out = put_literal(out, e->end, e->event_len);
	out = put_hex(out, result);
	return put_literal(out, e->end + e->event_len + 1, e->end_len - e->event_len - 1);
}

static inline char *envelope_close(char *out)
{
	*out = '}';
	return out + 1;
}

#endif
