/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two levels become one: what stands inside a program item moves to where the spec has it. */
#include <errno.h>
#include <string.h>

#include "paths.h"
#include "program_doc.h"

static int append(struct arena *a, struct conf_list *to, const struct conf_list *from, size_t size)
{
	char *items;

	if (!from->n)
		return 0;
	items = arena_alloc(a, (to->n + from->n) * size);
	if (!items)
		return -ENOMEM;
	if (to->n)
		memcpy(items, to->items, to->n * size);
	memcpy(items + to->n * size, from->items, from->n * size);
	*to = (struct conf_list){ items, to->n + from->n };
	return 0;
}

/* initfile: beside the functions speaks of the init functions among them. */
static void fold_initfile(struct program_item *i, const char *initfile, struct diag *d)
{
	bool used = false;

	if (!initfile)
		return;
	for EACH(program_function, f, &i->functions)
		if (f->type == FUNCTION_INIT) {
			used = true;
			if (!f->initfile)
				f->initfile = initfile;
		}
	if (!used)
		diag_warn(d, i->item.file, i->item.line,
			  "initfile: %s has no function of type init that could read it", i->name);
}

static int fold_items(struct arena *a, const struct doc_spec *spec, struct program *p, struct diag *d)
{
	struct program_item *items = arena_alloc(a, spec->programs.n * sizeof(*items)), *i = items;

	if (!items)
		return program_out_of_memory(p, d);
	p->items = (struct conf_list){ items, spec->programs.n };
	for EACH(doc_item, from, &spec->programs) {
		*i = (struct program_item){
			.item = from->item,
			.name = from->name,
			.type = from->type,
			.path = from->path,
			.path_line = from->path_line,
			.sha256 = from->sha256,
			.src = from->src ? from->src : from->properties.src,
			.progs = from->properties.progs,
			.maps = from->properties.maps,
			.variables = from->properties.variables,
			.n_variables = from->properties.n_variables,
			.functions = from->properties.functions,
		};
		fold_initfile(i++, from->properties.initfile, d);
	}
	return 0;
}

/* ITEM.MAP becomes two texts; a channel inside an object's item means that object. */
static int split_map(struct arena *a, struct program_channel *c, const struct program_item *inside)
{
	const char *dot = c->map ? strchr(c->map, '.') : NULL;

	if (dot && dot != c->map) {	/* ".bss" is a map's name */
		c->map_item = arena_strndup(a, c->map, (size_t)(dot - c->map));
		c->map = dot + 1;
		return c->map_item ? 0 : -ENOMEM;
	}
	if (inside && inside->type == ITEM_EBPF_OBJECT)
		c->map_item = inside->name;
	if (!c->map && c->type != CHANNEL_PIPE)
		c->map = c->name;
	return 0;
}

/* An item's storage: of the channels and events inside it, and of those that speak of it alone. */
static void fold_storage(struct program *p, const struct doc_item *from, const struct program_item *i,
			 size_t first_channel, size_t first_event)
{
	size_t n = 0;

	if (!from->storage)
		return;
	for EACH(program_channel, c, &p->channels)
		if (!c->storage && i->type != ITEM_USER_SO &&
		    (n++ >= first_channel || program_sole_item(p, i->type) == i ||
		     (c->map_item && !strcmp(c->map_item, i->name))))
			c->storage = from->storage;
	n = 0;
	for EACH(program_event, e, &p->events)
		if (n++ >= first_event || (e->name && !strcmp(e->name, i->name)))
			e->storage = e->storage ? e->storage : from->storage;
}

static int fold_inner(struct arena *a, const struct doc_spec *spec, struct program *p)
{
	struct program_item *i = p->items.items;
	int err = append(a, &p->channels, &spec->channels, sizeof(struct program_channel));

	for EACH(program_channel, c, &p->channels)
		err = err ? err : split_map(a, c, NULL);
	if (!err)
		err = append(a, &p->events, &spec->events, sizeof(struct program_event));
	for EACH(doc_item, from, &spec->programs) {
		size_t first_channel = p->channels.n, first_event = p->events.n;

		for EACH(program_channel, c, &from->channels)
			err = err ? err : split_map(a, c, i);
		for EACH(program_event, e, &from->events)
			if (!e->name && i->type == ITEM_USER_SO)
				e->name = i->name;
		if (!err)
			err = append(a, &p->channels, &from->channels, sizeof(struct program_channel));
		if (!err)
			err = append(a, &p->events, &from->events, sizeof(struct program_event));
		if (err < 0)
			return err;
		fold_storage(p, from, i++, first_channel, first_event);
	}
	return err;
}

/* The slides write progs, maps and variables at the processor; they speak of the object. */
static int fold_object_properties(struct arena *a, struct program *p, struct diag *d)
{
	struct program_item *object = program_sole_item(p, ITEM_EBPF_OBJECT);

	for EACH(program_item, i, &p->items) {
		struct conf_list to = { object ? object->variables : NULL, object ? object->n_variables : 0 };
		struct conf_list from = { i->variables, i->n_variables };

		if (i->type != ITEM_USER_SO || (!i->progs.n && !i->maps.n && !i->n_variables))
			continue;
		if (!object)
			return diag_fail(d, -EINVAL, i->item.file, i->item.line,
					 "properties: those of %s speak of the file's only ebpf_object; it has %zu",
					 i->name, program_count_items(p, ITEM_EBPF_OBJECT));
		if (append(a, &object->progs, &i->progs, sizeof(struct program_prog)) < 0 ||
		    append(a, &object->maps, &i->maps, sizeof(struct program_map)) < 0 ||
		    append(a, &to, &from, sizeof(struct program_variable)) < 0)
			return -ENOMEM;
		object->variables = to.items;
		object->n_variables = to.n;
		i->progs = i->maps = (struct conf_list){0};
		i->variables = NULL;
		i->n_variables = 0;
	}
	return 0;
}

static char *default_pinpath(struct arena *a, const struct program *p, const struct program_item *i)
{
	return arena_printf(a, "%s/bpftrace/%s.%s/output", path_state(), p->name, i->name);
}

/* A script's output needs a way out: without one said, each gets a pipe of its own name. */
static int add_pipes(struct arena *a, struct program *p, struct diag *d)
{
	for EACH(program_channel, c, &p->channels)
		if (c->type == CHANNEL_PIPE)
			return 0;
	for EACH(program_item, i, &p->items) {
		struct program_channel pipe = { .item = i->item, .name = i->name, .type = CHANNEL_PIPE };
		struct conf_list one = { &pipe, 1 };

		if (i->type != ITEM_BPFTRACE)
			continue;
		if (p->channels.n == PROGRAM_MAX_CHANNELS)
			return diag_fail(d, -EINVAL, i->item.file, i->item.line,
					 "channels: no room for the pipe of %s", i->name);
		pipe.item.key = i->name;
		pipe.pinpath = default_pinpath(a, p, i);
		if (!pipe.pinpath || append(a, &p->channels, &one, sizeof(pipe)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int fill_pinpaths(struct arena *a, struct program *p)
{
	const struct program_item *script = program_sole_item(p, ITEM_BPFTRACE);

	for EACH(program_channel, c, &p->channels) {
		if (c->type != CHANNEL_PIPE || c->pinpath)
			continue;
		c->pinpath = script ? default_pinpath(a, p, script) :
				      arena_printf(a, "%s/pipe/%s.%s", path_state(), p->name, c->name);
		if (!c->pinpath)
			return -ENOMEM;
	}
	return 0;
}

int program_fold(struct arena *a, const struct doc *doc, struct program *p, struct diag *d)
{
	int err = fold_items(a, &doc->spec, p, d);

	p->storage = doc->spec.storage;
	p->spool_size = doc->spec.spool.size;
	p->spool_full = doc->spec.spool.full;
	if (!err)
		err = fold_inner(a, &doc->spec, p);
	if (!err)
		err = fold_object_properties(a, p, d);
	if (!err)
		err = add_pipes(a, p, d);
	if (!err)
		err = fill_pinpaths(a, p);
	return err == -ENOMEM ? program_out_of_memory(p, d) : err;
}
