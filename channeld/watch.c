/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../common/paths.h"
#include "../common/spool.h"
#include "channeld.h"
#include "counts.h"
#include "loss.h"

#define LOOK_NS (900 * NSEC_PER_MSEC)	/* the daemon's tick is a second; hints come in between */

struct watch {
	struct spool_reader reader;
	int counts[SPOOL_MAX_CHANNELS];	/* -1: none */
	uint64_t lost[SPOOL_MAX_CHANNELS];	/* as the last commit says: what the program counts comes besides */
	struct loss_reading now;
	struct loss loss;
	bool said;
};

struct watch *watch_new(const struct manifest *m)
{
	const struct manifest_channel *channels = m->channels.items;
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	for (size_t i = 0; i < SPOOL_MAX_CHANNELS; i++)
		w->counts[i] = i < m->channels.n ? counts_open(m, &channels[i]) : -1;
	return w;
}

static void key_of(const char *program, char ret[96])
{
	snprintf(ret, 96, "loss:%s", program);
}

void watch_free(struct watch *w, struct svc *s, const char *program)
{
	char key[96];

	if (!w)
		return;
	key_of(program, key);
	if (w->said)
		svc_degraded(s, key, NULL);
	spool_reader_close(&w->reader);
	for (size_t i = 0; i < SPOOL_MAX_CHANNELS; i++)
		closep(&w->counts[i]);
	free(w);
}

/* ---- reading --------------------------------------------------------------------------------------------- */

/* The spool as it is now: a worker may have made a new one. -ENOENT: there is none yet. */
static int open_spool(struct watch *w, const char *program)
{
	char path[PATH_MAX];
	int err = path_spool(program, path);

	if (err < 0)
		return err;
	if (w->reader.head && spool_reader_current(&w->reader, path))
		return 0;
	spool_reader_close(&w->reader);
	return spool_reader_open(&w->reader, path, true);
}

static void take_commit(struct watch *w, const struct manifest *m, const struct spool_commit *c)
{
	for (size_t i = 0; i < MIN(m->channels.n, (size_t)SPOOL_MAX_CHANNELS); i++) {
		struct spool_source row = commit_channel(c, i);

		w->lost[i] = row.lost;
		if (w->counts[i] >= 0)
			continue;
		w->now.channels[i].lost = row.lost;
		w->now.channels[i].produced = row.drained + row.lost;
	}
	for (size_t i = 0; i < SPOOL_MAX_ROUTES; i++) {
		struct loss_route *to = &w->now.routes[i];
		const struct spool_route *row = &c->routes[i];

		if (i >= c->n_routes) {
			*to = (struct loss_route){};
			continue;
		}
#define X(upper, name) to->name = row->dropped[SPOOL_DROP_##upper];
		LOSS_ROUTE_LIST(X)
#undef X
		to->spool_full = row->spool_full;
	}
}

static int read_spool(struct watch *w, const struct manifest *m)
{
	static struct spool_commit commit;
	int err = open_spool(w, m->program);

	if (err == -ENOENT)
		return 0;
	if (err < 0)
		return err;
	err = spool_read_commit(&w->reader, &commit);
	/* Another load's, whose worker has not made room yet. */
	if (err == -ENODATA || (err == 0 && commit.generation != m->generation))
		return 0;
	if (err < 0)
		return err;
	take_commit(w, m, &commit);
	return 0;
}

static void read_counts(struct watch *w)
{
	for (size_t i = 0; i < SPOOL_MAX_CHANNELS; i++) {
		struct agent_counts c;

		if (w->counts[i] < 0 || counts_read(w->counts[i], &c) < 0)
			continue;
		w->now.channels[i].produced = c.produced;
		w->now.channels[i].ring_full = c.ring_full;
		w->now.channels[i].nmi = c.nmi;
		w->now.channels[i].lost = c.lost + w->lost[i];
	}
}

/* ---- saying ---------------------------------------------------------------------------------------------- */

void watch_look(struct watch *w, struct svc *s, const struct manifest *m, uint64_t now_ns)
{
	cleanup(freep) char *text = NULL;
	char key[96];

	if (w->loss.begun && now_ns - w->now.at_ns < LOOK_NS)
		return;
	if (read_spool(w, m) < 0)
		return;			/* next time */
	read_counts(w);
	w->now.at_ns = now_ns;
	key_of(m->program, key);
	switch (loss_judge(&w->loss, m, &w->now, &text)) {
	case LOSS_NOTHING_NEW:
		return;
	case LOSS_TELL:
		svc_degraded(s, key, "%s", text);
		w->said = true;
		return;
	case LOSS_OVER:
		svc_degraded(s, key, NULL);
		w->said = false;
		return;
	}
}
