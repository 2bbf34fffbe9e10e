/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Channels: which map each drains, and what its records are: the rules of inference. */
#include <errno.h>
#include <string.h>

#include "../abi/counts.h"
#include "load.h"

/* ---- inference -------------------------------------------------------------------------------------------------- */

static bool has_wide_enum(const struct layout_field *f)
{
	const struct layout_field *fields = f->fields.items;
	bool found = f->kind == LAYOUT_ENUM && f->bits == 64;

	for (size_t k = 0; k < f->fields.n && !found; k++)
		found = has_wide_enum(&fields[k]);
	return found;
}

/* Before clang 15 BTF cut the values of 64-bit enums to 32 bits; DWARF always has them whole. */
static int from_btf(struct arena *a, const struct btf *btf, uint32_t id, const struct artifact *elf, struct layout *ret,
		    struct diag *d)
{
	struct layout whole;
	int err = layout_from_btf(a, btf, id, ret, d);

	if (!err && has_wide_enum(&ret->root) &&
	    !layout_from_dwarf(a, elf->bytes, elf->size, ret->name, &whole, NULL) && whole.size == ret->size)
		*ret = whole;
	return err;
}

static int by_name(struct arena *a, const char *name, const struct btf *btf, const struct artifact *elf,
		   struct layout *ret, struct diag *d)
{
	uint32_t id;
	int err = btf ? layout_btf_find(btf, name, &id) : -ENOENT;

	if (err == -EEXIST)
		return err;
	err = err ? layout_from_dwarf(a, elf->bytes, elf->size, name, ret, d) : from_btf(a, btf, id, elf, ret, d);
	if (!err && !ret->name[0])
		ret->name = arena_strdup(a, name);	/* a typedef of a struct without a tag */
	return err;
}

static int cannot_infer(struct arena *a, const struct program_channel *c, const struct btf *btf,
			const struct artifact *elf, const char *why, struct diag *d)
{
	const char *candidates = d ? layout_candidates(a, btf, elf->bytes, elf->size) : NULL;

	if (candidates && candidates[0])
		return diag_fail(d, -EINVAL, c->item.file, c->item.line,
				 "channel '%s': %s. Say `event: NAME`, or AGENT_EVENT() in the program; structs that "
				 "it has: %s",
				 c->name, why, candidates);
	return diag_fail(d, -EINVAL, c->item.file, c->item.line,
			 "channel '%s': %s, and the object describes no structs (it is stripped, or was compiled "
			 "without -g). "
			 "Say `fields: [{name: …, type: …}]`",
			 c->name, why);
}

static int by_anchor(struct arena *a, const struct program_channel *c, const struct btf *btf, uint32_t id,
		     const struct artifact *elf, struct layout *ret, struct diag *d)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	if (btf_is_fwd(t))
		return diag_fail(d, -EINVAL, c->item.file, c->item.line,
				 "channel '%s': its AGENT_EVENT() names struct %s, which is only declared, not "
				 "defined, in the program", c->name, load_btf_name(btf, t->name_off));
	return from_btf(a, btf, id, elf, ret, d);
}

int infer_layout(struct arena *a, const struct program_channel *c, const char *map, const struct btf *btf,
		 const struct artifact *elf, struct layout *ret, struct diag *d)
{
	uint32_t id;
	int err;

	if (c->fields.n > 0)
		return layout_from_fields(a, c, ret, d);
	if (c->event) {
		err = by_name(a, c->event, btf, elf, ret, d);
		if (err == -EEXIST)
			return diag_fail(d, err, c->item.file, c->item.line,
					 "channel '%s': the object has several different structs '%s'", c->name,
					 c->event);
		return err == -ENOENT ? cannot_infer(a, c, btf, elf,
						     arena_printf(a, "the object has no struct '%s'", c->event), d)
				      : err;
	}
	if (btf && !layout_btf_anchor(btf, map, &id))
		return by_anchor(a, c, btf, id, elf, ret, d);
	err = by_name(a, "event", btf, elf, ret, d);
	if (err == -EEXIST)
		return cannot_infer(a, c, btf, elf, "the object has several different structs 'event'", d);
	return err == -ENOENT ? cannot_infer(a, c, btf, elf, "it is not said which struct its records are", d) : err;
}

static bool is_number(const struct layout_field *f, uint64_t offset, unsigned bits)
{
	return (f->kind == LAYOUT_UINT || f->kind == LAYOUT_INT) && f->bits == bits && offset % 8 == 0;
}

static int infer_time(struct arena *a, const struct program_channel *c, struct manifest_channel *m, struct diag *d)
{
	static const char *const usual[] = { "ts_ns", "ktime_ns", "timestamp_ns" };
	const struct layout_field *f = NULL;
	const char *name = c->ts_field;
	uint64_t offset;

	if (name) {
		f = layout_find(&m->layout, name, &offset);
		if (!f || !is_number(f, offset, 64))
			return diag_fail(d, -EINVAL, c->item.file, c->item.line,
					 "channel '%s': ts_field '%s' is not a 64-bit number of struct %s", c->name,
					 name, m->layout.name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual) && !f; i++) {
		name = usual[i];
		f = layout_find(&m->layout, name, &offset);
		if (f && (f->kind != LAYOUT_UINT || !is_number(f, offset, 64)))
			f = NULL;
	}
	if (!f)
		return 0;
	m->ts_field = arena_strdup(a, name);
	m->ts_offset = offset / 8;
	m->ts_bytes = 8;
	return m->ts_field ? 0 : -ENOMEM;
}

static int infer_pid(struct arena *a, const struct program_channel *c, struct manifest_channel *m, struct diag *d)
{
	static const char *const usual[] = { "tgid", "pid" };
	const struct layout_field *f = NULL;
	const char *name = c->pid_field;
	uint64_t offset;

	if (name) {
		f = layout_find(&m->layout, name, &offset);
		if (!f || (!is_number(f, offset, 32) && !is_number(f, offset, 64)))
			return diag_fail(d, -EINVAL, c->item.file, c->item.line,
					 "channel '%s': pid_field '%s' is not a 32- or 64-bit number of struct %s",
					 c->name, name, m->layout.name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual) && !f; i++) {
		name = usual[i];
		f = layout_find(&m->layout, name, &offset);
		if (f && !is_number(f, offset, 32))
			f = NULL;
	}
	if (!f)
		return 0;
	m->pid_field = arena_strdup(a, name);
	m->pid_offset = offset / 8;
	m->pid_bytes = f->bits / 8;
	return m->pid_field ? 0 : -ENOMEM;
}

int infer_fields(struct arena *a, const struct program_channel *c, struct manifest_channel *m, struct diag *d)
{
	int err;

	m->ts_offset = m->pid_offset = -1;
	if (!m->has_layout) {
		if (c->ts_field || c->pid_field)
			return diag_fail(d, -EINVAL, c->item.file, c->item.line,
					 "channel '%s': %s names a field, but which struct its records are is not "
					 "known; say `event:` or `fields:`",
					 c->name, c->ts_field ? "ts_field" : "pid_field");
		return 0;
	}
	err = infer_time(a, c, m, d);
	return err ? err : infer_pid(a, c, m, d);
}

static bool usable_as_key(const struct layout_field *f, uint64_t offset)
{
	if (f->trailing || offset % 8 || f->bits % 8 || f->bits == 0)
		return false;
	switch (f->kind) {
	case LAYOUT_TEXT:
	case LAYOUT_BYTES:
	case LAYOUT_IP:
		return true;
	case LAYOUT_STRUCT:
	case LAYOUT_UNION:
	case LAYOUT_ARRAY:
	case LAYOUT_STRV:
		return false;
	default:
		return f->bits == 8 || f->bits == 16 || f->bits == 32 || f->bits == 64;
	}
}

void infer_key(struct arena *a, const struct program_event *e, const struct manifest_channel *m,
	       struct manifest_route *r)
{
	const char *hash = e ? e->hash : NULL;
	const struct layout_field *f = NULL;
	uint64_t offset;

	r->key_offset = -1;
	r->key_bytes = 0;
	if (hash && m->has_layout)
		f = layout_find(&m->layout, hash, &offset);
	if (f && usable_as_key(f, offset)) {
		r->key = arena_strdup(a, hash);
		r->key_offset = offset / 8;
		r->key_bytes = f->bits / 8;
	} else if (hash) {
		r->key = arena_printf(
			a, "process id (hash '%s' names neither a function nor a field that can be a key)", hash);
	} else {
		r->key = "process id";
	}
}

/* ---- from the objects ------------------------------------------------------------------------------------------- */

struct place {
	struct load_item *item;
	struct bpf_map *map;
};

static const char *rings_of(struct load *l)
{
	const char *text = "";

	for (size_t k = 0; k < l->n_items; k++) {
		struct bpf_map *m;

		if (!l->items[k].obj)
			continue;
		bpf_object__for_each_map(m, l->items[k].obj) if (bpf_map__type(m) == BPF_MAP_TYPE_RINGBUF && text)
			text = arena_printf(l->arena, "%s%s%s.%s", text, text[0] ? ", " : "", l->items[k].decl->name,
					    bpf_map__name(m));
	}
	return text && text[0] ? text : "none";
}

static int find_ring(struct load *l, const struct program_channel *c, struct place *ret)
{
	const char *map = c->map ? c->map : c->name;
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
		return load_fail(l, c->item.line, "channel '%s': no object%s%s has a map '%s' (ring buffers: %s)",
				 c->name, c->map_item ? " " : "", c->map_item ? c->map_item : "", map, rings_of(l));
	if (bpf_map__type(found.map) != BPF_MAP_TYPE_RINGBUF)
		return load_fail(l, c->item.line, "channel '%s': map '%s' is no ring buffer but a %s", c->name, map,
				 libbpf_bpf_map_type_str(bpf_map__type(found.map)));
	*ret = found;
	return 0;
}

/* R_counts beside ring R, as abi/counts.h has it. */
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

static int load_channel(struct load *l, const struct program_channel *c, size_t index, struct manifest_channel *m)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	struct place p = { 0 };
	int err;

	if (c->type != CHANNEL_RING_BUFFER)
		return load_not_built(l, c->item.line, "channel '%s': type %s is not built in this version", c->name,
				      channel_type_names[c->type]);
	err = find_ring(l, c, &p);
	if (err)
		return err;
	if (bpf_obj_get_info_by_fd(bpf_map__fd(p.map), &info, &len))
		return load_fail(l, c->item.line, "channel '%s': %s", c->name, strerror(errno));
	*m = (struct manifest_channel){
		.name = c->name, .type = c->type, .item = p.item->decl->name,
		.map = arena_strdup(l->arena, bpf_map__name(p.map)), .map_id = info.id, .size = info.max_entries,
		.counts = find_counts(l, &p),
	};
	err = load_layout(l, c, index, &p, m);
	if (!err)
		err = infer_fields(l->arena, c, m, &l->diag);
	return err;
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
			if (m[j].map_id == m[k].map_id)
				err = load_fail(l, c[k].item.line,
						"channels '%s' and '%s' drain the same map: a ring has one consumer",
						m[j].name, m[k].name);
	to->items = m;
	to->n = l->program->channels.n;
	return err;
}
