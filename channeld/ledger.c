/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger, from three places that know: the kernel's own counters, the channel itself, and the last commit. Exact at
 * rest; a row that moved while it was read says "live". */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../common/paths.h"
#include "../common/spool.h"
#include "channeld.h"
#include "counts.h"
#include "transport.h"

#define TRIES 4

struct channel_ledger {
	struct spool_source row;	/* of all its sources */
	struct agent_counts counts;
	bool counted;			/* the object has counters */
	bool makes_wait;		/* see struct transport */
	bool has_pending, live;
	uint64_t pending, discarded;	/* discarded: whether or not they were drained yet */
	uint64_t lost;
	bool lost_unknown;		/* more than that */
};

/* ---- one reading ------------------------------------------------------------------------------------------ */

static int read_commit(const struct manifest *m, struct spool_commit *ret)
{
	struct spool_reader r = {};
	char path[PATH_MAX];
	int err = path_spool(m->program, path);

	if (err == 0)
		err = spool_reader_open(&r, path, true);
	if (err < 0)
		return err;
	err = spool_read_commit(&r, ret);
	spool_reader_close(&r);
	return err;
}

static int read_counts(const struct manifest *m, const struct manifest_channel *c, struct agent_counts *ret)
{
	cleanup(closep) int fd = counts_open(m, c);

	return fd < 0 ? fd : counts_read(fd, ret);
}

struct spool_source commit_channel(const struct spool_commit *commit, size_t index)
{
	struct spool_source sum = {};

	for (size_t i = 0; i < commit->n_sources; i++) {
		const struct spool_source *row = &commit->sources[i];

		if (row->channel != index)
			continue;
		sum.next += row->next;
		sum.drained += row->drained;
		sum.drained_bytes += row->drained_bytes;
		sum.discarded += row->discarded;
		sum.lost += row->lost;
		sum.flags |= row->flags;
	}
	return sum;
}

/* False: it moved while it was read. */
static bool read_channel(const struct manifest *m, size_t index, const struct spool_commit *commit,
			 struct channel_ledger *ret)
{
	const struct manifest_channel *c = (const struct manifest_channel *)m->channels.items + index;
	const struct transport *t = transport_of((int)c->type);
	struct channel_ledger l = { .row = commit_channel(commit, index), .makes_wait = t->makes_wait };
	struct agent_counts before;
	bool counted = c->counts && read_counts(m, c, &before) == 0;
	int err = t->count ? t->count(m, c, commit, &l.pending, &l.discarded) : -EOPNOTSUPP;

	l.has_pending = err == 0;
	l.discarded += l.row.discarded;
	l.lost = l.row.lost + (t->lost ? t->lost(m, c, commit) : 0);
	l.lost_unknown = c->lost_unknown || l.row.flags & SPOOL_SOURCE_LOST_UNKNOWN;
	l.counted = counted && read_counts(m, c, &l.counts) == 0;
	l.lost += l.counted ? l.counts.lost : 0;
	l.live = err == -EAGAIN || (l.counted && before.produced != l.counts.produced);
	/* Entries of a map that were read: what it refused before was never one. */
	if (!l.counted && t->loses_nothing && l.has_pending) {
		l.counts.produced = l.row.drained + l.pending;
		l.counted = true;
	}
	*ret = l;
	return l.has_pending && !l.live;
}

/* No commit yet, or only an earlier load's: nothing was drained, and zero is the truth. */
static void read_commit_or_zero(const struct manifest *m, struct spool_commit *ret)
{
	if (read_commit(m, ret) < 0 || ret->generation != m->generation)
		memset(ret, 0, sizeof(*ret));
}

/* One commit for all rows, then the channels from there on, between two readings of the counters: whatever moved
 * meanwhile shows in these or in a second commit. */
static void read_all(const struct manifest *m, struct spool_commit commit[2], struct channel_ledger *l)
{
	for (int i = 0; i < TRIES; i++) {
		bool still = true;

		read_commit_or_zero(m, &commit[0]);
		for (size_t k = 0; k < m->channels.n; k++)
			still &= read_channel(m, k, &commit[0], &l[k]);
		read_commit_or_zero(m, &commit[1]);
		for (size_t k = 0; k < m->channels.n; k++) {
			l[k].live |= commit_channel(&commit[1], k).next != l[k].row.next;
			still &= !l[k].live;
		}
		if (still)
			return;
	}
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static void channel_row(const struct manifest *m, const struct manifest_channel *c, const struct channel_ledger *l,
			struct bus_rows *rows)
{
	bus_row_begin(rows);
	bus_row_str(rows, "kind", "channel");
	bus_row_str(rows, "program", m->program);
	bus_row_str(rows, "channel", c->name);
	if (l->counted)
		bus_row_u64(rows, "produced", l->counts.produced);
	else
		bus_row_str(rows, "produced", "unknown");
	bus_row_u64(rows, "drained", l->row.drained);
	if (l->has_pending)
		bus_row_u64(rows, "pending", l->pending);
	else
		bus_row_str(rows, "pending", "unknown");
	if (l->counted || l->makes_wait) {
		bus_row_u64(rows, "ring_full", l->counts.ring_full);
		bus_row_u64(rows, "nmi", l->counts.nmi);
	} else {
		bus_row_str(rows, "ring_full", "unknown");
		bus_row_str(rows, "nmi", "unknown");
	}
	if (l->lost_unknown)
		bus_row_str(rows, "lost", "unknown");
	else
		bus_row_u64(rows, "lost", l->lost);
	bus_row_u64(rows, "discarded", l->discarded);
	/* `produced` counts attempts, and with them what the program thought better of. */
	if (l->counted && l->has_pending && !l->lost_unknown)
		bus_row_strf(rows, "balance", "%lld",
			     (long long)(l->counts.produced - l->row.drained - l->pending - l->counts.ring_full -
					 l->counts.nmi - l->lost - l->discarded));
	else
		bus_row_str(rows, "balance", "unknown");
	bus_row_bool(rows, "live", l->live);
	bus_row_end(rows);
}

static void event_row(const struct manifest *m, const struct spool_commit *commit, size_t i, struct bus_rows *rows)
{
	const struct manifest_route *r = &((const struct manifest_route *)m->routes.items)[i];
	const struct manifest_channel *c = &((const struct manifest_channel *)m->channels.items)[r->channel];
	const struct spool_route *row = &commit->routes[i];

	bus_row_begin(rows);
	bus_row_str(rows, "kind", "event");
	bus_row_str(rows, "program", m->program);
	bus_row_str(rows, "channel", c->name);
	bus_row_str(rows, "event", r->event_name);
	bus_row_u64(rows, "drained", commit_channel(commit, r->channel).drained);
	bus_row_u64(rows, "ok", row->ok);
#define X(upper, lower, help) bus_row_u64(rows, #lower, row->dropped[SPOOL_DROP_##upper]);
	SPOOL_DROP_LIST(X)
#undef X
	bus_row_u64(rows, "results", row->results);
	bus_row_u64(rows, "spooled", row->spooled);
	bus_row_u64(rows, "spool_full", row->spool_full);
	bus_row_u64(rows, "repaired", row->repaired);
	bus_row_end(rows);
}

void ledger_append(const struct manifest *m, struct bus_rows *rows)
{
	cleanup(freep) struct spool_commit *commit = calloc(2, sizeof(*commit));
	cleanup(freep) struct channel_ledger *l = calloc(m->channels.n + 1, sizeof(*l));
	const struct manifest_channel *channels = m->channels.items;

	if (!commit || !l)
		return;
	read_all(m, commit, l);
	for (size_t i = 0; i < m->channels.n; i++)
		channel_row(m, &channels[i], &l[i], rows);
	for (size_t i = 0; i < m->routes.n && i < SPOOL_MAX_ROUTES; i++)
		event_row(m, &commit[0], i, rows);
}
