/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "perf.h"

#include <errno.h>
#include <string.h>

struct lost_record {		/* PERF_RECORD_LOST, without sample_id_all */
	struct perf_event_header header;
	uint64_t id, lost;
};

void perf_init(struct perf *p, struct perf_event_mmap_page *page, const char *data, uint64_t size, uint64_t next)
{
	uint64_t tail = __atomic_load_n(&page->data_tail, __ATOMIC_RELAXED);

	*p = (struct perf){ .page = page, .data = data, .size = size, .pos = tail, .released = tail };
	perf_look(p);
	/* A position beyond the head is no commit of ours: what lies there are no records. */
	if (tail < next && next <= p->head) {
		p->pos = next;
		perf_release(p, next);
	}
}

void perf_fini(struct perf *p)
{
	free(p->scratch);
	*p = (struct perf){};
}

/* Records begin at multiples of 8, as does the end of the buffer: a header, a time and the length behind it are never
 * torn apart by it. */
static const struct perf_event_header *header_at(const char *data, uint64_t size, uint64_t pos)
{
	return (const struct perf_event_header *)(data + (pos & (size - 1)));
}

/* Where a u64 at @offset within the record at @pos lies; it may go round the end. */
static const char *byte_at(const char *data, uint64_t size, uint64_t pos, size_t offset)
{
	return data + ((pos + offset) & (size - 1));
}

static uint64_t u64_at(const struct perf *p, size_t offset)
{
	uint64_t v;

	memcpy(&v, byte_at(p->data, p->size, p->pos, offset), sizeof(v));
	return v;
}

static uint32_t sample_len(const struct perf *p)
{
	uint32_t v;

	memcpy(&v, byte_at(p->data, p->size, p->pos, offsetof(struct perf_sample, len)), sizeof(v));
	return v;
}

static bool fits(const struct perf_event_header *h, uint64_t left)
{
	if (h->size < sizeof(*h) || h->size % 8 || h->size > left)
		return false;
	if (h->type == PERF_RECORD_SAMPLE)
		return h->size >= PERF_SAMPLE_HEAD;
	return h->type != PERF_RECORD_LOST || h->size >= sizeof(struct lost_record);
}

bool perf_peek(struct perf *p, uint64_t *ret_time)
{
	while (p->pos != p->head) {
		uint64_t left = p->head - p->pos;

		p->next = (struct perf_event_header){};
		if (left <= p->size && left % 8 == 0)
			p->next = *header_at(p->data, p->size, p->pos);
		if (!fits(&p->next, left)) {
			p->damaged = true;
			p->pos = p->head;
			return false;
		}
		if (p->next.type == PERF_RECORD_SAMPLE) {
			*ret_time = u64_at(p, offsetof(struct perf_sample, time));
			return true;
		}
		if (p->next.type == PERF_RECORD_LOST && !p->kernel_counts) {
			*ret_time = 0;
			return true;
		}
		p->pos += p->next.size;	/* throttled, and the like */
	}
	return false;
}

/* In place, or in one piece in the scratch area: there is one such record between two releases. */
static const char *in_one_piece(struct perf *p, uint64_t pos, uint32_t len)
{
	uint64_t at = pos & (p->size - 1), first = p->size - at;

	if (len <= first)
		return p->data + at;
	if (p->scratch_size < len + RECORD_OVERREAD) {
		char *bigger = realloc(p->scratch, len + RECORD_OVERREAD);

		if (!bigger)
			return NULL;
		p->scratch = bigger;
		p->scratch_size = len + RECORD_OVERREAD;
	}
	memcpy(p->scratch, p->data + at, first);
	memcpy(p->scratch + first, p->data, len - first);
	memset(p->scratch + len, 0, RECORD_OVERREAD);
	return p->scratch;
}

bool perf_take(struct perf *p, struct record *ret)
{
	const struct perf_event_header *h = &p->next;
	uint32_t len;

	ret->pos = p->pos;
	ret->end = p->pos + h->size;
	if (h->type == PERF_RECORD_LOST) {
		ret->fate = RECORD_LOST;
		ret->data = NULL;
		ret->len = (uint32_t)MIN(u64_at(p, offsetof(struct lost_record, lost)), (uint64_t)UINT32_MAX);
		ret->time_ns = 0;
		p->pos = ret->end;
		return true;
	}
	len = MIN(sample_len(p), (uint32_t)(h->size - PERF_SAMPLE_HEAD));
	ret->data = in_one_piece(p, p->pos + PERF_SAMPLE_HEAD, len);
	if (!ret->data)
		return false;
	ret->fate = RECORD_EVENT;
	ret->len = len;
	ret->time_ns = u64_at(p, offsetof(struct perf_sample, time));
	p->pos = ret->end;
	return true;
}

int perf_count(const struct perf_event_mmap_page *page, const char *data, uint64_t size, uint64_t pos,
	       uint64_t *ret_samples)
{
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE), n = 0;

	if (head - pos > size || (head - pos) % 8)
		return -EAGAIN;
	while (pos != head) {
		struct perf_event_header h = *header_at(data, size, pos);

		if (!fits(&h, head - pos))
			return -EAGAIN;
		n += h.type == PERF_RECORD_SAMPLE;
		pos += h.size;
	}
	*ret_samples = n;
	return 0;
}
