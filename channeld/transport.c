/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "../common/program.h"

static const struct transport *const transports[] = {
	[CHANNEL_RING_BUFFER] = &transport_ring,
	[CHANNEL_PERF_BUFFER] = &transport_perf,
};

const struct transport *transport_of(int type)
{
	return type >= 0 && (size_t)type < ARRAY_SIZE(transports) ? transports[type] : NULL;
}

int channel_make_sources(struct channel *c, size_t n)
{
	c->sources = calloc(n, sizeof(*c->sources));
	return c->sources ? 0 : -ENOMEM;
}

int channel_add_source(struct channel *c, struct transport_context *t, uint16_t part, uint32_t id, struct source **ret)
{
	struct source *s = &c->sources[c->n_sources];
	struct spool_source *row;

	if (t->n_sources == SPOOL_MAX_SOURCES)
		return -E2BIG;
	row = &t->spool->next.sources[t->n_sources++];
	if (row->channel != c->index || row->part != part)
		*row = (struct spool_source){ .channel = (uint8_t)c->index, .part = part };
	if (row->id != id) {
		row->id = id;
		row->next = row->lost_seen = 0;
	}
	s->row = row;
	s->id_len = (size_t)snprintf(s->id_text, sizeof(s->id_text), "%x-", id);
	c->n_sources++;
	*ret = s;
	return 0;
}

int transport_watch(const struct transport_context *t, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (t->epoll < 0)
		return 0;
	return epoll_ctl(t->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}
