/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sinks whose receiver answers later: records are handed over ahead of the cursor, which follows the answers. Killed in
 * between, a new sinkd hands over again what the cursor has not passed; how many that were is in the cursor, since it
 * is written before anything is handed over. */
#include <errno.h>

#include "stream.h"
#include "window.h"

static uint64_t end_of(const struct sink_rec *r)
{
	return r->rec.pos + r->rec.len;
}

/* How many of the @n records can be dealt with now; what the cursor has to say of them before they are. */
static size_t plan(const struct sink *s, const struct sink_rec *recs, size_t n, struct spool_cursor *at)
{
	uint32_t room = window_room(s->window);
	uint64_t sent = at->sent;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!sink_takes(s, recs[i].rec.route))
			continue;
		if (!room)
			break;
		room--;
		at->resent += recs[i].rec.pos < sent;
		at->sent = MAX(at->sent, end_of(&recs[i]));
	}
	return i;
}

/* 0, or as send(): nothing was taken. */
static int hand_over(struct sink *s, const struct sink_rec *rec)
{
	uint64_t end = end_of(rec);
	struct window_entry *e = window_push(s->window, end, rec->rec.line_len);
	int r;

	e->again = rec->rec.pos < s->at.sent;
	r = s->type->send(s, rec, e);
	if (r == -EMSGSIZE)
		window_report(e, WINDOW_REJECTED, false);
	else if (r < 0)
		window_pop(s->window);
	if (r < 0 && r != -EMSGSIZE)
		return r;
	s->at.resent += e->again;
	s->at.sent = MAX(s->at.sent, end);
	return 0;
}

void sink_feed_async(struct sink *s, const struct sink_rec *recs, size_t n)
{
	struct spool_cursor ahead = s->at, was = s->at;
	size_t m = plan(s, recs, n, &ahead), i;
	int r = m < n ? -EAGAIN : 0;

	if (ahead.sent != s->at.sent || ahead.resent != s->at.resent) {
		s->at = ahead;
		sink_publish(s);
		s->at = was;
	}
	for (i = 0; i < m; i++) {
		int err = 0;

		if (sink_takes(s, recs[i].rec.route))
			err = hand_over(s, &recs[i]);
		else
			window_pass(s->window);
		if (err < 0) {
			r = err;
			break;
		}
		s->next = end_of(&recs[i]);
	}
	if (window_settle(s->window, s->next) || s->at.sent != ahead.sent || s->at.resent != ahead.resent)
		sink_publish(s);
	if (r == -EAGAIN)
		s->waiting = true;
	else if (r == -ESTALE)
		sink_close(s);
	else if (r < 0)
		sink_back_off(s);
}

void sink_settle(struct sink *s)
{
	window_settle(s->window, s->next);
	sink_publish(s);
}

static void expire_unread(struct sink *s, uint64_t to)
{
	struct stream *st = s->stream;

	while (s->at.pos < to) {
		struct spool_rec rec;
		const char *line;

		if (spool_read(&st->reader, s->at.pos, st->commit.head, &rec, &line) < 0) {
			stream_count_damage(st, s);
			continue;
		}
		s->at.pos += rec.len;
		if (sink_takes(s, rec.route))
			s->at.dropped[SINK_DROP_EXPIRED]++;
		else
			s->at.unrouted++;
	}
	s->next = MAX(s->next, s->at.pos);
}

void sink_expire(struct sink *s, uint64_t to)
{
	if (!s->gave_up_ns)
		log_warning("%s: %s: the spool is nearly full: what is oldest is given up, and counted as expired",
			    s->stream->program, s->name);
	s->gave_up_ns = uv_hrtime();
	if (s->window)
		window_expire(s->window, to, s->next);
	expire_unread(s, to);
	sink_publish(s);
}
