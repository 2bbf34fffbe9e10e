/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Channels: which map each drains, and what its records are. */
#include <errno.h>
#include <string.h>

#include "../abi/counts.h"
#include "../common/buffers.h"
#include "load.h"

struct place {
	struct load_item *item;
	struct bpf_map *map;
};

/* By enum channel_type: what its map is. */
static const struct kind {
	enum bpf_map_type map;		/* 0: any that load_map_is_polled() */
	const char *one, *many;
} kinds[] = {
	[CHANNEL_RING_BUFFER] = { BPF_MAP_TYPE_RINGBUF, "ring buffer", "ring buffers" },
	[CHANNEL_PERF_BUFFER] = { BPF_MAP_TYPE_PERF_EVENT_ARRAY, "perf event array", "perf event arrays" },
	[CHANNEL_MAP] = { 0, "hash, array, LRU hash, per-CPU kind of these or stack map", "maps that can be polled" },
};

static bool fits(const struct kind *kind, const struct bpf_map *m)
{
	return kind->map ? bpf_map__type(m) == kind->map : load_map_is_polled(bpf_map__type(m));
}

static const char *maps_of(struct load *l, const struct kind *kind)
{
	const char *text = "";

	for (size_t k = 0; k < l->n_items; k++) {
		struct bpf_map *m;

		if (!l->items[k].obj)
			continue;
		bpf_object__for_each_map(m, l->items[k].obj) if (fits(kind, m) && !bpf_map__is_internal(m) && text)
			text = arena_printf(l->arena, "%s%s%s.%s", text, text[0] ? ", " : "", l->items[k].decl->name,
					    bpf_map__name(m));
	}
	return text && text[0] ? text : "none";
}

static int find_map(struct load *l, const struct program_channel *c, struct place *ret)
{
	const char *map = c->map ? c->map : c->name;
	const struct kind *kind = &kinds[c->type];
	struct place found = { 0 };

	for (size_t k = 0; k < l->n_items; k++) {
		struct load_item *i = &l->items[k];
		struct bpf_map *m;

		if (!i->obj || (c->map_item && strcmp(c->map_item, i->decl->name)))
			continue;
		m = bpf_object__find_map_by_name(i->obj, map);
		if (!m)
			continue;
		if (found.map)
			return load_fail(l, c->item.line,
					 "channel '%s': both '%s' and '%s' have a map '%s'; say `map: ITEM.%s`",
					 c->name, found.item->decl->name, i->decl->name, map, map);
		found = (struct place){ i, m };
	}
	if (!found.map)
		return load_fail(l, c->item.line, "channel '%s': no object%s%s has a map '%s' (%s: %s)", c->name,
				 c->map_item ? " " : "", c->map_item ? c->map_item : "", map, kind->many,
				 maps_of(l, kind));
	if (!fits(kind, found.map))
		return load_fail(l, c->item.line, "channel '%s': map '%s' is no %s but a %s (%s: %s)", c->name, map,
				 kind->one, libbpf_bpf_map_type_str(bpf_map__type(found.map)), kind->many,
				 maps_of(l, kind));
	*ret = found;
	return 0;
}

/* R_counts beside map R, as abi/counts.h has it. */
static const char *find_counts(struct load *l, const struct place *p)
{
	const char *name = arena_printf(l->arena, "%s" AGENT_COUNTS_SUFFIX, bpf_map__name(p->map));
	struct bpf_map *m = name ? bpf_object__find_map_by_name(p->item->obj, name) : NULL;

	if (!m || bpf_map__type(m) != BPF_MAP_TYPE_PERCPU_ARRAY ||
	    bpf_map__value_size(m) != sizeof(struct agent_counts))
		return NULL;
	return name;
}

/* Is the channel's own layout needed: does an event of it go without a processor? */
static int needs_layout(struct load *l, size_t channel, bool *ret)
{
	struct program_route *routes;
	size_t n;
	int err = program_routes(l->arena, l->program, &routes, &n);

	*ret = false;
	for (size_t k = 0; !err && k < n; k++)
		*ret |= routes[k].channel == channel && !(routes[k].event && routes[k].event->processor);
	return err;
}

static int load_layout(struct load *l, const struct program_channel *c, size_t index, const struct place *p,
		       struct manifest_channel *m)
{
	bool needed, asked = c->event || c->fields.n;
	int err = needs_layout(l, index, &needed);

	if (err)
		return err;
	err = infer_layout(l->arena, c, bpf_map__name(p->map), bpf_object__btf(p->item->obj), &p->item->artifact,
			   &m->layout, needed || asked ? &l->diag : NULL);
	m->has_layout = !err;
	return needed || asked ? err : 0;
}

static bool has_open_tail(const struct layout_field *f)
{
	const struct layout_field *fields = f->fields.items;
	bool is = f->trailing && f->kind != LAYOUT_TEXT && !f->length.bits;	/* a text ends by itself */

	for (size_t k = 0; k < f->fields.n && !is; k++)
		is = has_open_tail(&fields[k]);
	return is;
}

/* The kernel tells a record's length as a multiple of 8, less 4, and leaves there what lay there before. */
static void warn_of_padding(struct load *l, const struct program_channel *c, const struct manifest_channel *m)
{
	if (m->type == CHANNEL_PERF_BUFFER && m->has_layout && has_open_tail(&m->layout.root))
		diag_warn(&l->diag, c->item.file, c->item.line, "channel '%s': its events go up to the record's end, "
			  "which in a perf buffer is up to 7 bytes behind theirs: `length:` in fields: tells how many "
			  "belong to them", c->name);
}

static int load_records(struct load *l, const struct program_channel *c, size_t index, const struct place *p,
			struct manifest_channel *m)
{
	int err = load_layout(l, c, index, p, m);

	if (!err)
		err = infer_fields(l->arena, c, m, &l->diag);
	if (!err)
		warn_of_padding(l, c, m);
	return err;
}

static int load_entries(struct load *l, const struct program_channel *c, size_t index, const struct place *p,
			const struct bpf_map_info *info, struct manifest_channel *m)
{
	bool needed;
	int err = needs_layout(l, index, &needed);

	return err ? err : load_map_channel(l, c, p->item, p->map, info, needed, m);
}

static int load_channel(struct load *l, const struct program_channel *c, size_t index, struct manifest_channel *m)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	struct place p = { 0 };
	int err;

	if (c->type == CHANNEL_PIPE) {		/* loaderd makes it, when all else is well */
		*m = (struct manifest_channel){
			.name = c->name, .type = c->type, .path = c->pinpath, .writers = c->writers, .ts_offset = -1,
			.pid_offset = -1,
		};
		return 0;
	}
	err = find_map(l, c, &p);
	if (err)
		return err;
	if (bpf_obj_get_info_by_fd(bpf_map__fd(p.map), &info, &len))
		return load_fail(l, c->item.line, "channel '%s': %s", c->name, strerror(errno));
	*m = (struct manifest_channel){
		.name = c->name, .type = c->type, .item = p.item->decl->name,
		.map = arena_strdup(l->arena, bpf_map__name(p.map)), .map_id = info.id,
		.size = c->type == CHANNEL_PERF_BUFFER ? c->buffer ?: BUFFERS_DEFAULT_SIZE : info.max_entries,
		.counts = c->type == CHANNEL_MAP ? NULL : find_counts(l, &p),
	};
	return c->type == CHANNEL_MAP ? load_entries(l, c, index, &p, &info, m) : load_records(l, c, index, &p, m);
}

int load_channels(struct load *l)
{
	const struct program_channel *c = l->program->channels.items;
	struct conf_list *to = &l->manifest.channels;
	struct manifest_channel *m = arena_alloc(l->arena, (l->program->channels.n + 1) * sizeof(*m));
	int err = m ? 0 : -ENOMEM;

	for (size_t k = 0; k < l->program->channels.n && !err; k++)
		err = load_channel(l, &c[k], k, &m[k]);
	for (size_t k = 0; k < l->program->channels.n && !err; k++)
		for (size_t j = 0; j < k && !err; j++)
			if (m[k].map_id && m[j].map_id == m[k].map_id)
				err = load_fail(l, c[k].item.line,
						"channels '%s' and '%s' drain the same map: it has one consumer",
						m[j].name, m[k].name);
	to->items = m;
	to->n = l->program->channels.n;
	return err;
}
