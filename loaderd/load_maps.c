/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps: sizes that the YAML says or that an author leaves to user space, shared maps, first entries, pins. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../common/paths.h"
#include "../common/pins.h"
#include "load.h"
#include "load_log.h"
#include "shared.h"

#define RING_BYTES   (1u << 20)
#define MAP_ENTRIES  10240	/* what most tools use for what they leave open */
#define STACK_FRAMES 127	/* kernel.perf_event_max_stack's default */

static struct bpf_map *find(const struct load_item *i, const char *name)
{
	return bpf_object__find_map_by_name(i->obj, name);
}

static const char *names_of(struct load *l, const struct load_item *i)
{
	const char *text = "";
	struct bpf_map *m;

	bpf_object__for_each_map(m, i->obj) {
		if (!bpf_map__is_internal(m))
			text = arena_printf(l->arena, "%s%s%s", text, text[0] ? ", " : "", bpf_map__name(m));
		if (!text)
			return "";
	}
	return text[0] ? text : "none";
}

/* Types whose size is not a number of entries, or that libbpf fills in. */
static bool sizes_itself(enum bpf_map_type type)
{
	switch ((int)type) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case 32:	/* BPF_MAP_TYPE_CGRP_STORAGE, since Linux 6.2 */
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
	case BPF_MAP_TYPE_STRUCT_OPS:
		return true;
	default:
		return false;
	}
}

static void fill_unset(struct load *l, struct bpf_map *m)
{
	enum bpf_map_type type = bpf_map__type(m);
	uint32_t entries = type == BPF_MAP_TYPE_RINGBUF ? RING_BYTES : MAP_ENTRIES;

	if (bpf_map__max_entries(m) == 0 && !sizes_itself(type) && !bpf_map__set_max_entries(m, entries))
		load_degraded(l, "map '%s' says no max_entries: %u was taken; maps: may say another", bpf_map__name(m),
			      entries);
	if (type == BPF_MAP_TYPE_STACK_TRACE && bpf_map__value_size(m) == 0 &&
	    !bpf_map__set_value_size(m, 8 * STACK_FRAMES))
		load_degraded(l, "map '%s' says no value_size: %d stack frames were taken; maps: may say another",
			      bpf_map__name(m), STACK_FRAMES);
}

/* Held up to this process's end: of two loads at the same time the second one finds what the first one has pinned. */
static int lock_shared(struct load *l, const struct program_map *decl)
{
	char dir[PATH_MAX];
	int err = l->shared_lock ? 0 : shared_make_dir() ?: shared_dir(dir);

	if (!err && !l->shared_lock) {
		l->shared_lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = l->shared_lock < 0 || flock(l->shared_lock, LOCK_EX) ? -errno : 0;
	}
	return err ? load_fail(l, decl->item.line, "the shared map '%s': %s", decl->item.key, strerror(-err)) : 0;
}

static int reuse_shared(struct load *l, struct load_item *i, const struct program_map *decl, struct bpf_map *m)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[PATH_MAX];
	int err = shared_path(decl->item.key, path);
	cleanup(closep) int fd = err ? -1 : bpf_obj_get(path);

	if (err || (fd < 0 && errno != ENOENT))
		return load_fail(l, decl->item.line, "the shared map '%s': %s", decl->item.key,
				 strerror(err ? -err : errno));
	if (fd < 0)
		return 0;	/* we are the first: pinned after the load */
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return load_fail(l, decl->item.line, "the shared map '%s': %s", decl->item.key, strerror(errno));
	if (info.type != bpf_map__type(m) || info.key_size != bpf_map__key_size(m) ||
	    info.value_size != bpf_map__value_size(m) || info.max_entries != bpf_map__max_entries(m) ||
	    info.map_flags != bpf_map__map_flags(m))
		return load_fail(l, decl->item.line,
				 "map '%s' is there already as a shared map, but differs: type %u, key %u bytes, "
				 "value %u bytes, %u entries, flags 0x%x; in %s: type %u, key %u, value %u, %u "
				 "entries, flags 0x%x",
				 decl->item.key, info.type, info.key_size, info.value_size, info.max_entries,
				 info.map_flags, i->artifact.path, bpf_map__type(m), bpf_map__key_size(m),
				 bpf_map__value_size(m), bpf_map__max_entries(m), bpf_map__map_flags(m));
	err = bpf_map__reuse_fd(m, fd);
	return err ? load_fail(l, decl->item.line, "the shared map '%s': %s", decl->item.key, load_strerror(err)) : 0;
}

static int apply(struct load *l, struct load_item *i, const struct program_map *decl)
{
	struct bpf_map *m = find(i, decl->item.key);
	int err = 0;

	if (!m)
		return load_fail(l, decl->item.line, "%s has no map '%s' (it has: %s)", i->artifact.path,
				 decl->item.key, names_of(l, i));
	if (decl->max_entries > UINT32_MAX || decl->value_size > UINT32_MAX)
		return load_fail(l, decl->item.line, "map '%s': too large", decl->item.key);
	if (decl->max_entries)
		err = bpf_map__set_max_entries(m, decl->max_entries);
	if (!err && decl->value_size)
		err = bpf_map__set_value_size(m, decl->value_size);
	if (err)
		return load_fail(l, decl->item.line, "map '%s': its size cannot be set: %s", decl->item.key,
				 load_strerror(err));
	return 0;
}

int load_maps_prepare(struct load *l, struct load_item *i)
{
	const struct program_map *decl = i->decl->maps.items;
	struct bpf_map *m;
	int err = 0;

	for (size_t k = 0; k < i->decl->maps.n && !err; k++)
		err = apply(l, i, &decl[k]);
	if (err)
		return err;
	bpf_object__for_each_map(m, i->obj) {
		bpf_map__set_pin_path(m, NULL);	/* an object's own wish to be pinned would go to the system's bpffs */
		fill_unset(l, m);
	}
	for (size_t k = 0; k < i->decl->maps.n && !err; k++)
		if (decl[k].pin)
			err = lock_shared(l, &decl[k]) ?: reuse_shared(l, i, &decl[k], find(i, decl[k].item.key));
	return err;
}

/* ---- first entries ---------------------------------------------------------------------------------------------- */

static bool is_per_cpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_array(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int fill(struct load *l, struct load_item *i, uint32_t type, const struct yaml_node *n, void *to, size_t size,
		const char *what)
{
	if (type && bpf_object__btf(i->obj))
		return load_value(l, bpf_object__btf(i->obj), type, n, to, size, what);
	return load_bytes(l, n, to, size, what);
}

struct entry {
	void *key, *value;
	size_t key_size, value_size, stride;
	unsigned copies;	/* per-CPU maps: the same on each CPU */
};

static int put_entry(struct load *l, struct load_item *i, struct bpf_map *m, struct entry *e,
		     const struct yaml_node *key, const struct yaml_node *value, unsigned line)
{
	const char *what = bpf_map__name(m);
	int err = 0;

	memset(e->value, 0, e->stride * e->copies);
	if (key)
		err = fill(l, i, bpf_map__btf_key_type_id(m), key, e->key, e->key_size, what);
	if (!err)
		err = fill(l, i, bpf_map__btf_value_type_id(m), value, e->value, e->value_size, what);
	if (err)
		return err;
	for (unsigned c = 1; c < e->copies; c++)
		memcpy((char *)e->value + c * e->stride, e->value, e->stride);
	if (bpf_map_update_elem(bpf_map__fd(m), e->key, e->value, BPF_ANY))
		return load_fail(l, line, "map '%s': the kernel refuses this entry: %s", what, strerror(errno));
	return 0;
}

/* `init:` is a mapping KEY: VALUE, or a sequence of {key: …, value: …}; for arrays also a sequence of values. */
static int init_entries(struct load *l, struct load_item *i, struct bpf_map *m, const struct yaml_node *n,
			struct entry *e)
{
	int err = 0;

	for (size_t k = 0; k < n->n && !err; k++) {
		const struct yaml_node *item = n->items[k], *key, *value;

		if (n->kind == YAML_NODE_MAPPING) {
			struct yaml_node scalar = {
				.kind = YAML_NODE_SCALAR,
				.line = n->key_lines[k],
				.file = n->file,
				.value = n->keys[k],
				.plain = true,
			};

			err = put_entry(l, i, m, e, &scalar, item, scalar.line);
			continue;
		}
		key = yaml_get(item, "key");
		value = yaml_get(item, "value");
		if (key && value && item->n == 2) {
			err = put_entry(l, i, m, e, key, value, item->line);
		} else if (is_array(bpf_map__type(m))) {
			*(uint32_t *)e->key = k;
			err = put_entry(l, i, m, e, NULL, item, item->line);
		} else {
			err = load_fail(l, item->line, "map '%s': an entry is {key: …, value: …}",
					bpf_map__name(m));
		}
	}
	return err;
}

/* Their values are descriptors, which would be ours. */
static bool holds_descriptors(enum bpf_map_type type)
{
	switch ((int)type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_XSKMAP:
		return true;
	default:
		return false;
	}
}

static void entry_fini(struct entry *e)
{
	free(e->key);
	free(e->value);
}

static int entry_init(struct load *l, const struct bpf_map *m, unsigned line, struct entry *e)
{
	int cpus = libbpf_num_possible_cpus();

	*e = (struct entry){
		.key_size = bpf_map__key_size(m), .value_size = bpf_map__value_size(m),
		.copies = is_per_cpu(bpf_map__type(m)) ? MAX(cpus, 1) : 1,
	};
	if (e->key_size == 0 || e->value_size == 0 || holds_descriptors(bpf_map__type(m)))
		return load_fail(l, line, "map '%s': maps of its type take no entries", bpf_map__name(m));
	e->stride = ALIGN_UP(e->value_size, 8);
	e->key = calloc(1, ALIGN_UP(e->key_size, 8));
	e->value = calloc(e->copies, e->stride);
	return e->key && e->value ? 0 : -ENOMEM;
}

static int init_map(struct load *l, struct load_item *i, const struct program_map *decl)
{
	struct bpf_map *m = find(i, decl->item.key);
	cleanup(entry_fini) struct entry e = { 0 };
	int err;

	if (decl->init->kind == YAML_NODE_SCALAR)
		return load_fail(l, decl->init->line,
				 "map '%s': init is a mapping of keys to values, or a list of entries", decl->item.key);
	err = entry_init(l, m, decl->init->line, &e);
	return err ? err : init_entries(l, i, m, decl->init, &e);
}

int load_maps_put(struct load *l, struct load_item *i, const char *map, const struct yaml_node *key,
		  const struct yaml_node *value)
{
	struct bpf_map *m = find(i, map);
	cleanup(entry_fini) struct entry e = { 0 };
	int err = entry_init(l, m, key->line, &e);

	return err ? err : put_entry(l, i, m, &e, key, value, key->line);
}

int load_maps_init(struct load *l, struct load_item *i)
{
	const struct program_map *decl = i->decl->maps.items;
	int err = 0;

	for (size_t k = 0; k < i->decl->maps.n && !err; k++)
		if (decl[k].init)
			err = init_map(l, i, &decl[k]);
	return err;
}

/* ---- pins ------------------------------------------------------------------------------------------------------- */

static int pin_shared(struct load *l, const struct program_map *decl, struct bpf_map *m)
{
	char path[PATH_MAX];
	int err = shared_path(decl->item.key, path);

	if (err)
		return load_fail(l, decl->item.line, "the shared map '%s' cannot be pinned: %s", decl->item.key,
				 strerror(-err));
	if (access(path, F_OK) == 0)
		return 0;	/* reused */
	if (bpf_obj_pin(bpf_map__fd(m), path) || chmod(path, 0660))
		return load_fail(l, decl->item.line, "the shared map '%s' cannot be pinned: %s", decl->item.key,
				 strerror(errno));
	return 0;
}

int load_maps_pin(struct load *l, struct load_item *i)
{
	const struct program_map *decl = i->decl->maps.items;
	struct bpf_map *m;
	int err = 0;

	bpf_object__for_each_map(m, i->obj) {
		if (bpf_map__fd(m) < 0)
			continue;
		err = pin_put(bpf_map__fd(m), l->program->name, i->decl->name, PIN_MAP, bpf_map__name(m));
		if (err)
			return load_fail(l, i->decl->item.line, "map '%s' cannot be pinned: %s", bpf_map__name(m),
					 strerror(-err));
	}
	for (size_t k = 0; k < i->decl->maps.n && !err; k++)
		if (decl[k].pin)
			err = pin_shared(l, &decl[k], find(i, decl[k].item.key));
	return err;
}
