/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What no table can say: names that refer to each other, and what this version cannot do yet. */
#include <errno.h>
#include <string.h>

#include "program_doc.h"
#include "../abi/spool.h"

#define FAIL(i, ...) diag_fail(d, -EINVAL, (i)->item.file, (i)->item.line, __VA_ARGS__)
#define WARN(i, ...) diag_warn(d, (i)->item.file, (i)->item.line, __VA_ARGS__)

/* ---- items ------------------------------------------------------------------------------------- */

static int check_names(const struct program *p, struct diag *d)
{
	for EACH(program_item, i, &p->items)
		for EACH(program_item, before, &p->items) {
			if (before == i)
				break;
			if (!strcmp(before->name, i->name))
				return FAIL(i, "name: \"%s\" is the name of two programs (first in line %u)", i->name,
					    before->item.line);
		}
	for EACH(program_channel, c, &p->channels)
		for EACH(program_channel, before, &p->channels) {
			if (before == c)
				break;
			if (!strcmp(before->name, c->name))
				return FAIL(c, "channels: \"%s\" is the name of two channels (first in line %u)",
					    c->name, before->item.line);
		}
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct conf_item *const *x = a, *const *y = b;
	int c = strcmp((*x)->key, (*y)->key);

	return c ? c : (*x > *y) - (*x < *y);
}

/* Sorted, since 100,000 of them must not take a minute. */
static int check_twice(const struct conf_list *list, size_t size, const char *what, struct diag *d)
{
	cleanup(freep) const struct conf_item **sorted = calloc(list->n + 1, sizeof(*sorted));
	size_t i, first = 0;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < list->n; i++)
		sorted[i] = (const void *)((const char *)list->items + i * size);
	qsort(sorted, list->n, sizeof(*sorted), compare_keys);
	for (i = 1; i < list->n; i++)	/* the one that stands first in the file */
		if (!strcmp(sorted[i]->key, sorted[i - 1]->key) && (!first || sorted[i] < sorted[first]))
			first = i;
	if (!first)
		return 0;
	return diag_fail(d, -EINVAL, sorted[first]->file, sorted[first]->line,
			 "%s: %s is there twice (first in line %u)", what, sorted[first]->key,
			 sorted[first - 1]->line);
}

typedef int find_path(struct arena *a, const struct program *p, const struct program_item *i, const char **ret,
		      struct diag *d);

/* Where it would have to be fetched from, a load refuses it; here that is a warning. */
static int check_path(struct arena *a, const struct program *p, const struct program_item *i, find_path *find,
		      struct diag *d)
{
	struct diag place = {0};
	const char *path;
	int err = find(a, p, i, &path, &place);

	if (err == -EPROTONOSUPPORT)
		diag_warn(d, NULL, 0, "%s", place.error);
	else if (err < 0 && err != -ENOENT)
		return find(a, p, i, &path, d);
	return 0;
}

static int check_object(const struct program_item *i, struct diag *d)
{
	int err;

	if (i->src)
		return FAIL(i, "src: %s is an ebpf_object (src belongs to a bpftrace program)", i->name);
	if (i->functions.n)
		return FAIL(i, "functions: %s is an ebpf_object (functions belong to a user_so)", i->name);
	/* Only after folding can they be there twice. */
	err = check_twice(&i->progs, sizeof(struct program_prog), "progs", d);
	return err ? err : check_twice(&i->maps, sizeof(struct program_map), "maps", d);
}

/* Whatever else is wrong with it, it cannot be loaded: whoever reads only the error must see that too. */
#define BPFTRACE_NOT_BUILT "bpftrace is not built in this version"

static int check_bpftrace(const struct program_item *i, struct diag *d)
{
	if (!i->path == !i->src)
		return FAIL(i, i->src ? "src: %s has a path as well (expected one of them); " BPFTRACE_NOT_BUILT :
				       "path: %s has neither path nor src; " BPFTRACE_NOT_BUILT, i->name);
	if (i->functions.n)
		return FAIL(i, "functions: %s is a bpftrace program (functions belong to a user_so); "
			    BPFTRACE_NOT_BUILT, i->name);
	if (i->progs.n || i->maps.n || i->n_variables)
		return FAIL(i, "properties: %s is a bpftrace program: it has no progs, maps and variables to be set; "
			    BPFTRACE_NOT_BUILT, i->name);
	if (i->src && !strcmp(i->src, "bpftrace_code"))
		WARN(i, "src: \"bpftrace_code\" is a placeholder, no bpftrace script");
	WARN(i, "type: " BPFTRACE_NOT_BUILT ", so %s cannot be loaded", i->name);
	return 0;
}

/* It is handed over as one file that is open in the sandbox before it is locked. */
static int check_initfile(struct arena *a, const struct program *p, const struct program_item *i, struct diag *d)
{
	const struct program_function *first = program_initfile(i);

	for EACH(program_function, f, &i->functions) {
		if (f->initfile && f->type != FUNCTION_INIT)
			return FAIL(f, "initfile: %s is of type %s (only a function of type init is handed a file)",
				    f->name, function_type_names[f->type]);
		if (f->initfile && strcmp(f->initfile, first->initfile))
			return FAIL(f, "initfile: %s has another one than %s in line %u (expected one for all of %s)",
				    f->name, first->name, first->item.line, i->name);
	}
	return check_path(a, p, i, program_initfile_path, d);
}

static int check_user_so(struct arena *a, const struct program *p, const struct program_item *i, struct diag *d)
{
	bool used = false;
	int err;

	if (i->src)
		return FAIL(i, "src: %s is a user_so (src belongs to a bpftrace program)", i->name);
	err = check_initfile(a, p, i, d);
	if (err)
		return err;
	for EACH(program_function, f, &i->functions) {
		for EACH(program_function, before, &i->functions) {
			if (before == f)
				break;
			if (!strcmp(before->name, f->name))
				return FAIL(f, "functions: \"%s\" is there twice (first in line %u)", f->name,
					    before->item.line);
		}
		used |= f->type != FUNCTION_DEFAULT;
	}
	for EACH(program_event, e, &p->events)
		used |= e->name && !strcmp(e->name, i->name);
	if (!used)
		WARN(i, "events: no event names the user_so %s, so it gets none", i->name);
	return 0;
}

static int check_item(struct arena *a, const struct program *p, const struct program_item *i, struct diag *d)
{
	int err;

	if (!i->path && i->type != ITEM_BPFTRACE)
		return FAIL(i, "path: is missing in %s (expected where its file is)", i->name);
	err = i->path ? check_path(a, p, i, program_artifact_path, d) : 0;
	if (err < 0)
		return err;
	switch ((enum item_type)i->type) {
	case ITEM_EBPF_OBJECT: return check_object(i, d);
	case ITEM_BPFTRACE: return check_bpftrace(i, d);
	case ITEM_USER_SO: return check_user_so(a, p, i, d);
	}
	return 0;
}

/* ---- channels ---------------------------------------------------------------------------------- */

static const char **item_names(struct arena *a, const struct program *p, int type)
{
	const char **names = arena_alloc(a, (p->items.n + 1) * sizeof(*names));
	size_t n = 0;

	if (names)
		for EACH(program_item, i, &p->items)
			if (i->type == type)
				names[n++] = i->name;
	return names;
}

static const char **channel_names(struct arena *a, const struct program *p)
{
	const char **names = arena_alloc(a, (p->channels.n + 1) * sizeof(*names));
	size_t n = 0;

	if (names)
		for EACH(program_channel, c, &p->channels)
			names[n++] = c->name;
	return names;
}

/* " (did you mean "x"?)", or nothing. */
static const char *suggest(struct arena *a, const char *s, const char **names)
{
	const char *meant = names ? conf_did_you_mean(s, names) : NULL, *text;

	text = meant ? arena_printf(a, "; did you mean \"%s\"?", meant) : "";
	return text ? text : "";
}

static int check_map_of(struct arena *a, const struct program *p, const struct program_channel *c, struct diag *d)
{
	const struct program_item *i = c->map_item ? program_find_item(p, c->map_item) : NULL;
	char text[DIAG_EXCERPT];

	if (c->map_item && (!i || i->type != ITEM_EBPF_OBJECT))
		return FAIL(c, "map: \"%s\" names no ebpf_object of this file%s", diag_excerpt(text, c->map_item),
			    suggest(a, c->map_item, item_names(a, p, ITEM_EBPF_OBJECT)));
	if (!c->map[0] || strchr(c->map, '/'))
		return FAIL(c, "map: \"%s\" cannot be a map's name", diag_excerpt(text, c->map));
	if (!program_count_items(p, ITEM_EBPF_OBJECT))
		return FAIL(c, "map: the file has no ebpf_object that could have the map %s",
			    diag_excerpt(text, c->map));
	return 0;
}

static int check_channel(struct arena *a, const struct program *p, const struct program_channel *c, struct diag *d)
{
	const char *type = channel_type_names[c->type];
	int err;

	if (c->type == CHANNEL_PIPE && (c->map || c->event))
		return FAIL(c, "%s: %s is a pipe: it has no map and no struct", c->map ? "map" : "event", c->name);
	if (c->type != CHANNEL_PIPE && c->pinpath)
		return FAIL(c, "pinpath: %s is a %s (pinpath belongs to a pipe)", c->name, type);
	if (c->type != CHANNEL_PERF_BUFFER && c->buffer)
		return FAIL(c, "buffer: %s is a %s (buffer belongs to a perf_buffer; maps: says how large a ring is)",
			    c->name, type);
	if (c->buffer & (c->buffer - 1) || c->buffer % (size_t)sysconf(_SC_PAGESIZE))
		return FAIL(c, "buffer: of %s is not a power of two, of at least a page", c->name);
	if (c->type != CHANNEL_PIPE && c->writers)
		return FAIL(c, "writers: %s is a %s (it belongs to a pipe)", c->name, type);
	if (c->type == CHANNEL_PIPE && (c->ts_field || c->pid_field))
		return FAIL(c, "%s: %s is a pipe: its lines have no fields that are known beforehand",
			    c->ts_field ? "ts_field" : "pid_field", c->name);
	if (c->type == CHANNEL_PIPE && c->pinpath[0] != '/')
		return FAIL(c, "pinpath: of %s is not an absolute path", c->name);
	err = c->type == CHANNEL_PIPE ? 0 : check_map_of(a, p, c, d);
	if (!err)
		err = program_check_fields(c, d);
	if (!err)
		err = program_check_poll(c, d);
	if (!err)
		err = program_check_storage(c->storage, d);
	return err;
}

/* ---- events ------------------------------------------------------------------------------------ */

/* The function that takes the events: said, or `process`, or the only one that takes events at all. */
static int check_function(struct arena *a, struct program_event *e, const struct program_item *so, struct diag *d)
{
	const struct program_function *sole = NULL;
	const char **names = arena_alloc(a, (so->functions.n + 1) * sizeof(*names));
	const char *want = e->function ? e->function : "process";
	size_t n = 0;

	if (!names)
		return -ENOMEM;
	for EACH(program_function, f, &so->functions)
		if (f->type == FUNCTION_DEFAULT) {
			sole = f;
			names[n++] = f->name;
			if (!strcmp(f->name, want)) {
				e->function = f->name;
				return 0;
			}
		}
	if (!e->function && n == 1) {
		e->function = sole->name;
		return 0;
	}
	if (so->functions.n)
		return FAIL(e, "target_processor: \"%s\" is not among the functions of %s that take events%s", want,
			    so->name, suggest(a, want, names));
	e->function = want;
	return 0;
}

static int check_processor(struct arena *a, const struct program *p, struct program_event *e, struct diag *d)
{
	const struct program_item *so = e->name ? program_find_item(p, e->name) : NULL;
	const char *hint;

	if (so && so->type == ITEM_USER_SO) {
		e->processor = so->name;
		return check_function(a, e, so, d);
	}
	hint = e->name ? suggest(a, e->name, item_names(a, p, ITEM_USER_SO)) : "";
	if (e->function)
		return FAIL(e, "name: %s%s%s names no user_so of this file, whose function %s could be%s",
			    e->name ? "\"" : "", e->name ? e->name : "it is missing, and so", e->name ? "\"" : "",
			    e->function, hint);
	if (*hint)
		WARN(e, "name: \"%s\" names no user_so of this file, so it is only what the events are called%s",
		     e->name, hint);
	return 0;
}

static int check_event(struct arena *a, const struct program *p, struct program_event *e, struct diag *d)
{
	const char **names = channel_names(a, p);
	char text[DIAG_EXCERPT];
	size_t i, j;
	int err;

	if (!names)
		return -ENOMEM;
	err = check_processor(a, p, e, d);
	if (err < 0)
		return err;
	for (i = 0; i < e->channels.n; i++) {
		for (j = 0; names[j] && strcmp(names[j], e->channels.s[i]); j++)
			;
		if (!names[j])
			return FAIL(e, "channels: \"%s\" is no channel of this file%s",
				    diag_excerpt(text, e->channels.s[i]), suggest(a, e->channels.s[i], names));
		for (j = 0; j < i; j++)
			if (!strcmp(e->channels.s[i], e->channels.s[j]))
				return FAIL(e, "channels: \"%s\" is there twice", e->channels.s[i]);
	}
	return program_check_storage(e->storage, d);
}

static bool same_name(const struct program_event *x, const struct program_event *y)
{
	if (!x || !y || !x->name || !y->name)
		return x && y && !x->name && !y->name;
	return !strcmp(x->name, y->name);
}

/* A row of the ledger is a channel and an event's name: two of the same could not be told apart. */
static int check_routes(struct arena *a, const struct program *p, struct diag *d)
{
	const struct program_channel *channels = p->channels.items;
	struct program_route *r;
	size_t n, i, j;

	if (program_routes(a, p, &r, &n) < 0)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			if (r[i].channel == r[j].channel && same_name(r[i].event, r[j].event))
				return FAIL(r[i].event, "events: channel %s goes to %s twice (first in line %u)",
					    channels[r[i].channel].name,
					    r[i].event->name ? r[i].event->name : "an event without a name",
					    r[j].event->item.line);
	if (n > SPOOL_MAX_ROUTES)
		return diag_fail(d, -EINVAL, p->file, 0,
				 "events: %zu pairs of channel and event (expected at most %d)", n, SPOOL_MAX_ROUTES);
	return 0;
}

/* A pipe needs no program: somebody else writes. */
static bool has_pipe(const struct program *p)
{
	for EACH(program_channel, c, &p->channels)
		if (c->type == CHANNEL_PIPE)
			return true;
	return false;
}

int program_check(struct arena *a, struct program *p, struct diag *d)
{
	int err = 0;

	if (!p->items.n && !has_pipe(p))
		return diag_fail(d, -EINVAL, p->file, 0, "programs: is empty (expected at least one)");
	if (p->channels.n > PROGRAM_MAX_CHANNELS || p->events.n > PROGRAM_MAX_EVENTS)
		return diag_fail(d, -EINVAL, p->file, 0, "%s: more than %d, those inside programs included",
				 p->channels.n > PROGRAM_MAX_CHANNELS ? "channels" : "events",
				 p->channels.n > PROGRAM_MAX_CHANNELS ? PROGRAM_MAX_CHANNELS : PROGRAM_MAX_EVENTS);
	err = check_names(p, d);
	for EACH(program_item, i, &p->items)
		err = err ? err : check_item(a, p, i, d);
	for EACH(program_channel, c, &p->channels)
		err = err ? err : check_channel(a, p, c, d);
	for EACH(program_event, e, &p->events)
		err = err ? err : check_event(a, p, e, d);
	if (!err)
		err = program_check_storage(p->storage, d);
	if (!err)
		err = check_routes(a, p, d);
	if (!err && !p->channels.n)
		diag_warn(d, p->file, 0, "channels: there is none, so no event of it is collected");
	return err == -ENOMEM ? program_out_of_memory(p, d) : err;
}
