/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A route: events of one channel on their way into the spool, by their layout or by way of a processor. Its index is
 * that of its row of counters in the commit. */
#ifndef EBPF_AGENT_ROUTE_H
#define EBPF_AGENT_ROUTE_H

#include "../common/manifest.h"
#include "../common/spool.h"
#include "encode.h"
#include "envelope.h"
#include "processor.h"
#include "ring.h"

struct route {
	const struct manifest_channel *channel;
	const struct manifest_route *manifest;
	struct plan *plan;		/* NULL: by the processor */
	struct processor *processor;
	struct envelope envelope;
	struct spool_rec rec;		/* all that is the same for every record is set */
};

/* What became of an event on one route. */
struct outcome {
	enum spool_drop drop;		/* SPOOL_N_DROPS: none, there is a result */
	bool no_room;			/* the result did not fit even into an empty spool */
	bool repaired;
	size_t len;			/* of the line */
};

/* What a processor answered. */
struct answer {
	enum spool_drop drop;		/* SPOOL_N_DROPS: none */
	const char *json;
	size_t len;
};

struct route_names {
	const char *host, *program;
	uint32_t boot;
};

/* @r is zeroed. -EINVAL: the layout makes no sense (see @d). A processor is set by the caller. */
int route_init(struct route *r, const struct manifest *m, size_t index, const struct route_names *names,
	       struct envelope_clock *clock, struct diag *d);
void route_fini(struct route *r);

/* The time of an event. */
struct when {
	uint64_t drain_ns;		/* CLOCK_MONOTONIC: of events that do not carry their own */
	int64_t wall_offset_ns;
};

/* Encodes @ring_rec (without a processor), or takes @a (with one), and adds the line to the spool. 0 and *ret, or
 * -ENOSPC: no room now, nothing was changed. */
int route_write(struct route *r, struct spool_writer *w, const struct when *when, const struct ring_record *ring_rec,
		const struct answer *a, struct outcome *ret);

/* Counts what became of it. */
void route_count(struct spool_route *row, const struct outcome *o);

#endif
