/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Polled maps: what an entry looks like. Its record is the key's bytes and behind them the value's; the layout has two
 * members, key and value. */
#include <errno.h>
#include <string.h>

#include "../common/snapshot.h"
#include "layout_build.h"

bool load_map_is_polled(enum bpf_map_type type)
{
	switch ((int)type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_STACK_TRACE:
		return true;
	default:
		return false;
	}
}

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* What the worker will need for its two last readings. */
static int check_size(struct load *l, const struct program_channel *c, const struct bpf_map_info *info)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t copies = is_per_cpu(info->type) ? (uint64_t)MAX(cpus, 1) : 1;
	struct snapshot_shape s = {
		.key_size = info->key_size, .value_size = ALIGN_UP(info->value_size, 8) * copies,
		.capacity = snapshot_capacity(info->max_entries),
	};
	uint64_t size = snapshot_size(&s);

	if (copies * ALIGN_UP((uint64_t)info->value_size, 8) <= UINT32_MAX && size <= SNAPSHOT_SIZE_MAX)
		return 0;
	return load_fail(l, c->item.line,
			 "channel '%s': two readings of its map (%u entries of %u and %llu bytes) take %llu MiB, and "
			 "may take %llu; set a smaller max_entries (properties: maps:)",
			 c->name, info->max_entries, info->key_size, (unsigned long long)(info->value_size * copies),
			 (unsigned long long)(size >> 20), (unsigned long long)(SNAPSHOT_SIZE_MAX >> 20));
}

/* ---- key and value ----------------------------------------------------------------------------------------------- */

/* Nobody says what it is: an integer, if there is one of that size. */
static void by_size(struct layout_field *f, uint32_t size)
{
	f->kind = size == 1 || size == 2 || size == 4 || size == 8 ? LAYOUT_UINT : LAYOUT_BYTES;
	f->bits = 8ULL * size;
}

static int by_fields(struct load *l, const struct program_channel *c, const struct conf_list *fields, uint32_t size,
		     struct layout_field *f)
{
	struct program_channel part = { .item = c->item, .name = c->name, .event = f->name, .fields = *fields };
	struct layout layout;
	int err = layout_from_fields(l->arena, &part, &layout, &l->diag);

	if (err)
		return err;
	if (layout.size > size)
		return load_fail(l, c->item.line, "channel '%s': the fields of its %s take %llu bytes, but it has %u",
				 c->name, f->name, (unsigned long long)layout.size, size);
	f->kind = LAYOUT_STRUCT;
	f->bits = 8ULL * size;
	f->fields = layout.root.fields;
	return 0;
}

/* One more member of the record. */
static int add_part(struct load *l, const struct program_channel *c, struct layout_build *b, const struct btf *btf,
		    uint32_t type, const struct conf_list *fields, const char *name, uint32_t size, struct layout *to)
{
	struct conf_list *members = &to->root.fields;
	struct layout_field *f;
	struct diag why = { 0 };
	int err = 0;

	if (type && btf && !fields->n) {
		b->diag = &why;
		err = layout_btf_add(b, btf, type, name, 8 * to->size, members);
		b->diag = &l->diag;
		if (err && err != -ENODATA)
			return load_fail(l, c->item.line, "channel '%s': its map's %s cannot be shown: %s; say `%s:`",
					 c->name, name, why.error, name);
		f = (struct layout_field *)members->items + members->n - 1;
		/* What BTF says of another size is no description of it. */
		if (err || f->bits > 8ULL * size || f->trailing)
			by_size(f, size);
	} else {
		f = layout_push_field(b, members, name);
		if (!f)
			return -EINVAL;
		f->offset = 8 * to->size;
		if (fields->n)
			err = by_fields(l, c, fields, size, f);
		else
			by_size(f, size);
		if (err)
			return err;
	}
	to->size += size;
	to->root.bits = 8 * to->size;
	return 0;
}

static int describe_entry(struct load *l, const struct program_channel *c, const struct load_item *i,
			  const struct bpf_map *map, const struct bpf_map_info *info, struct layout *ret)
{
	const struct btf *btf = bpf_object__btf(i->obj);
	uint32_t key_type = bpf_map__btf_key_type_id(map), value_type = bpf_map__btf_value_type_id(map);
	struct layout_build b = { .arena = l->arena, .diag = &l->diag, .name = bpf_map__name(map) };
	struct layout layout = {
		.name = arena_strdup(l->arena, bpf_map__name(map)),
		.source = c->poll.key.n || c->poll.value.n ? "fields" : btf && value_type ? "btf" : "size",
		.root = { .name = "", .kind = LAYOUT_STRUCT },
	};
	int err;

	if (info->type == BPF_MAP_TYPE_STACK_TRACE)
		key_type = value_type = 0;	/* numbers and addresses, whatever it calls them */
	err = add_part(l, c, &b, btf, key_type, &c->poll.key, "key", info->key_size, &layout);
	if (!err)
		err = add_part(l, c, &b, btf, value_type, &c->poll.value, "value", info->value_size, &layout);
	if (!err)
		*ret = layout;
	return err;
}

/* ---- the channel ------------------------------------------------------------------------------------------------- */

/* Whose entry it is, if the key says so. */
static int find_pid(struct load *l, const struct program_channel *c, struct manifest_channel *m)
{
	static const char *const usual[] = { "key.tgid", "key.pid" };
	const struct layout_field *f = NULL;
	const char *name = NULL;
	uint64_t offset = 0;

	if (c->pid_field)
		f = layout_find(&m->layout, name = c->pid_field, &offset) ?:
		    layout_find(&m->layout, name = arena_printf(l->arena, "key.%s", c->pid_field), &offset);
	for (size_t k = 0; k < ARRAY_SIZE(usual) && !c->pid_field && !f; k++)
		f = layout_find(&m->layout, name = usual[k], &offset);
	if (f && (f->kind == LAYOUT_UINT || f->kind == LAYOUT_INT) && (f->bits == 32 || f->bits == 64) &&
	    offset % 8 == 0) {
		m->pid_field = name;
		m->pid_offset = (int64_t)offset / 8;
		m->pid_bytes = f->bits / 8;
		return 0;
	}
	return c->pid_field ? load_fail(l, c->item.line, "channel '%s': pid_field '%s' is not a 32- or 64-bit number "
					"of its key", c->name, c->pid_field) : 0;
}

int load_map_channel(struct load *l, const struct program_channel *c, const struct load_item *i,
		     const struct bpf_map *map, const struct bpf_map_info *info, bool needed,
		     struct manifest_channel *m)
{
	bool is_stack = info->type == BPF_MAP_TYPE_STACK_TRACE;
	bool is_array = info->type == BPF_MAP_TYPE_ARRAY || info->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	int err = check_size(l, c, info);

	if (!err)
		err = describe_entry(l, c, i, map, info, &m->layout);
	if (err)
		return err;
	m->has_layout = true;
	m->ts_offset = m->pid_offset = -1;
	m->poll = (struct manifest_poll){
		.interval_ns = c->poll.interval_ns ? c->poll.interval_ns : POLL_INTERVAL_NS, .reset = c->poll.reset,
		.per_cpu = c->poll.per_cpu && is_per_cpu(info->type), .kind = c->poll.kind,
		.key_size = info->key_size, .value_size = info->value_size, .buckets = c->poll.buckets,
	};
	if (c->poll.per_cpu && !m->poll.per_cpu)
		return load_fail(l, c->item.line, "channel '%s': per_cpu: its map is a %s, which has one value for all",
				 c->name, libbpf_bpf_map_type_str(info->type));
	err = load_map_labels(l, c, is_stack || (is_array && info->max_entries == 1), m);
	if (!err && !is_stack)
		err = load_map_values(l, c, m);
	if (!err && needed && !is_stack && m->poll.values.n == 0)
		return load_fail(l, c->item.line,
				 "channel '%s': the value of its map has no integer that could be a sample; say "
				 "`value:`, or `kind: hist` if it is an array of slots", c->name);
	return err ? err : find_pid(l, c, m);
}
