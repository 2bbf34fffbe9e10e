/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that loaderd knows of: one row each. */
#include <errno.h>
#include <string.h>

#include "buffers.h"
#include "pipes.h"
#include "bus_methods.h"

const char *const entry_state_names[] = {
	[ENTRY_LOADING] = "loading", [ENTRY_LOADED] = "loaded", [ENTRY_DRAINING] = "draining",
};

struct entry *entry_find(const struct loaderd *d, const char *name)
{
	struct entry *e = d->entries;

	while (e && strcmp(e->name, name))
		e = e->next;
	return e;
}

struct entry *entry_add(struct loaderd *d, const char *name)
{
	struct entry **at = &d->entries, *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->d = d;
	for (size_t k = 0; k < ARRAY_SIZE(e->pipes); k++)
		e->pipes[k] = -1;
	snprintf(e->name, sizeof(e->name), "%s", name);
	while (*at && strcmp((*at)->name, name) < 0)	/* sorted, as they are listed */
		at = &(*at)->next;
	e->next = *at;
	*at = e;
	bus_program_added(e);
	return e;
}

void entry_set_state(struct entry *e, enum entry_state state)
{
	e->state = state;
	bus_program_changed(e, false);
}

static void tell_degraded(struct entry *e)
{
	const char *first = e->manifest && e->manifest->degraded.n ? e->manifest->degraded.s[0] : NULL;
	char key[AGENT_NAME_MAX + 16];

	snprintf(key, sizeof(key), "program:%s", e->name);
	if (e->d->stopping)
		return;		/* the program stays as it is */
	if (e->refused)
		svc_degraded(e->d->svc, key, "%s: %s", e->name, e->refused);
	else if (first)
		svc_degraded(e->d->svc, key, "%.*s (%zu in all: ebpfctl show %s)", (int)strcspn(first, "\n"), first,
			     e->manifest->degraded.n, e->name);
	else
		svc_degraded(e->d->svc, key, NULL);
}

void entry_set_manifest(struct entry *e, struct arena *arena, struct manifest *m)
{
	if (arena != e->arena)
		arena_free(e->arena);
	e->arena = arena;
	e->manifest = m;
	tell_degraded(e);
	if (m)
		bus_program_changed(e, true);
}

static void tell_unwritten(const struct entry *e)
{
	char key[AGENT_NAME_MAX + 16];

	snprintf(key, sizeof(key), "manifest:%s", e->name);
	if (e->manifest_err)
		svc_degraded(e->d->svc, key, "%s: its manifest cannot be written: %s", e->name,
			     strerror(-e->manifest_err));
	else
		svc_degraded(e->d->svc, key, NULL);
}

int entry_write_manifest(struct entry *e)
{
	e->manifest_err = manifest_write(e->manifest);
	tell_unwritten(e);
	if (!e->manifest_err)
		loaderd_hint(e->d, e->name);
	return e->manifest_err;
}

void entry_look(struct loaderd *d)
{
	for (struct entry *e = d->entries; e; e = e->next)
		if (e->manifest_err)
			entry_write_manifest(e);
}

int entry_say_lost(struct entry *e, struct manifest_channel *c, const char *what)
{
	struct manifest *m = e->manifest;
	const char **s;

	if (c->lost_unknown)
		return e->manifest_err;
	s = arena_alloc(e->arena, (m->degraded.n + 1) * sizeof(*s));
	if (!s)
		return -ENOMEM;
	if (m->degraded.n)
		memcpy(s, m->degraded.s, m->degraded.n * sizeof(*s));
	s[m->degraded.n] = arena_printf(e->arena, "channel '%s': %s were lost when loaderd and channeld had both "
					"ended; how many events were in them is unknown", c->name, what);
	if (!s[m->degraded.n])
		return -ENOMEM;
	m->degraded = (struct conf_strs){ s, m->degraded.n + 1 };
	c->lost_unknown = true;
	log_warning("%s: %s", e->name, s[m->degraded.n - 1]);
	entry_set_manifest(e, e->arena, m);
	return entry_write_manifest(e);
}

void entry_remove(struct entry *e)
{
	struct entry **at = &e->d->entries;

	bus_program_removed(e);
	buffers_forget(e->d->buffers, e);
	buffers_drop(e->d->buffers, e->name);
	pipes_drop(e);
	e->manifest_err = 0;
	tell_unwritten(e);
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	free(e->refused);
	e->refused = NULL;
	entry_set_manifest(e, NULL, NULL);
	free(e);
}
