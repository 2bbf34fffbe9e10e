/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A map, read as a whole while it changes.
 *
 * Of a hash the kernel hands out bucket by bucket, each under its lock, and an entry never leaves its bucket: one that
 * is there all the time comes exactly once. By keys (stack maps know nothing else) one comes twice if that which led to
 * it went away; the second is dropped. What could not be read to its end is no reading: an entry that is missing in one
 * would count from 0 in the next. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "poll.h"

#define BATCH 4096u

/* Since Linux 6.1 at the latest all these know batches, but for stack maps. */
bool poll_type_known(uint32_t type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_STACK_TRACE:
		return true;
	default:
		return poll_is_per_cpu(type);
	}
}

bool poll_is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool no_batches(int err)
{
	return err == -EOPNOTSUPP || err == -524 /* ENOTSUPP, the kernel's own */ || err == -EINVAL;
}

static int read_batches(const struct poll *p, struct snapshot_half *h, uint32_t *ret_n)
{
	uint32_t capacity = p->snapshot.shape.capacity, n = 0, want = BATCH;
	cleanup(freep) uint8_t *place = calloc(1, MAX(p->info.key_size, 8u));
	void *in = NULL;

	if (!place)
		return -ENOMEM;
	while (n < capacity) {
		uint32_t count = MIN(want, capacity - n);
		int err = bpf_map_lookup_batch(p->fd, in, place, h->keys + (size_t)n * p->info.key_size,
					       h->values + (size_t)n * p->stride * p->copies, &count, NULL);

		err = err ? -errno : 0;
		if (err == -ENOSPC && want < capacity - n) {
			want *= 2;		/* for a bucket that is longer */
			continue;
		}
		if (err && err != -ENOENT)
			return err == -ENOSPC ? -E2BIG : err;
		n += MIN(count, capacity - n);
		in = place;
		if (err == -ENOENT) {
			*ret_n = n;
			return 0;
		}
	}
	return -E2BIG;
}

static int read_by_keys(const struct poll *p, struct snapshot_half *h, uint32_t *ret_n)
{
	uint32_t capacity = p->snapshot.shape.capacity, size = p->info.key_size, n = 0;
	cleanup(freep) uint8_t *keys = calloc(2, size);
	uint8_t *last = NULL, *next = keys;

	if (!keys)
		return -ENOMEM;
	/* Each step gives an entry, or one that went away meanwhile: twice as many as there may be is a dance that does
	 * not end. */
	for (uint64_t steps = 0; n < capacity && steps / 2 < capacity; steps++) {
		if (bpf_map_get_next_key(p->fd, last, next)) {
			if (errno != ENOENT)
				return -errno;
			*ret_n = n;
			return 0;
		}
		last = next;
		next = next == keys ? keys + size : keys;
		memcpy(h->keys + (size_t)n * size, last, size);
		if (bpf_map_lookup_elem(p->fd, last, h->values + (size_t)n * p->stride * p->copies) == 0)
			n++;
		else if (errno != ENOENT)
			return -errno;
	}
	return -E2BIG;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

struct by_key {
	const struct poll *p;
	const struct snapshot_half *h;
};

static int compare(const void *a, const void *b, void *arg)
{
	const struct by_key *k = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int c = memcmp(poll_key(k->p, k->h, x), poll_key(k->p, k->h, y), k->p->info.key_size);

	return c ? c : (x > y) - (x < y);
}

/* Of entries that came twice only the first has a place in the order. */
static uint32_t drop_twins(const struct poll *p, struct snapshot_half *h, uint32_t n)
{
	uint32_t kept = MIN(n, 1u);

	for (uint32_t i = 1; i < n; i++)
		if (memcmp(poll_key(p, h, h->order[kept - 1]), poll_key(p, h, h->order[i]), p->info.key_size) != 0)
			h->order[kept++] = h->order[i];
	return kept;
}

int poll_read(const struct poll *p, struct snapshot_half *h, uint32_t *ret_stored, uint32_t *ret_n)
{
	struct by_key k = { p, h };
	uint32_t n = 0;
	int err = p->is_stack ? -EOPNOTSUPP : read_batches(p, h, &n);

	if (no_batches(err))
		err = read_by_keys(p, h, &n);
	if (err)
		return err;
	for (uint32_t i = 0; i < n; i++)
		h->order[i] = i;
	qsort_r(h->order, n, sizeof(*h->order), compare, &k);
	*ret_stored = n;
	*ret_n = drop_twins(p, h, n);
	return 0;
}
