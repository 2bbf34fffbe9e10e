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
#include "transport.h"

struct route {
	const struct manifest_channel *channel;
	const struct manifest_route *manifest;
	struct plan *plan;		/* NULL: by the processor, or by the transport */
	struct processor *processor;	/* the drain's; several routes may share it. NULL: none is asked */
	size_t sandbox_row;		/* tells of its processor's sandbox */
	struct batch_call call;		/* what it is asked */
	struct envelope envelope;
	struct spool_rec rec;		/* all that is the same for every record is set */
};

/* What became of an event on one route. */
struct outcome {
	enum spool_drop drop;		/* SPOOL_N_DROPS: none, there are results */
	uint32_t results, spooled;	/* what is not spooled did not even fit into an empty spool */
	uint32_t repaired;
	size_t bytes;			/* of the spooled lines */
};

struct route_names {
	const char *host, *program;
	uint32_t boot;
};

/* @r is zeroed. -EINVAL: the layout makes no sense (see @d). A processor, and what it is asked, are set by the
 * caller. */
int route_init(struct route *r, const struct manifest *m, size_t index, const struct route_names *names,
	       struct envelope_clock *clock, struct diag *d);
void route_fini(struct route *r);

/* The time of an event. */
struct when {
	uint64_t drain_ns;		/* CLOCK_MONOTONIC: of events that do not carry their own */
	int64_t wall_offset_ns;
};

/* Encodes @rec (@a NULL), or takes the results in @a, and adds a line for each to the spool. 0 and *ret, or -ENOSPC: no
 * room now; what was added so far is the caller's to take back. Without @wait, what has no room is only counted. */
int route_write(struct route *r, struct spool_writer *w, const struct when *when, const struct record *rec,
		const struct answer *a, bool wait, struct outcome *ret);

/* Counts what became of it. */
void route_count(struct spool_route *row, const struct outcome *o);

#endif
