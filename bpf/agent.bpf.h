/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a program includes to be a good citizen of the agent: a ring whose losses are counted where they happen, and
 * an event whose layout the agent finds by itself.
 *
 *	AGENT_RING(exec_events, 1 << 20);		// the ring, and exec_events_counts beside it
 *	AGENT_EVENT(exec_events, exec_event);		// its records are struct exec_event
 *	…
 *	struct exec_event *e = agent_reserve(exec_events, sizeof(*e));
 *	if (!e)
 *		return 0;				// counted
 *	…
 *	bpf_ringbuf_submit(e, 0);
 *
 * Perf buffers, for kernels or programs that have no ring buffers: AGENT_PERF and agent_perf_output().
 *
 * Include vmlinux.h (or the kernel's types) and bpf/bpf_helpers.h first. The same text compiles for user space, where
 * it is tested (tests/bpf_user). */
#ifndef AGENT_BPF_H
#define AGENT_BPF_H

#include "counts.h"

#define AGENT_COUNTS(map)                                          \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);           \
		__uint(max_entries, 1);                            \
		__type(key, __u32);                                \
		__type(value, struct agent_counts);                \
	} map##_counts SEC(".maps")

#define AGENT_RING(ring, bytes)                                    \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                \
		__uint(max_entries, bytes);                        \
	} ring SEC(".maps");                                       \
	AGENT_COUNTS(ring)

#define AGENT_PERF(array)                                          \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);       \
		__uint(key_size, sizeof(__u32));                   \
		__uint(value_size, sizeof(__u32));                 \
	} array SEC(".maps");                                      \
	AGENT_COUNTS(array)

/* A struct that only functions use leaves no trace in BTF; a global pointer to it does. */
#define AGENT_EVENT(map, event) const struct event *agent_event__##map __attribute__((unused))

/* Of linux/bpf.h and asm-generic/errno-base.h, which cannot be included beside vmlinux.h. */
#define AGENT_RB_RING_SIZE 1
#define AGENT_RB_CONS_POS  2
#define AGENT_RB_PROD_POS  3
#define AGENT_RB_HEADER    8	/* BPF_RINGBUF_HDR_SZ */
#define AGENT_CURRENT_CPU  0xffffffffULL
#define AGENT_EBUSY        16
#define AGENT_ENOSPC       28

/* Counts the attempt. Per CPU: programs on a CPU do not run at the same time, except in NMI, where a count can be
 * missed; plain additions would then be off, so they are atomic (a CPU's own cache line: a few nanoseconds). */
static __always_inline struct agent_counts *agent_produced(void *counts_map)
{
	__u32 zero = 0;
	struct agent_counts *c = bpf_map_lookup_elem(counts_map, &zero);

	if (c)
		__sync_fetch_and_add(&c->produced, 1);
	return c;
}

/* ---- ring buffers ------------------------------------------------------------------------------------------------ */

/* Would @size bytes fit, as the kernel reckons, if nothing was consumed after @consumed? (kernel/bpf/ringbuf.c: a
 * record has a header and a multiple of eight bytes, and the ring is never quite full.) */
static __always_inline _Bool agent_fits(void *ring, __u64 consumed, __u64 size)
{
	__u64 used = bpf_ringbuf_query(ring, AGENT_RB_PROD_POS) - consumed;
	__u64 need = (size + AGENT_RB_HEADER + 7) & ~7ULL;

	return used + need < bpf_ringbuf_query(ring, AGENT_RB_RING_SIZE);
}

/* The kernel does not say why it gave no place. If what was free before the attempt was enough for everything that has
 * been produced after it, there was room, and it was the lock: an NMI came while this CPU, or another one, held it. */
static __always_inline void agent_lost(struct agent_counts *c, void *ring, __u64 consumed, __u64 size)
{
	if (!c)
		return;
	if (agent_fits(ring, consumed, size))
		__sync_fetch_and_add(&c->nmi, 1);
	else
		__sync_fetch_and_add(&c->ring_full, 1);
}

/* A NULL that the compiler does not know to be one. Else it leaves all checks of a record to the caller's `if (!e)`,
 * behind the one that counts; and the verifier of Linux 6.1 knows of no ring's memory that a check found it not to be
 * NULL: "Unreleased reference". */
static __always_inline void *agent_nothing(void)
{
	void *nothing = 0;

	asm volatile("" : "+r"(nothing));
	return nothing;
}

/* Tried again only when there is room by now: the consumer may have come in between. */
static __always_inline void *agent_reserve_in(void *ring, void *counts_map, __u64 size)
{
	struct agent_counts *c = agent_produced(counts_map);
	void *record = bpf_ringbuf_reserve(ring, size, 0);
	__u64 consumed;

	if (record)
		return record;
	consumed = bpf_ringbuf_query(ring, AGENT_RB_CONS_POS);
	if (agent_fits(ring, consumed, size)) {
		record = bpf_ringbuf_reserve(ring, size, 0);
		if (record)
			return record;
	}
	agent_lost(c, ring, consumed, size);
	return agent_nothing();
}
#define agent_reserve(ring, size) agent_reserve_in(&ring, &ring##_counts, size)

/* For records whose size is known only at run time: copies @len bytes. */
static __always_inline long agent_output_in(void *ring, void *counts_map, void *data, __u64 len)
{
	struct agent_counts *c = agent_produced(counts_map);
	long err = bpf_ringbuf_output(ring, data, len, 0);
	__u64 consumed;

	if (!err)
		return 0;
	consumed = bpf_ringbuf_query(ring, AGENT_RB_CONS_POS);
	if (agent_fits(ring, consumed, len))
		err = bpf_ringbuf_output(ring, data, len, 0);
	if (err)
		agent_lost(c, ring, consumed, len);
	return err;
}
#define agent_output(ring, data, len) agent_output_in(&ring, &ring##_counts, data, len)

/* ---- perf buffers ------------------------------------------------------------------------------------------------ */

/* What finds no room is counted by the buffer itself (PERF_FORMAT_LOST), for any program: here would be twice. */
static __always_inline long agent_perf_output_in(void *ctx, void *array, void *counts_map, void *data, __u64 len)
{
	struct agent_counts *c = agent_produced(counts_map);
	long err = bpf_perf_event_output(ctx, array, AGENT_CURRENT_CPU, data, len);

	if (!err || !c || err == -AGENT_ENOSPC)
		return err;
	if (err == -AGENT_EBUSY)
		__sync_fetch_and_add(&c->nmi, 1);
	else
		__sync_fetch_and_add(&c->lost, 1);
	return err;
}
#define agent_perf_output(ctx, array, data, len) agent_perf_output_in(ctx, &array, &array##_counts, data, len)

#endif
