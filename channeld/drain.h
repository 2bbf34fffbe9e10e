/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the rings into the spool, batch by batch: taken out of the rings, answered by processors where there are any,
 * written record by record, published by one commit, and only then released. */
#ifndef EBPF_AGENT_DRAIN_H
#define EBPF_AGENT_DRAIN_H

#include "route.h"

#define DRAIN_BATCH 256

struct channel {
	struct ring ring;		/* map NULL: no ring buffer */
	struct spool_ring *row;		/* in spool.next */
	struct route **routes;
	size_t n_routes;
	bool touched;			/* this batch moves its position */
};

struct item {
	struct channel *channel;
	struct ring_record rec;
	size_t answers;			/* index of its first one */
};

/* Results of processors, kept until they are written. */
struct answers {
	struct {
		enum spool_drop drop;
		size_t at, len;		/* in text */
	} *rows;
	size_t cap;
	char *text;
	size_t len, text_cap;
};

struct drain {
	struct spool_writer spool;
	struct channel channels[SPOOL_MAX_RINGS];
	size_t n_channels;
	struct route routes[SPOOL_MAX_ROUTES];
	size_t n_routes;
	struct route *by_channel[SPOOL_MAX_ROUTES];	/* what the channels' routes point to */
	bool has_processors;
	struct processor_area *processors;	/* NULL: none has limits, and nobody asks */
	size_t turn;			/* channel that is first in the next batch */
	struct item items[DRAIN_BATCH];
	size_t n_items;
	struct answers answers;

	/* The spool is full: returns when it may have room again. */
	void (*wait_for_room)(void *arg);
	/* No sandbox can be had (processor_error() says why): returns when it is time to try again. */
	void (*wait_for_processor)(void *arg, struct route *r);
	/* A commit woke nobody yet, and its reader sleeps. */
	void (*ring_doorbell)(void *arg);
	void *arg;
};

/* Drains one batch. Returns how many records it took out, discarded ones included; 0: the rings have none that is
 * finished. -ENOMEM: nothing was taken out. */
int drain_batch(struct drain *d);
/* Publishes d->spool.next and rings the doorbell if somebody sleeps. */
void drain_commit(struct drain *d);
/* Nothing waits in any ring, finished or not. */
bool drain_empty(const struct drain *d);
void drain_fini(struct drain *d);

#endif
