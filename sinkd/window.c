/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "window.h"

struct window *window_new(struct sink *s, uint32_t size)
{
	struct window *w = calloc(1, sizeof(*w) + (size_t)size * sizeof(w->entries[0]));

	if (!w)
		return NULL;
	w->sink = s;
	w->size = w->limit = size;
	w->sent_before = s->at.sent;
	return w;
}

void window_free(struct window *w)
{
	free(w);
}

static struct window_entry *nth(struct window *w, uint32_t i)
{
	uint32_t at = w->first + i;

	return &w->entries[at < w->size ? at : at - w->size];
}

struct window_entry *window_push(struct window *w, uint64_t end, uint32_t bytes)
{
	struct window_entry *e = nth(w, w->n++);

	*e = (struct window_entry){ .window = w, .end = end, .bytes = bytes, .unrouted = w->unrouted };
	w->unrouted = 0;
	w->open++;
	return e;
}

void window_pop(struct window *w)
{
	w->unrouted += nth(w, --w->n)->unrouted;
	w->open--;
}

void window_report(struct window_entry *e, enum window_state state, bool maybe)
{
	struct window *w = e->window;
	struct spool_cursor *at = w->sink ? &w->sink->at : NULL;

	w->open--;
	if (!at)
		return;
	if (state == WINDOW_ACKED || maybe)
		w->maybe = MAX(w->maybe, e->end);
	if (state == WINDOW_FAILED && !maybe && e->again)
		at->resent--;
	if (e->state == WINDOW_EXPIRED) {
		if (state == WINDOW_ACKED) {
			at->dropped[SINK_DROP_EXPIRED]--;
			at->acked++;
			at->bytes += e->bytes;
		}
		state = WINDOW_OVER;
	}
	w->n_failed += state == WINDOW_FAILED;
	e->state = state;
}

/* Into the cursor. */
static void count(struct spool_cursor *at, struct window_entry *e)
{
	at->pos = e->end;
	at->unrouted += e->unrouted;
	if (e->state == WINDOW_ACKED) {
		at->acked++;
		at->bytes += e->bytes;
	} else if (e->state == WINDOW_REJECTED) {
		at->dropped[SINK_DROP_REJECTED]++;
	} else {
		at->dropped[SINK_DROP_EXPIRED]++;
		e->state = e->state == WINDOW_SENT ? WINDOW_EXPIRED : WINDOW_OVER;
	}
}

/* Behind the last entry, and without the entries that nobody needs any more. */
static void tidy(struct window *w, uint64_t next)
{
	struct spool_cursor *at = &w->sink->at;

	if (w->settled == w->n) {
		at->unrouted += w->unrouted;
		w->unrouted = 0;
		at->pos = MAX(at->pos, next);
	}
	while (w->settled && nth(w, 0)->state != WINDOW_EXPIRED) {
		w->first = w->first + 1 == w->size ? 0 : w->first + 1;
		w->n--;
		w->settled--;
	}
}

bool window_settle(struct window *w, uint64_t next)
{
	struct spool_cursor *at = &w->sink->at;
	uint64_t was = at->pos;

	while (w->settled < w->n) {
		struct window_entry *e = nth(w, w->settled);

		if (e->state != WINDOW_ACKED && e->state != WINDOW_REJECTED)
			break;
		count(at, e);
		w->settled++;
	}
	tidy(w, next);
	return at->pos != was;
}

void window_expire(struct window *w, uint64_t to, uint64_t next)
{
	struct spool_cursor *at = &w->sink->at;

	while (w->settled < w->n && at->pos < to) {
		count(at, nth(w, w->settled));
		w->settled++;
	}
	tidy(w, next);
}

uint64_t window_sent(const struct window *w)
{
	return MAX(w->sent_before, w->maybe);
}
