/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A consumer over one CPU's perf buffer (perf_event_open(2), "MMAP layout"; kernel/events/ring_buffer.c). Unlike
 * libbpf's it moves the tail only when told, can begin anywhere, and leaves records in place. Everything in the buffer
 * is checked: it is shared. */
#ifndef EBPF_AGENT_PERF_H
#define EBPF_AGENT_PERF_H

#include <linux/perf_event.h>

#include "transport.h"

/* What PERF_SAMPLE_TIME | PERF_SAMPLE_RAW look like. */
struct perf_sample {
	struct perf_event_header header;
	uint64_t time;
	uint32_t len;			/* of the data: with padding, up to a multiple of 8 together with `len` */
	char data[];
};
#define PERF_SAMPLE_HEAD offsetof(struct perf_sample, data)

struct perf {
	struct perf_event_mmap_page *page;	/* its data_head is the kernel's, data_tail ours */
	const char *data;		/* `size` bytes, and RECORD_OVERREAD readable ones behind */
	uint64_t size;			/* a power of two */
	uint64_t pos;			/* of the next record to look at */
	uint64_t head;			/* the kernel's, as last read by perf_look() */
	uint64_t released;		/* the tail, as we last set it */
	struct perf_event_header next;	/* what perf_peek() has shown: read once, others may write there */
	bool kernel_counts;		/* lost ones by itself: PERF_RECORD_LOST say nothing new */
	bool damaged;			/* what could not be read was passed over: nobody knows how much that was */
	char *scratch;			/* for the one record that may go round the end */
	size_t scratch_size;
};

/* A buffer that is mapped at @page, its data at @data. Goes on at @next, if the tail is behind it (a commit that had
 * accounted for more). */
void perf_init(struct perf *p, struct perf_event_mmap_page *page, const char *data, uint64_t size, uint64_t next);
void perf_fini(struct perf *p);

/* Everything that is there by now may be taken. */
static inline void perf_look(struct perf *p)
{
	p->head = __atomic_load_n(&p->page->data_head, __ATOMIC_ACQUIRE);
}

static inline bool perf_empty(const struct perf *p)
{
	return p->pos == __atomic_load_n(&p->page->data_head, __ATOMIC_ACQUIRE);
}

/* The next thing to account for: a sample, or what the buffer says was lost (unless the kernel counts it); p->pos is
 * moved to it past what is neither. Its time is 0 where it has none. False: there is none. */
bool perf_peek(struct perf *p, uint64_t *ret_time);
/* Takes what perf_peek() has shown. False: out of memory, it stays. */
bool perf_take(struct perf *p, struct record *ret);

/* Everything before @pos may be overwritten. Only after the commit that covers it. */
static inline void perf_release(struct perf *p, uint64_t pos)
{
	if (pos == p->released)
		return;
	__atomic_store_n(&p->page->data_tail, pos, __ATOMIC_RELEASE);
	p->released = pos;
}

/* For whoever looks on: samples between @pos and the head. -EAGAIN: overwritten meanwhile. */
int perf_count(const struct perf_event_mmap_page *page, const char *data, uint64_t size, uint64_t pos,
	       uint64_t *ret_samples);

#endif
