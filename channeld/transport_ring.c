/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ring_buffer: a BPF ring buffer map, drained in place. */
#include <errno.h>
#include <string.h>

#include "../common/pins.h"
#include "ring.h"

int ring_channel_open(struct channel *c, struct transport_context *t, int fd, struct diag *d)
{
	const struct manifest_channel *mc = c->manifest;
	struct ring *ring = calloc(1, sizeof(*ring));
	struct source *source;
	int err = ring ? ring_open(ring, fd, false) : -ENOMEM;

	if (err < 0) {
		free(ring);
		close(fd);
		return diag_fail(d, err, NULL, 0, "channel '%s': map '%s': %s", mc->name, mc->map, strerror(-err));
	}
	c->state = ring;
	/* A ring that nobody's link writes to would be silent for ever. */
	if (mc->map_id && ring->map_id != mc->map_id)
		return diag_fail(d, -ESTALE, NULL, 0, "channel '%s': the pinned map has id %u, the manifest says %llu",
				 mc->name, ring->map_id, (unsigned long long)mc->map_id);
	err = channel_make_sources(c, 1);
	if (err == 0)
		err = channel_add_source(c, t, 0, ring->map_id, &source);
	if (err < 0)
		return err;
	ring_resume(ring, source->row->next);
	source->row->next = ring->pos;
	return transport_watch(t, ring->fd);
}

static int ring_open_pinned(struct channel *c, struct transport_context *t, struct diag *d)
{
	const struct manifest_channel *mc = c->manifest;
	int fd = pin_get(t->manifest->program, mc->item, PIN_MAP, mc->map);

	if (fd < 0)
		return diag_fail(d, fd, NULL, 0, "channel '%s': pin of map '%s': %s", mc->name, mc->map, strerror(-fd));
	return ring_channel_open(c, t, fd, d);
}

static void ring_close_channel(struct channel *c)
{
	struct ring *ring = take(c->state);

	if (ring)
		ring_close(ring);
	free(ring);
}

static size_t ring_gather(struct channel *c, struct record *ret, size_t quota)
{
	struct ring *ring = c->state;
	struct record *r = ret, *end = ret + quota;

	while (r < end && ring_next(ring, r)) {
		r->source = c->sources;
		r->channel = c;
		r++;
	}
	return (size_t)(r - ret);
}

static void ring_put_back(struct channel *c, const struct record *records, size_t n)
{
	struct ring *ring = c->state;

	(void)n;
	ring->pos = records[0].pos;
}

static void ring_release_channel(struct channel *c)
{
	ring_release(c->state, c->sources[0].row->next);
}

static bool ring_empty_channel(struct channel *c)
{
	return ring_empty(c->state);
}

static int ring_count_channel(const struct manifest *m, const struct manifest_channel *c,
			      const struct spool_commit *commit, uint64_t *ret_pending, uint64_t *ret_discarded)
{
	struct ring ring = {};
	uint64_t next = 0;
	int fd = pin_get(m->program, c->item, PIN_MAP, c->map), err;

	if (fd < 0)
		return fd;
	err = ring_open(&ring, fd, true);
	if (err < 0) {
		close(fd);
		return err;
	}
	for (size_t i = 0; i < commit->n_sources; i++)
		if (commit->sources[i].id == ring.map_id)
			next = commit->sources[i].next;
	err = ring_count(&ring, next, ret_pending, ret_discarded);
	ring_close(&ring);
	return err;
}

const struct transport transport_ring = {
	.open = ring_open_pinned,
	.close = ring_close_channel,
	.gather = ring_gather,
	.put_back = ring_put_back,
	.release = ring_release_channel,
	.empty = ring_empty_channel,
	.count = ring_count_channel,
};
