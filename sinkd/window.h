/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a sink handed over and has not heard of yet. Answers come in any order; the cursor moves in the order of the
 * spool, so it stands before the oldest record that nobody answered for. */
#ifndef EBPF_AGENT_SINKD_WINDOW_H
#define EBPF_AGENT_SINKD_WINDOW_H

#include "sink.h"

enum window_state {
	WINDOW_SENT,		/* no answer yet */
	WINDOW_ACKED,
	WINDOW_REJECTED,	/* refused for good */
	WINDOW_FAILED,		/* not delivered; it stays where the cursor is, for another try */
	WINDOW_EXPIRED,		/* given up, and counted so, before there was an answer */
	WINDOW_OVER,		/* that answer came: nothing is left to count */
};

struct window_entry {
	struct window *window;
	uint64_t end;		/* the position behind it */
	uint32_t bytes;
	uint32_t unrouted;	/* records right before it that are not for this sink */
	uint8_t state;		/* enum window_state */
	bool again;		/* counted in `resent` */
};

struct window {
	struct window *next;	/* the owner's list */
	struct sink *sink;	/* NULL: gone; answers change nothing any more */
	uint32_t size, first, n;	/* entries, a ring */
	uint32_t settled;	/* of those n, from the first: counted in the cursor, kept because no answer came */
	uint32_t open;		/* without an answer */
	uint32_t unrouted;	/* behind the last entry */
	uint32_t n_failed;
	uint32_t limit;		/* of the entries as many are used, at most */
	bool touched, starved;	/* the owner's notes: answers came in; there was no room elsewhere */
	uint64_t sent_before;	/* the cursor's `sent` when it was made */
	uint64_t maybe;		/* the end of the last entry that may be there */
	struct window_entry entries[];
};

/* @size: entries. NULL: out of memory. */
struct window *window_new(struct sink *s, uint32_t size);
/* Accepts NULL. */
void window_free(struct window *w);

static inline uint32_t window_room(const struct window *w)
{
	return w->n < w->limit ? w->limit - w->n : 0;
}

/* The record that ends at @end is about to be handed over; there is room. The entry keeps its place until it is
 * answered for, and longer. */
struct window_entry *window_push(struct window *w, uint64_t end, uint32_t bytes);
/* It was not: takes the newest entry back. */
void window_pop(struct window *w);
/* A record that is passed over. */
static inline void window_pass(struct window *w)
{
	w->unrouted++;
}

/* The answer: @state WINDOW_ACKED, _REJECTED or _FAILED; @maybe, of the last: it may be there all the same. Once for
 * each entry. Changes the sink's `at` only where it was counted too soon (expired, resent); then call
 * window_settle(). */
void window_report(struct window_entry *e, enum window_state state, bool maybe);
/* Moves the sink's `at` over all that is answered for; @next: where it reads on. True: it moved. */
bool window_settle(struct window *w, uint64_t next);
/* Moves it up to @to, or the end: what was not answered for is counted as expired, and corrected if it was delivered
 * after all. */
void window_expire(struct window *w, uint64_t to, uint64_t next);
/* All are answered for, and some failed: what of the cursor's `sent` still holds. */
uint64_t window_sent(const struct window *w);

#endif
