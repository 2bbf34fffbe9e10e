/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A consumer of one's own over a BPF ring buffer map (kernel/bpf/ringbuf.c; Documentation/bpf/ringbuf.rst): unlike
 * libbpf's it moves the consumer position only when told, and can begin anywhere. */
#ifndef EBPF_AGENT_RING_H
#define EBPF_AGENT_RING_H

#include <linux/bpf.h>

#include "transport.h"

struct ring {
	int fd;
	uint32_t map_id;
	uint64_t size, mask;
	uint64_t pos;			/* of the next record to look at */
	uint64_t seen;			/* producer position as last read */
	uint64_t *consumer;		/* shared with the kernel; NULL: opened to look on */
	const uint64_t *producer;
	const char *data;		/* mapped twice in a row, and RECORD_OVERREAD readable bytes behind */
	void *map;			/* producer page and data */
	size_t map_len;
};

/* Takes over @fd on success. @look_on: nothing is mapped for writing, and ring_release() is not to be called.
 * r->pos is where the last consumer stopped (look_on: 0). -EINVAL: not a ring buffer. */
int ring_open(struct ring *r, int fd, bool look_on);
/* Accepts a zeroed one. */
void ring_close(struct ring *r);

/* What is committed up to @pos has been accounted for: go on from there if the ring's own position is behind. */
void ring_resume(struct ring *r, uint64_t pos);

static inline uint64_t ring_consumed(const struct ring *r)
{
	return __atomic_load_n(r->consumer, __ATOMIC_RELAXED);
}

static inline uint64_t ring_produced(const struct ring *r)
{
	return __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
}

/* Nothing waits, not even a record that is still being written. */
static inline bool ring_empty(const struct ring *r)
{
	return r->pos == ring_produced(r);
}

/* The next record (what a ring knows of it), and r->pos behind it. It stays in place until ring_release(). False: none,
 * or one that is still being written. */
static inline bool ring_next(struct ring *r, struct record *ret)
{
	const char *at = r->data + (r->pos & r->mask);
	uint32_t header;

	__builtin_prefetch(at + 1024);		/* may lie outside: then nothing happens */

	if (r->pos == r->seen) {
		r->seen = ring_produced(r);
		if (r->pos == r->seen)
			return false;
	}
	header = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
	if (header & BPF_RINGBUF_BUSY_BIT)
		return false;
	ret->data = at + BPF_RINGBUF_HDR_SZ;
	ret->len = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
	ret->fate = header & BPF_RINGBUF_DISCARD_BIT ? RECORD_DISCARDED : RECORD_EVENT;
	ret->pos = r->pos;
	r->pos += ALIGN_UP((uint64_t)ret->len + BPF_RINGBUF_HDR_SZ, 8);
	ret->end = r->pos;
	ret->time_ns = 0;
	return true;
}

/* Everything before @pos may be overwritten. Only after the commit that covers it. */
static inline void ring_release(struct ring *r, uint64_t pos)
{
	__atomic_store_n(r->consumer, pos, __ATOMIC_RELEASE);
}

/* A channel over @fd, which it takes over, also when it fails. */
int ring_channel_open(struct channel *c, struct transport_context *t, int fd, struct diag *d);

/* How many events lie between @pos and the producer's position, unfinished ones included, and how many that the program
 * discarded. -EAGAIN: overwritten meanwhile. */
int ring_count(const struct ring *r, uint64_t pos, uint64_t *ret_events, uint64_t *ret_discarded);

#endif
