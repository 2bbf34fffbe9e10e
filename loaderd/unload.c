/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unloading: detached at once, then drained (ring → spool → sinks), and only then are the pins and the manifest
 * removed. Whoever waits longer than his time is told so, and the program goes on draining. */
#include <errno.h>
#include <string.h>

#include "../common/paths.h"
#include "../common/pins.h"
#include "../common/spool.h"
#include "bus_methods.h"
#include "pipes.h"

#define LOOK_EVERY_MS 20
#define KEEP_MS     5000

/* ---- is it empty? ----------------------------------------------------------------------------------------------- */

static bool all_delivered(const struct spool_reader *r, uint64_t head)
{
	bool any = false;

	for (int c = 0; c < SPOOL_MAX_CURSORS; c++) {
		struct spool_cursor cursor;
		char name[48];
		int err = spool_cursor_read(r, c, name, &cursor);

		if (err == -ENOENT)
			continue;
		any = true;
		if (err || cursor.pos != head)	/* what cannot be read now has delivered nothing yet */
			return false;
	}
	return any || head == 0;	/* records, and nobody who has seen them: sinkd is not there yet */
}

static bool is_drained(const struct entry *e)
{
	struct spool_commit commit;
	struct spool_reader r;
	char path[PATH_MAX];
	bool drained;

	if (e->manifest->channels.n == 0)
		return true;
	if (path_spool(e->name, path) || spool_reader_open(&r, path, true))
		return false;
	drained = spool_read_commit(&r, &commit) == 0 && commit.flags & SPOOL_COMMIT_DRAINED &&
		  commit.generation == e->manifest->generation && all_delivered(&r, commit.head);
	spool_reader_close(&r);
	return drained;
}

/* By bytes, of which the commit block knows all: reading the records is for those who deliver them. */
bool unload_left(const struct entry *e, uint64_t *ret_records)
{
	struct spool_commit commit;
	struct spool_reader r;
	char path[PATH_MAX];
	uint64_t pos = UINT64_MAX;
	bool known;

	*ret_records = 0;
	if (e->manifest->channels.n == 0)
		return true;
	if (path_spool(e->name, path) || spool_reader_open(&r, path, true))
		return false;
	known = spool_read_commit(&r, &commit) == 0;
	for (int c = 0; c < SPOOL_MAX_CURSORS && known; c++) {
		struct spool_cursor cursor;
		char name[48];

		if (spool_cursor_read(&r, c, name, &cursor) == 0)
			pos = MIN(pos, cursor.pos);
	}
	if (pos == UINT64_MAX)
		pos = 0;	/* as in all_delivered(): nobody has seen them */
	if (known && commit.head > pos)
		*ret_records = MAX((double)commit.records / commit.head * (commit.head - pos), 1.0);
	known = known && commit.flags & SPOOL_COMMIT_DRAINED && commit.generation == e->manifest->generation;
	spool_reader_close(&r);
	return known;
}

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void tell(struct waiter *w, const char *program, const struct outcome *o)
{
	w->done(w->arg, program, o);
	free(w);
}

static void finish(struct entry *e)
{
	struct waiter *waiters = e->waiters;
	struct loaderd *d = e->d;
	const struct outcome ok = { 0 };
	char name[sizeof(e->name)];
	int err = pin_remove(e->name);

	if (err)
		log_error("%s: its pins cannot be removed: %s", e->name, strerror(-err));
	pipes_remove(e->manifest);
	err = manifest_remove(e->name);
	if (err)
		log_error("%s: its manifest cannot be removed: %s", e->name, strerror(-err));
	loaderd_hint(d, e->name);
	log_info("%s is unloaded", e->name);
	strcpy(name, e->name);
	entry_remove(e);
	shared_sweep(d);
	while (waiters) {
		struct waiter *w = waiters;

		waiters = w->next;
		tell(w, name, &ok);
	}
}

/* Its pins go last: its unload functions are called while its maps are there. True: @e is gone. */
static bool say_farewell(struct entry *e)
{
	int err = e->farewell ? 0 : farewell_start(e, finish);

	if (!err || err == -EAGAIN)
		return false;
	finish(e);
	return true;
}

static void say_late(const struct entry *e, struct outcome *o)
{
	if (e->farewell)
		outcome_fail(o, AGENT_ERR_DRAIN_TIMEOUT, "%s is detached, and goes once its unload functions have "
			     "returned", e->name);
	else if (e->manifest_err)
		outcome_fail(o, AGENT_ERR_DRAIN_TIMEOUT, "%s is detached, and drains once its manifest can be written "
			     "(%s; --force discards its last events)", e->name, strerror(-e->manifest_err));
	else
		outcome_fail(o, AGENT_ERR_DRAIN_TIMEOUT, "%s is detached, but its last events are not delivered yet: "
			     "it goes on draining (--force discards them)", e->name);
}

static void tell_late(struct entry *e)
{
	uint64_t now = uv_now(e->d->loop);

	/* Discarding takes no time; calling a function does, but has a deadline of its own. */
	for (struct waiter **at = &e->waiters; *at && !e->forced;) {
		struct waiter *w = *at;
		struct outcome o = { 0 };

		if (w->deadline > now) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		say_late(e, &o);
		tell(w, e->name, &o);
		outcome_fini(&o);
	}
}

/* Drained: tells those who want to know before it goes, and who may unload others, too, and ask once all are drained.
 * True: it can go. */
static bool tell_kept(struct entry *e)
{
	const uint64_t now = uv_now(e->d->loop);
	const struct outcome ok = { 0 };

	for (struct waiter **at = &e->waiters; *at;) {
		struct waiter *w = *at;

		if (!w->keep) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		e->kept_for = w->arg;
		tell(w, e->name, &ok);
	}
	return e->waiters || (!e->kept_for && now >= e->keep_until);
}

void unload_kept(struct loaderd *d, const void *arg)
{
	for (struct entry *e = d->entries; e; e = e->next)
		if (e->kept_for == arg) {
			e->kept_for = NULL;
			e->keep_until = uv_now(d->loop) + KEEP_MS;
		}
}

void unload_look(struct loaderd *d)
{
	bool waiting = false;

	for (struct entry *e = d->entries, *next; e; e = next) {
		next = e->next;
		if (e->state != ENTRY_DRAINING)
			continue;
		if (!e->farewell && (e->forced || is_drained(e)) && (!tell_kept(e) || say_farewell(e)))
			continue;
		tell_late(e);
		waiting |= e->waiters != NULL;
	}
	bus_unload_look(d);
	/* Nobody waits: once a second, and hints, are enough. */
	if (!waiting)
		uv_timer_stop(&d->drain_timer);
}

static void on_drain_timer(uv_timer_t *t)
{
	unload_look(t->data);
}

void unload_init(struct loaderd *d)
{
	uv_timer_init(d->loop, &d->drain_timer);
	d->drain_timer.data = d;
}

void unload_forget(struct loaderd *d, const void *arg)
{
	unload_kept(d, arg);
	for (struct entry *e = d->entries; e; e = e->next)
		for (struct waiter **at = &e->waiters; *at;) {
			struct waiter *w = *at;

			if (w->arg != arg) {
				at = &w->next;
				continue;
			}
			*at = w->next;
			free(w);
		}
}

bool unload_waits(const struct entry *e, const void *arg)
{
	const struct waiter *w = e->waiters;

	while (w && w->arg != arg)
		w = w->next;
	return w != NULL;
}

void unload_drop_all(struct loaderd *d)
{
	for (struct entry *e = d->entries; e; e = e->next) {
		farewell_drop(e->farewell);
		while (e->waiters) {
			struct waiter *w = e->waiters;
			struct outcome o = { 0 };

			e->waiters = w->next;
			outcome_fail(&o, AGENT_ERR_DRAIN_TIMEOUT,
				     "%s is detached; loaderd stops before it is drained, and goes on later", e->name);
			tell(w, e->name, &o);
			outcome_fini(&o);
		}
	}
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

static int detach(struct entry *e)
{
	int err = pin_detach(e->name);

	if (err) {
		log_error("%s cannot be detached: %s", e->name, strerror(-err));
		return err;
	}
	e->manifest->state = MANIFEST_DRAINING;
	entry_set_state(e, ENTRY_DRAINING);
	/* Until it is written its worker does not know, so nothing counts as drained. */
	entry_write_manifest(e);
	return 0;
}

static void refuse(void (*done)(void *, const char *, const struct outcome *), void *arg, const char *error,
		   const char *name, const char *why)
{
	struct outcome o = { 0 };

	outcome_fail(&o, error, "%s %s", name, why);
	done(arg, name, &o);
	outcome_fini(&o);
}

void unload_start(struct entry *e, enum unload_how how, uint64_t timeout_ms,
		  void (*done)(void *, const char *, const struct outcome *), void *arg)
{
	struct loaderd *d = e->d;
	struct waiter *w;
	int err = 0;

	if (e->state == ENTRY_LOADING) {
		refuse(done, arg, AGENT_ERR_INVALID, e->name, "is still being loaded");
		return;
	}
	w = malloc(sizeof(*w));
	if (w && e->state == ENTRY_LOADED)
		err = detach(e);
	if (!w || (err && how != UNLOAD_FORCE)) {
		free(w);
		refuse(done, arg, AGENT_ERR_LOAD_FAILED, e->name,
		       w ? strerror(-err) : "cannot be unloaded: out of memory");
		return;
	}
	*w = (struct waiter){
		.next = e->waiters, .deadline = uv_now(e->d->loop) + timeout_ms, .keep = how == UNLOAD_KEEP,
		.done = done, .arg = arg
	};
	e->waiters = w;
	e->forced |= how == UNLOAD_FORCE;
	if (err)
		finish(e);
	else if ((!e->forced && (how != UNLOAD_DRAIN || !is_drained(e))) || !say_farewell(e))
		uv_timer_start(&d->drain_timer, on_drain_timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
}
