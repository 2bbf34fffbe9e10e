/* SPDX-License-Identifier: GPL-2.0-or-later */
/* perf_buffer: a perf event array, whose buffers, one per CPU, are merged by time.
 *
 * Events of one task are in order although it moves from CPU to CPU: its earlier event was in its buffer before the
 * later one was made. So with a time that is taken before the buffers are looked at, and no event later than it, there
 * is none whose predecessor was not there yet. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"
#include "perf.h"
#include "perf_buffers.h"

/* How far the kernel's clock for events and ours may be apart for an instant (ktime_get_mono_fast_ns() while the clock
 * is being corrected), and what a processor may reorder. */
#define SLACK_NS 5000

/* Buffers wake when they are half full (loaderd/broker.c); before, they are looked at: soon after an event, less often
 * as time goes by without one. */
#define LOOK_MIN_NS (2 * NSEC_PER_MSEC)
#define LOOK_MAX_NS (20 * NSEC_PER_MSEC)

struct cpu {
	struct perf perf;
	const struct buffer *buffer;
	void *map;
	size_t map_len;
	uint64_t time;			/* of its next event */
};

struct perf_channel {
	struct cpu *cpus;		/* as the channel's sources */
	size_t n;
	struct cpu **heap;		/* those that have an event to take, the earliest first */
	size_t n_heap;
	uint64_t until;			/* CLOCK_MONOTONIC: no later event is taken */
	uint64_t look_ns;		/* from the last look to the next */
	uint32_t fixed, padded;		/* what a record has without and with the kernel's padding; 0: it varies */
};

/* ---- the order --------------------------------------------------------------------------------------------------- */

static void sift_down(struct perf_channel *p, size_t at)
{
	struct cpu *moved = p->heap[at];

	for (size_t child; (child = 2 * at + 1) < p->n_heap; at = child) {
		if (child + 1 < p->n_heap && p->heap[child + 1]->time < p->heap[child]->time)
			child++;
		if (moved->time <= p->heap[child]->time)
			break;
		p->heap[at] = p->heap[child];
	}
	p->heap[at] = moved;
}

static struct source *source_of(struct channel *c, const struct cpu *cpu)
{
	const struct perf_channel *p = c->state;

	return &c->sources[cpu - p->cpus];
}

/* Has it another event to take? */
static bool goes_on(struct channel *c, struct cpu *cpu)
{
	const struct perf_channel *p = c->state;
	bool more = perf_peek(&cpu->perf, &cpu->time);

	if (cpu->perf.damaged)
		source_of(c, cpu)->row->flags |= SPOOL_SOURCE_LOST_UNKNOWN;
	return more && cpu->time <= p->until;
}

static void look(struct channel *c)
{
	struct perf_channel *p = c->state;

	p->until = clock_monotonic() - SLACK_NS;
	for (size_t i = 0; i < p->n; i++)
		perf_look(&p->cpus[i].perf);
	for (size_t i = 0; i < p->n; i++)
		if (goes_on(c, &p->cpus[i]))
			p->heap[p->n_heap++] = &p->cpus[i];
	for (size_t i = p->n_heap / 2; i-- > 0;)
		sift_down(p, i);
}

/* ---- the transport ----------------------------------------------------------------------------------------------- */

static size_t perf_gather(struct channel *c, struct record *ret, size_t quota)
{
	struct perf_channel *p = c->state;
	size_t n;

	if (!p->n_heap) {
		look(c);
		p->look_ns = p->n_heap ? LOOK_MIN_NS / 2 : MIN(MAX(2 * p->look_ns, LOOK_MIN_NS), LOOK_MAX_NS);
	}
	for (n = 0; n < quota && p->n_heap; n++) {
		struct cpu *first = p->heap[0];
		struct record *r = &ret[n];

		if (!perf_take(&first->perf, r))
			break;
		if (r->len == p->padded && p->padded)
			r->len = p->fixed;
		r->source = source_of(c, first);
		r->channel = c;
		if (!goes_on(c, first))
			p->heap[0] = p->heap[--p->n_heap];
		if (p->n_heap > 1)
			sift_down(p, 0);
	}
	return n;
}

static void perf_put_back(struct channel *c, const struct record *records, size_t n)
{
	struct perf_channel *p = c->state;

	while (n-- > 0)
		p->cpus[records[n].source - c->sources].perf.pos = records[n].pos;
	p->n_heap = 0;
}

static void perf_release_channel(struct channel *c)
{
	struct perf_channel *p = c->state;

	for (size_t i = 0; i < p->n; i++)
		perf_release(&p->cpus[i].perf, c->sources[i].row->next);
}

static uint64_t perf_due(const struct channel *c)
{
	const struct perf_channel *p = c->state;

	return p->until + SLACK_NS + p->look_ns;
}

static bool perf_empty_channel(struct channel *c)
{
	const struct perf_channel *p = c->state;

	for (size_t i = 0; i < p->n; i++)
		if (!perf_empty(&p->cpus[i].perf))
			return false;
	return true;
}

/* All that was gathered is committed here. */
static bool tick_cpu(struct cpu *cpu, struct spool_source *row)
{
	uint64_t lost = row->lost_seen;
	bool changed = false;

	if (cpu->perf.kernel_counts)
		(void)buffer_read(cpu->buffer->fd, NULL, &lost, NULL);
	if (lost > row->lost_seen) {
		row->lost += lost - row->lost_seen;
		row->lost_seen = lost;
		changed = true;
	}
	/* What is no event keeps its place until one comes behind it, or this. */
	perf_release(&cpu->perf, row->next);
	if (cpu->perf.pos != row->next) {
		row->next = cpu->perf.pos;
		changed = true;
	}
	return changed;
}

static bool perf_tick(struct channel *c)
{
	struct perf_channel *p = c->state;
	bool changed = false;

	for (size_t i = 0; i < p->n; i++)
		changed |= tick_cpu(&p->cpus[i], c->sources[i].row);
	return changed;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* One page more than the buffer has, so that wide loads at its very end stay within memory of our own. */
static int map_cpu(struct cpu *cpu)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (1 + (size_t)cpu->buffer->pages) * page;

	cpu->map = mmap(NULL, len + page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cpu->map == MAP_FAILED) {
		cpu->map = NULL;
		return -errno;
	}
	cpu->map_len = len + page;
	if (mmap(cpu->map, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, cpu->buffer->fd, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

static int open_cpu(struct channel *c, struct transport_context *t, struct cpu *cpu)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct source *source;
	uint64_t id;
	bool counts;
	int err = buffer_read(cpu->buffer->fd, &id, NULL, &counts);

	if (err == 0)
		err = map_cpu(cpu);
	if (err == 0)
		err = channel_add_source(c, t, cpu->buffer->cpu, perf_source_id(id), &source);
	if (err < 0)
		return err;
	perf_init(&cpu->perf, cpu->map, (const char *)cpu->map + page, cpu->buffer->pages * (uint64_t)page,
		  source->row->next);
	cpu->perf.kernel_counts = counts;
	source->row->next = cpu->perf.pos;
	return transport_watch(t, cpu->buffer->fd);
}

static bool has_tail(const struct layout_field *f)
{
	const struct layout_field *fields = f->fields.items;

	for (size_t i = 0; i < f->fields.n; i++)
		if (has_tail(&fields[i]))
			return true;
	return f->trailing;
}

/* A sample's length is in the buffer, with padding: a u32 and the data are a multiple of 8 together. What the padding
 * holds is older records'. */
static void find_length(struct perf_channel *p, const struct manifest_channel *m)
{
	if (!m->has_layout || has_tail(&m->layout.root))
		return;
	p->fixed = (uint32_t)m->layout.size;
	p->padded = (uint32_t)(ALIGN_UP(m->layout.size + sizeof(uint32_t), 8) - sizeof(uint32_t));
}

static size_t count_cpus(const struct buffers *b, size_t channel)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->rows[i].channel == channel && b->rows[i].pages;
	return n;
}

static int open_cpus(struct channel *c, struct transport_context *t)
{
	const struct buffers *b = t->buffers;
	struct perf_channel *p = c->state;
	size_t n = count_cpus(b, c->index);
	int err = channel_make_sources(c, n);

	p->cpus = calloc(n, sizeof(*p->cpus));
	p->heap = calloc(n, sizeof(*p->heap));
	if (!p->cpus || !p->heap)
		return -ENOMEM;
	for (size_t i = 0; i < b->n && err == 0; i++) {
		if (b->rows[i].channel != c->index || !b->rows[i].pages)
			continue;
		p->cpus[p->n].buffer = &b->rows[i];
		err = open_cpu(c, t, &p->cpus[p->n++]);
	}
	return err;
}

static int perf_open(struct channel *c, struct transport_context *t, struct diag *d)
{
	struct perf_channel *p = calloc(1, sizeof(*p));
	int err;

	c->state = p;
	if (!p)
		return -ENOMEM;
	if (!t->buffers || !buffers_has(t->buffers, (uint16_t)c->index))
		return diag_fail(d, -ENOTCONN, NULL, 0, "channel '%s': nobody gives this worker its perf buffers",
				 c->manifest->name);
	find_length(p, c->manifest);
	err = open_cpus(c, t);
	if (err < 0 && err != -E2BIG)
		return diag_fail(d, err, NULL, 0, "channel '%s': its perf buffers: %s", c->manifest->name,
				 strerror(-err));
	return err;
}

static void perf_close(struct channel *c)
{
	struct perf_channel *p = take(c->state);

	for (size_t i = 0; p && i < p->n; i++) {
		perf_fini(&p->cpus[i].perf);
		if (p->cpus[i].map)
			munmap(p->cpus[i].map, p->cpus[i].map_len);
	}
	if (p) {
		free(p->heap);
		free(p->cpus);
	}
	free(p);
}

const struct transport transport_perf = {
	.open = perf_open,
	.close = perf_close,
	.gather = perf_gather,
	.put_back = perf_put_back,
	.release = perf_release_channel,
	.empty = perf_empty_channel,
	.due = perf_due,
	.tick = perf_tick,
	.count = perf_buffers_count,
	.lost = perf_buffers_lost,
};
