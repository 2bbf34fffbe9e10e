/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "stream.h"

/* Of each route, how many records lie before @pos. */
static int count_passed(struct stream *st, uint64_t pos, uint64_t ret[SPOOL_MAX_ROUTES])
{
	cleanup(freep) struct spool_commit *c = malloc(sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	r = spool_read_commit(&st->reader, c);
	if (r < 0)
		return r;
	for (unsigned j = 0; j < MIN(c->n_routes, (unsigned)SPOOL_MAX_ROUTES); j++)
		ret[j] = c->routes[j].spooled;
	while (pos < c->head) {
		struct spool_rec rec;
		const char *line;

		r = spool_read(&st->reader, pos, c->head, &rec, &line);
		if (r < 0)
			return r;
		ret[rec.route]--;
		pos += rec.len;
	}
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

int stream_ledger(struct stream *st, struct sink_ledger ret[SPOOL_MAX_CURSORS])
{
	struct sink_ledger l[SPOOL_MAX_CURSORS] = {};
	cleanup(freep) struct spool_commit *c = malloc(sizeof(*c));
	uint64_t pos;
	int r;

	if (!c)
		return -ENOMEM;
	if (!st->open)
		return -ENODATA;
	r = spool_read_commit(&st->reader, c);
	if (r < 0)
		return r;
	pos = c->head;
	for (size_t i = 0; i < st->n_sinks; i++) {
		if (st->sinks[i]->cursor < 0)
			continue;
		pos = MIN(pos, st->sinks[i]->at.pos);
		for (unsigned j = 0; j < MIN(c->n_routes, (unsigned)SPOOL_MAX_ROUTES); j++)
			if (sink_takes(st->sinks[i], j))
				l[i].routed += c->routes[j].spooled;
		l[i].routed -= st->sinks[i]->at.before;
	}
	while (pos < c->head) {
		struct spool_rec rec;
		const char *line;

		r = spool_read(&st->reader, pos, c->head, &rec, &line);
		if (r < 0)
			return r;
		for (size_t i = 0; i < st->n_sinks; i++)
			l[i].pending += st->sinks[i]->cursor >= 0 && st->sinks[i]->at.pos <= pos &&
					sink_takes(st->sinks[i], rec.route);
		pos += rec.len;
	}
	memcpy(ret, l, sizeof(l));
	return 0;
}
