/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "../common/program.h"

static const struct transport *const transports[] = {
	[CHANNEL_RING_BUFFER] = &transport_ring,
	[CHANNEL_PERF_BUFFER] = &transport_perf,
	[CHANNEL_MAP] = &transport_map,
	[CHANNEL_PIPE] = &transport_pipe,
};

const struct transport *transport_of(int type)
{
	return transports[type];
}

int channel_make_sources(struct channel *c, size_t n)
{
	c->sources = calloc(n, sizeof(*c->sources));
	return c->sources ? 0 : -ENOMEM;
}

/* The row of the channel's part comes to place @at, whichever it had: those before are claimed already, those behind
 * may yet be. NULL: there are too many. */
static struct spool_source *claim_row(struct spool_commit *next, size_t at, size_t channel, uint16_t part)
{
	struct spool_source *rows = next->sources, claimed = { .channel = (uint8_t)channel, .part = part };
	size_t i = at;

	while (i < next->n_sources && (rows[i].channel != channel || rows[i].part != part))
		i++;
	if (i == SPOOL_MAX_SOURCES)
		return NULL;
	if (i < next->n_sources)
		claimed = rows[i];
	else
		next->n_sources++;
	rows[i] = rows[at];
	rows[at] = claimed;
	return &rows[at];
}

int channel_add_source(struct channel *c, struct transport_context *t, uint16_t part, uint32_t id, struct source **ret)
{
	struct source *s = &c->sources[c->n_sources];
	struct spool_source *row = claim_row(&t->spool->next, t->n_sources, c->index, part);

	if (!row)
		return -E2BIG;
	t->n_sources++;
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
