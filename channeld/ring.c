/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "ring.h"

static int ring_map(struct ring *r, bool look_on)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = page + 2 * r->size;
	char *map;

	if (!look_on) {
		void *consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);

		if (consumer == MAP_FAILED)
			return -errno;
		r->consumer = consumer;
	}
	/* One page more than the ring has, so that wide loads at its very end stay within memory of our own. */
	map = mmap(NULL, len + page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	r->map = map;
	r->map_len = len + page;
	if (mmap(map, len, PROT_READ, MAP_SHARED | MAP_FIXED, r->fd, (off_t)page) == MAP_FAILED)
		return -errno;
	r->producer = (const uint64_t *)map;
	r->data = map + page;
	return 0;
}

int ring_open(struct ring *r, int fd, bool look_on)
{
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info);
	struct ring n = { .fd = -1 };
	int err;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_RINGBUF)
		return -EINVAL;
	n.fd = fd;
	n.map_id = info.id;
	n.size = info.max_entries;
	n.mask = n.size - 1;
	err = ring_map(&n, look_on);
	if (err < 0) {
		n.fd = -1;
		ring_close(&n);
		return err;
	}
	if (!look_on)
		n.pos = n.seen = ring_consumed(&n);
	*r = n;
	return 0;
}

void ring_close(struct ring *r)
{
	if (r->map)
		munmap(r->map, r->map_len);
	if (r->consumer)
		munmap(r->consumer, (size_t)sysconf(_SC_PAGESIZE));
	if (r->map && r->fd >= 0)
		close(r->fd);
	*r = (struct ring){ .fd = -1 };
}

void ring_resume(struct ring *r, uint64_t pos)
{
	/* A position beyond the producer's is no commit of ours: what lies there are no records. */
	if (ring_consumed(r) < pos && pos <= ring_produced(r))
		__atomic_store_n(r->consumer, pos, __ATOMIC_RELEASE);
	r->pos = r->seen = ring_consumed(r);
}

int ring_count(const struct ring *r, uint64_t pos, uint64_t *ret_events, uint64_t *ret_discarded)
{
	uint64_t end = ring_produced(r), events = 0, discarded = 0;

	if (pos > end || end - pos > r->size)
		return -EAGAIN;
	while (pos < end) {
		uint32_t header = __atomic_load_n((const uint32_t *)(r->data + (pos & r->mask)), __ATOMIC_ACQUIRE);
		uint32_t len = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (header & BPF_RINGBUF_DISCARD_BIT)
			discarded++;
		else
			events++;
		pos += ALIGN_UP((uint64_t)len + BPF_RINGBUF_HDR_SZ, 8);
	}
	/* Whoever overwrites what we walk makes headers of payload; then the walk ends anywhere. */
	if (pos != end)
		return -EAGAIN;
	*ret_events = events;
	*ret_discarded = discarded;
	return 0;
}
