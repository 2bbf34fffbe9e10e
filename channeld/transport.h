/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How events get out of the kernel: one row per channel type. A transport takes records out of one or more *sources*
 * (the ring; each CPU's perf buffer; the map that is polled; the pipe), each with a position of its own, which the
 * commit block keeps. drain.c knows no more than this. */
#ifndef EBPF_AGENT_TRANSPORT_H
#define EBPF_AGENT_TRANSPORT_H

#include "../abi/processor.h"
#include "../common/manifest.h"
#include "../common/spool.h"

struct channel;
struct route;

struct source {
	struct spool_source *row;	/* in the next commit */
	char id_text[32];		/* "5f-": its part of event ids; may be copied by 16 bytes */
	size_t id_len;
};

enum record_fate {
	RECORD_EVENT,
	RECORD_OVERSIZE,		/* an event, longer than a record may be; what is here is not all of it */
	RECORD_DISCARDED,		/* the program thought better of it: no event */
	RECORD_LOST,			/* no event: `len` of them are lost that would have come here */
	RECORD_PASSED_OVER,		/* no event: only its end counts */
};

struct record {
	const void *data;		/* readable for RECORD_OVERREAD bytes behind its end */
	uint32_t len;
	enum record_fate fate;
	uint64_t pos;			/* in its source: part of the event's id */
	uint64_t end;			/* position of the next one: what the commit says once this is accounted for */
	uint64_t time_ns;		/* CLOCK_MONOTONIC, by the transport itself (see time_is_drain); 0: it knows
					 * none */
	struct source *source;
	struct channel *channel;
	size_t answers;			/* of processors: index of the first (drain.c) */
};
#define RECORD_OVERREAD 64

/* What an event became without BTF: by a processor, or by a transport whose records are no structs. Text: one or
 * several results, separated by line feeds; the first character of one says its kind. */
struct answer {
	enum spool_drop drop;		/* SPOOL_N_DROPS: none */
	const char *text;		/* NULL: nothing but the key; its layout says the rest */
	size_t len;
	bool keyed;			/* a hash function gave its key */
	uint64_t key;
	bool repaired;			/* invalid UTF-8 became U+FFFD in it */
};
#define ANSWER_STACK  '^'		/* not from processors */
static inline uint8_t answer_kind(const char *result, size_t len)
{
	if (len > 0 && *result == TRACER_SAMPLE)
		return SPOOL_KIND_SAMPLE;
	return len > 0 && *result == ANSWER_STACK ? SPOOL_KIND_STACK : SPOOL_KIND_JSON;
}

/* What a worker hands to its transports while it may still open things. */
struct transport_context {
	const struct manifest *manifest;
	struct spool_writer *spool;
	size_t n_sources;		/* rows of the commit in use; what lies behind them was counted for parts that
					 * are not there any more */
	int epoll;			/* where what it sleeps on goes */
	const struct buffers *buffers;	/* behind perf event arrays; NULL: none */
};

/* All but open, close, gather, release and empty may be NULL. */
struct transport {
	/* Makes the sources by channel_add_source(), resumes each where its row says. */
	int (*open)(struct channel *c, struct transport_context *t, struct diag *d);
	void (*close)(struct channel *c);
	/* Up to @quota finished records from where the last call ended; they stay in place until release(). */
	size_t (*gather)(struct channel *c, struct record *ret, size_t quota);
	/* The @n records last gathered were not taken after all. */
	void (*put_back)(struct channel *c, const struct record *records, size_t n);
	/* Behind a commit: what its rows have accounted for may be overwritten. */
	void (*release)(struct channel *c);
	/* Nothing waits, not even a record that is being written; once told to drain, nothing will come either. */
	bool (*empty)(struct channel *c);
	/* Told to drain: what it would only do later it does now. */
	void (*finish)(struct channel *c);
	/* Told to drain, nothing waits, and the kernel is through with the program: what it gives only now. True:
	 * there is something to gather. */
	bool (*last)(struct channel *c);
	/* CLOCK_MONOTONIC when there is something to gather although nothing became readable; UINT64_MAX: never. */
	uint64_t (*due)(const struct channel *c);
	/* Once a second, and before the last commit: brings its rows up to date (losses). True: something changed. */
	bool (*tick)(struct channel *c);
	/* A record as text; NULL: records are structs, by their layout. */
	void (*decode)(struct channel *c, const struct record *r, struct answer *ret);
	/* For the ledger, outside the worker: what waits behind the positions of @commit. -EAGAIN: it moves. */
	int (*count)(const struct manifest *m, const struct manifest_channel *c, const struct spool_commit *commit,
		     uint64_t *ret_pending, uint64_t *ret_discarded);
	/* The same for what was lost and is not in the rows of @commit yet. */
	uint64_t (*lost)(const struct manifest *m, const struct manifest_channel *c, const struct spool_commit *commit);
	bool loses_nothing;		/* what it ever had was drained, or waits: that is `produced` */
	bool makes_wait;		/* its producers, while there is no room: ring_full and nmi are 0 */
	bool time_is_drain;		/* its records' time is when they were taken out, not when they happened */
};

/* By enum channel_type; a manifest has no other. */
const struct transport *transport_of(int type);
extern const struct transport transport_ring, transport_perf, transport_map, transport_pipe;

struct channel {
	const struct transport *transport;
	const struct manifest_channel *manifest;
	size_t index;			/* in the manifest */
	void *state;			/* the transport's */
	struct source *sources;
	size_t n_sources;
	struct route **routes;
	size_t n_routes;
	bool touched;			/* this batch moves a position of it */
};

/* Room for @n sources; their rows come by channel_add_source(). */
int channel_make_sources(struct channel *c, size_t n);
/* The next source of @c gets its row in the commit: what was counted for this part of the channel goes on; its position
 * does only for the same @id, which is not 0. -E2BIG: more than a commit holds. */
int channel_add_source(struct channel *c, struct transport_context *t, uint16_t part, uint32_t id, struct source **ret);
/* transport_pipe.c: the FIFO of a channel, open for reading and writing. */
int pipe_hold(const struct manifest_channel *c);
/* It wakes the worker when it is readable. */
int transport_watch(const struct transport_context *t, int fd);

#endif
