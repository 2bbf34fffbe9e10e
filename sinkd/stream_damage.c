/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records that cannot be read any more: a sink goes on behind them, and counts how many of its own they were. That is
 * known without them, since the commit says how many each route has, the cursor how many are done with, and the rest
 * can be counted. */
#include <inttypes.h>
#include <string.h>

#include "stream.h"

bool stream_count_sound(const struct stream *st, uint64_t pos, uint64_t head, uint64_t ret[SPOOL_MAX_ROUTES])
{
	bool damaged = false;

	memset(ret, 0, SPOOL_MAX_ROUTES * sizeof(ret[0]));
	while (pos < head) {
		struct spool_rec rec;
		const char *line;

		if (spool_read(&st->reader, pos, head, &rec, &line) < 0) {
			damaged = true;
			pos = spool_next_sound(&st->reader, pos, head);
			continue;
		}
		ret[rec.route]++;
		pos += rec.len;
	}
	return damaged;
}

/* Of a spool that somebody forged it is any number, but no negative one. */
static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t stream_outstanding(const struct sink *s, const struct spool_commit *c, const struct spool_cursor *at)
{
	uint64_t routed = 0, done = at->before + at->acked;

	for (unsigned i = 0; i < MIN(c->n_routes, (unsigned)SPOOL_MAX_ROUTES); i++)
		routed += sink_takes(s, i) ? c->routes[i].spooled : 0;
	for (unsigned i = 0; i < SINK_N_DROPS; i++)
		done += at->dropped[i];
	return minus(routed, done);
}

static void damage_key(const struct stream *st, char ret[128])
{
	snprintf(ret, 128, "damage:%s", st->program);
}

static void say(struct stream *st, const struct sink *s, uint64_t from)
{
	char key[128];

	damage_key(st, key);
	svc_degraded(st->sinkd->svc, key,
		     "%s: its spool was damaged in memory: records cannot be read from %" PRIu64 " to %" PRIu64
		     "; for %s, %" PRIu64 " are lost and counted as damaged so far",
		     st->program, from, s->at.pos, s->name, s->at.dropped[SINK_DROP_DAMAGED]);
	st->said_damage = true;
}

void stream_forget_damage(struct stream *st)
{
	char key[128];

	if (!st->said_damage || st->sinkd->stopping)
		return;
	damage_key(st, key);
	svc_degraded(st->sinkd->svc, key, NULL);
	st->said_damage = false;
}

uint64_t stream_skip_damage(struct stream *st, const struct sink *s, const struct spool_commit *c,
			    struct spool_cursor *at)
{
	uint64_t sound[SPOOL_MAX_ROUTES], from = at->pos, left = 0;

	at->pos = spool_next_sound(&st->reader, from, c->head);
	stream_count_sound(st, at->pos, c->head, sound);
	for (unsigned i = 0; i < SPOOL_MAX_ROUTES; i++)
		left += sink_takes(s, i) ? sound[i] : 0;
	return minus(stream_outstanding(s, c, at), left);
}

void stream_count_damage(struct stream *st, struct sink *s)
{
	uint64_t from = s->at.pos, lost = stream_skip_damage(st, s, &st->commit, &s->at);

	s->at.dropped[SINK_DROP_DAMAGED] += lost;
	if (lost)
		say(st, s, from);
}

uint64_t stream_pass_damage(struct stream *st, uint64_t from)
{
	uint64_t looked_at = 0;

	for (size_t i = 0; i < st->n_sinks; i++) {
		struct sink *s = st->sinks[i];

		if (!s->open || s->waiting || sink_next(s) != from)
			continue;
		/* What is under way is not counted yet: an answer comes for all of it, and then this is tried again. */
		if (s->at.pos != from) {
			s->waiting = true;
			looked_at++;
			continue;
		}
		stream_count_damage(st, s);
		sink_publish(s);
		s->next = s->at.pos;
		looked_at += st->commit.head - from;
	}
	return looked_at;
}
