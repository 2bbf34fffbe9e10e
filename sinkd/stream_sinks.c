/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which sinks a stream has: what the manifest asks for, compared with what there is. */
#include <errno.h>
#include <string.h>

#include "../common/manifest.h"
#include "../common/program.h"
#include "../abi/console.h"
#include "stream.h"

struct wish {
	const struct sink_type *type;
	char cursor[SINK_NAME_MAX];
	void *options;			/* in the arena */
	uint64_t routes;
};

struct wishes {
	struct wish w[SPOOL_MAX_CURSORS];
	size_t n;
	char refused[256];		/* what cannot be had; empty: nothing */
};

static struct wish *wish_add(struct wishes *all, const struct sink_type *type, const char *cursor, void *options)
{
	struct wish *w;

	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->w[i].cursor, cursor))
			continue;
		if (!all->refused[0] && memcmp(all->w[i].options, options, type->options_size))
			snprintf(all->refused, sizeof(all->refused), "events that go to one place (%s) ask for it in "
				 "different ways: the first's hold", cursor);
		return &all->w[i];
	}
	if (all->n == SPOOL_MAX_CURSORS) {
		snprintf(all->refused, sizeof(all->refused), "more than %d sinks: what would go to %s stays behind",
			 SPOOL_MAX_CURSORS, cursor);
		return NULL;
	}
	w = &all->w[all->n++];
	*w = (struct wish){ .type = type, .options = options };
	snprintf(w->cursor, sizeof(w->cursor), "%s", cursor);
	return w;
}

static int wish_for_route(struct stream *st, struct arena *a, struct wishes *all, unsigned route,
			  const struct storage *ms)
{
	const struct sink_type *type = sink_type_find(ms->sink);
	char cursor[SINK_NAME_MAX];
	struct wish *w;
	void *options;

	if (!type || type->missing || !type->options_size) {
		snprintf(all->refused, sizeof(all->refused), "storage %.64s is %s", ms->sink,
			 type && type->missing ? "not built in this version" : "unknown");
		return 0;
	}
	options = arena_alloc(a, type->options_size);
	if (!options)
		return -ENOMEM;
	if (type->options(st->sinkd, st->program, ms->options, options, cursor) < 0)
		return -ENOMEM;
	w = wish_add(all, type, cursor, options);
	if (w)
		w->routes |= 1ULL << route;
	return 0;
}

/* With sinkd.yaml's defaults for what the program does not speak of. */
static int wishes_of_route(struct stream *st, struct arena *a, struct wishes *all, unsigned i,
			   const struct manifest_route *route, struct diag *d)
{
	const struct manifest_sink *said = route->sinks.items;
	struct storage *rows = arena_alloc(a, (route->sinks.n + 1) * sizeof(*rows));
	size_t n;
	int r;

	if (!rows)
		return -ENOMEM;
	for (size_t j = 0; j < route->sinks.n; j++)
		rows[j] = (struct storage){ said[j].sink, said[j].options, said[j].off };
	r = storage_resolve(a, rows, route->sinks.n, st->sinkd->conf->storage, &rows, &n, d);
	for (size_t j = 0; j < n && r == 0; j++)
		r = wish_for_route(st, a, all, i, &rows[j]);
	return r;
}

static int names_make(struct stream *st, const struct manifest *m)
{
	const struct manifest_channel *channels = m->channels.items;
	const struct manifest_route *routes = m->routes.items;
	size_t n = MIN(m->routes.n, (size_t)SPOOL_MAX_ROUTES);
	cleanup(freep) struct stream_route *names = calloc(n + 1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		snprintf(names[i].channel, sizeof(names[i].channel), "%.63s", channels[routes[i].channel].name);
		snprintf(names[i].event, sizeof(names[i].event), "%.63s", routes[i].event_name ?: "event");
		names[i].keyed = routes[i].key_offset >= 0;
	}
	if (n == st->n_names && st->names && !memcmp(names, st->names, n * sizeof(*names)))
		return 0;
	free(st->names);
	st->names = take(names);
	st->n_names = n;
	st->names_version++;
	return 0;
}

static int wishes_make(struct stream *st, struct arena *a, const struct manifest *m, struct wishes *ret,
		       struct diag *d)
{
	const struct manifest_route *routes = m->routes.items;
	size_t n = MIN(m->routes.n, (size_t)SPOOL_MAX_ROUTES);
	struct wish *w;
	int r;

	st->routes = n == 64 ? UINT64_MAX : (1ULL << n) - 1;
	w = wish_add(ret, &sink_live, "live", NULL);
	w->routes = UINT64_MAX;
	if (st->sinkd->console.fd >= 0) {
		w = wish_add(ret, &sink_console, CONSOLE_CURSOR, NULL);
		w->routes = st->routes;
	}
	r = names_make(st, m);
	for (size_t i = 0; i < n && r == 0; i++)
		r = wishes_of_route(st, a, ret, i, &routes[i], d);
	return r;
}

static bool granted(const struct sink *s, const struct wish *w)
{
	return s->type == w->type && !strcmp(s->name, w->cursor) &&
	       (!w->type->options_size || !memcmp(s->options, w->options, w->type->options_size));
}

static struct sink *find_granted(const struct stream *st, const struct wish *w)
{
	for (size_t i = 0; i < st->n_sinks; i++)
		if (granted(st->sinks[i], w))
			return st->sinks[i];
	return NULL;
}

static bool is_among(const struct sink *s, struct sink *const *sinks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (sinks[i] == s)
			return true;
	return false;
}

/* For each wish the sink that there is, if it is the same in every respect, or a new one. All, or -ENOMEM: one that is
 * missing would lose its cursor, and with it what it has not got yet. */
static int grant_all(struct stream *st, const struct wishes *all, struct sink **ret)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct wish *w = &all->w[i];

		ret[i] = find_granted(st, w) ?: sink_new(st, w->type, w->cursor, w->options);
		if (ret[i])
			continue;
		while (i-- > 0)
			if (!is_among(ret[i], st->sinks, st->n_sinks))
				sink_free(ret[i]);
		return -ENOMEM;
	}
	return 0;
}

static int stream_apply(struct stream *st, const struct wishes *all)
{
	struct sink *sinks[SPOOL_MAX_CURSORS];
	int r = grant_all(st, all, sinks);

	if (r < 0)
		return r;
	for (size_t i = 0; i < all->n; i++) {
		/* What is under way was chosen by the old ones. */
		if (sinks[i]->open && sinks[i]->routes != all->w[i].routes)
			sink_close(sinks[i]);
		sinks[i]->routes = all->w[i].routes;
	}
	for (size_t i = 0; i < st->n_sinks; i++)
		if (!is_among(st->sinks[i], sinks, all->n))
			sink_free(st->sinks[i]);
	memcpy(st->sinks, sinks, all->n * sizeof(sinks[0]));
	st->n_sinks = all->n;
	if (st->open)
		stream_open_cursors(st);
	return 0;
}

int stream_configure(struct stream *st)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct svc *svc = st->sinkd->svc;
	struct wishes all = {};
	struct manifest *m;
	struct diag d = {};
	char key[128];
	int r = a ? manifest_read(a, st->program, &m, &d) : -ENOMEM;

	if (r == 0)
		r = wishes_make(st, a, m, &all, &d);
	if (r == 0)
		r = stream_apply(st, &all);
	snprintf(key, sizeof(key), "manifest:%s", st->program);
	if (r == 0)
		svc_degraded(svc, key, NULL);
	else if (r != -ENOENT)
		svc_degraded(svc, key, "%s: its manifest cannot be read: %s", st->program,
			     d.error[0] ? d.error : strerror(-r));
	diag_fini(&d);
	if (r < 0)
		return r;
	snprintf(key, sizeof(key), "storage:%s", st->program);
	if (all.refused[0])
		svc_degraded(svc, key, "%s: %s", st->program, all.refused);
	else
		svc_degraded(svc, key, NULL);
	return 0;
}

/* Cursors of sinks that this program does not have any more would hold the writer back for ever. */
static void drop_strangers(struct stream *st)
{
	for (int i = 0; i < SPOOL_MAX_CURSORS; i++) {
		char name[48];
		bool ours = false;

		if (spool_cursor_name(&st->reader, i, name) < 0)
			continue;
		for (size_t j = 0; j < st->n_sinks; j++)
			ours = ours || st->sinks[j]->cursor == i ||
			       (st->sinks[j]->cursor < 0 && !strcmp(st->sinks[j]->name, name));
		if (!ours)
			spool_cursor_drop(&st->reader, i);
	}
}

static int open_cursor(struct stream *st, struct sink *s)
{
	char name[48];
	int c = spool_cursor_open(&st->reader, s->name), r;

	if (c < 0)
		return c;
	r = spool_cursor_read(&st->reader, c, name, &s->at);
	if (r < 0)
		return r;
	s->cursor = c;
	return 0;
}

static int open_cursors(struct stream *st, const struct sink **ret_failed)
{
	for (size_t i = 0; i < st->n_sinks; i++) {
		struct sink *s = st->sinks[i];
		int r = s->cursor < 0 ? open_cursor(st, s) : 0;

		if (r == 0)
			r = stream_count_before(st, s);
		if (r < 0) {
			s->cursor = -1;
			*ret_failed = s;
			return r;
		}
	}
	return 0;
}

void stream_open_cursors(struct stream *st)
{
	const struct sink *failed = NULL;
	int r;

	if (!st->n_sinks)
		return;			/* the manifest could not be read: nothing is known, nothing is dropped */
	/* A new cursor begins where the hindmost is: that of the sink whose place it takes, whose file is another now,
	 * still counts. */
	r = open_cursors(st, &failed);
	drop_strangers(st);
	if (r == -ENOSPC)
		r = open_cursors(st, &failed);
	if (r < 0)
		stream_set_bad(st, "its spool has no cursor for %s: %s", failed->name, strerror(-r));
}
