/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the channels into the spool, batch by batch: taken out of their sources, answered by processors where there are
 * any, written record by record, published by one commit, and only then released. */
#ifndef EBPF_AGENT_DRAIN_H
#define EBPF_AGENT_DRAIN_H

#include "../common/program.h"
#include "letters.h"
#include "route.h"

#define DRAIN_BATCH 256

/* Results of processors, kept until they are written. */
struct answers {
	struct {
		enum spool_drop drop;
		bool keyed;
		uint64_t key;
		size_t at, len;		/* in text */
	} *rows;
	size_t cap;
	char *text;
	size_t len, text_cap;
};

struct drain {
	struct spool_writer spool;
	struct channel channels[SPOOL_MAX_CHANNELS];
	size_t n_channels;
	struct route routes[SPOOL_MAX_ROUTES];
	size_t n_routes;
	struct route *by_channel[SPOOL_MAX_ROUTES];	/* what the channels' routes point to */
	struct buffers *buffers;	/* behind perf event arrays; NULL: there are none */
	struct processor *sandboxes[PROGRAM_MAX_ITEMS];	/* one for each user_so that is asked */
	size_t n_sandboxes;
	const char *program;
	struct processor_area *processors;	/* NULL: none has limits, and nobody asks */
	struct letters letters;
	bool drop_newest;		/* results that find no room are counted, and nobody waits */
	bool looked_for_room;		/* in this batch: cursors that moved since are for the next */
	size_t turn;			/* channel that is first in the next batch */
	struct record records[DRAIN_BATCH];
	size_t n_records;
	struct answers answers;

	/* The spool is full: returns when it may have room again. */
	void (*wait_for_room)(void *arg);
	/* No sandbox can be had (processor_error() says why): returns when it is time to try again. */
	void (*wait_for_processor)(void *arg, struct processor *p);
	/* A commit woke nobody yet, and its reader sleeps. */
	void (*ring_doorbell)(void *arg);
	void *arg;
};

/* Drains one batch. Returns how many records it took out, discarded ones included; 0: the channels have none that is
 * finished. -ENOMEM: nothing was taken out. */
int drain_batch(struct drain *d);
/* Publishes d->spool.next and rings the doorbell if somebody sleeps. */
void drain_commit(struct drain *d);
/* Nothing waits in any channel, finished or not. */
bool drain_empty(struct drain *d);
/* Once a second, and before the commit that says "drained": what transports count by themselves. True: it is to be
 * committed. */
bool drain_tick(struct drain *d);
/* Told to drain: the channels hear of it. */
void drain_finish(struct drain *d);
/* Told to drain, empty, and nothing more will come: channels that give something only then do. True: one has. */
bool drain_last(struct drain *d);
/* CLOCK_MONOTONIC when a channel wants to be looked at by itself; UINT64_MAX: none does. */
uint64_t drain_due(const struct drain *d);
void drain_fini(struct drain *d);

#endif
