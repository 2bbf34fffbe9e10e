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
 * Include vmlinux.h (or the kernel's types) and bpf/bpf_helpers.h first. */
#ifndef AGENT_BPF_H
#define AGENT_BPF_H

#include "counts.h"

#define AGENT_RING(ring, bytes)                                    \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                \
		__uint(max_entries, bytes);                        \
	} ring SEC(".maps");                                       \
	struct {                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);           \
		__uint(max_entries, 1);                            \
		__type(key, __u32);                                \
		__type(value, struct agent_counts);                \
	} ring##_counts SEC(".maps")

/* A struct that only functions use leaves no trace in BTF; a global pointer to it does. */
#define AGENT_EVENT(ring, event) const struct event *agent_event__##ring __attribute__((unused))

/* Counts the attempt and, when it fails, the loss. Per CPU: programs on a CPU do not run at the same time, except in
 * NMI, where a count can be missed; plain additions would then be off, so they are atomic (a CPU's own cache line:
 * a few nanoseconds). */
static __always_inline struct agent_counts *agent_produced(void *counts_map)
{
	__u32 zero = 0;
	struct agent_counts *c = bpf_map_lookup_elem(counts_map, &zero);

	if (c)
		__sync_fetch_and_add(&c->produced, 1);
	return c;
}

static __always_inline void agent_lost(struct agent_counts *c)
{
	if (c)
		__sync_fetch_and_add(&c->ring_full, 1);
}

static __always_inline void *agent_reserve_in(void *ring, void *counts_map, __u64 size)
{
	struct agent_counts *c = agent_produced(counts_map);
	void *record = bpf_ringbuf_reserve(ring, size, 0);

	if (!record)
		agent_lost(c);
	return record;
}
#define agent_reserve(ring, size) agent_reserve_in(&ring, &ring##_counts, size)

/* For records whose size is known only at run time: copies @len bytes. */
static __always_inline long agent_output_in(void *ring, void *counts_map, void *data, __u64 len)
{
	struct agent_counts *c = agent_produced(counts_map);
	long err = bpf_ringbuf_output(ring, data, len, 0);

	if (err)
		agent_lost(c);
	return err;
}
#define agent_output(ring, data, len) agent_output_in(&ring, &ring##_counts, data, len)

#endif
