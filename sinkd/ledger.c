/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "stream.h"

/* Of each route, how many records lie before @pos; those that cannot be read any more with them, since nobody can say
 * of which routes they were. */
static int count_passed(struct stream *st, uint64_t pos, uint64_t ret[SPOOL_MAX_ROUTES])
{
	cleanup(freep) struct spool_commit *c = malloc(sizeof(*c));
	uint64_t sound[SPOOL_MAX_ROUTES];
	int r;

	if (!c)
		return -ENOMEM;
	r = spool_read_commit(&st->reader, c);
	if (r < 0)
		return r;
	stream_count_sound(st, pos, c->head, sound);
	for (unsigned j = 0; j < MIN(c->n_routes, (unsigned)SPOOL_MAX_ROUTES); j++)
		ret[j] = c->routes[j].spooled - sound[j];
	return 0;
}

int stream_count_before(struct stream *st, struct sink *s)
{
	uint64_t passed[SPOOL_MAX_ROUTES] = {}, gone = s->at.routes & ~s->routes, added = s->routes & ~s->at.routes;
	int r;

	if (!gone && !added)
		return 0;
	r = s->at.pos ? count_passed(st, s->at.pos, passed) : 0;
	if (r < 0)
		return r;
	for (unsigned j = 0; j < SPOOL_MAX_ROUTES; j++)
		s->at.before += (added >> j & 1) * passed[j] - (gone >> j & 1) * passed[j];
	s->at.routes = s->routes;
	sink_publish(s);
	return 0;
}

static uint64_t routed(const struct sink *s, const struct spool_commit *c)
{
	uint64_t n = 0;

	for (unsigned j = 0; j < MIN(c->n_routes, (unsigned)SPOOL_MAX_ROUTES); j++)
		if (sink_takes(s, j))
			n += c->routes[j].spooled;
	return n - s->at.before;
}

/* What cannot be read is still to be passed, and counted then. */
static uint64_t pending(struct stream *st, const struct sink *s, const struct spool_commit *c)
{
	uint64_t sound[SPOOL_MAX_ROUTES], n = 0;

	if (stream_count_sound(st, s->at.pos, c->head, sound))
		return stream_outstanding(s, c, &s->at);
	for (unsigned j = 0; j < SPOOL_MAX_ROUTES; j++)
		if (sink_takes(s, j))
			n += sound[j];
	return n;
}

int stream_ledger(struct stream *st, struct sink_ledger ret[SPOOL_MAX_CURSORS])
{
	cleanup(freep) struct spool_commit *c = malloc(sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	if (!st->open)
		return -ENODATA;
	r = spool_read_commit(&st->reader, c);
	if (r < 0)
		return r;
	for (size_t i = 0; i < st->n_sinks; i++)
		if (st->sinks[i]->cursor >= 0)
			ret[i] = (struct sink_ledger){ routed(st->sinks[i], c), pending(st, st->sinks[i], c) };
	return 0;
}
