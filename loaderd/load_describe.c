/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function is told of the program that it belongs to: sdk/README.md says the same to its author. */
#include <string.h>

#include "../common/json.h"
#include "load_functions.h"

static const char *state_of(const struct load_prog *p, bool loaded)
{
	if (p->state == LOAD_DROPPED)
		return "dropped";
	if (!loaded)
		return "wanted";
	return p->state == LOAD_ATTACHED ? "attached" : "loaded";
}

static void add_progs(struct json *j, const struct load_item *i, bool loaded)
{
	json_open_array(j, "programs");
	for (size_t k = 0; k < i->n_progs; k++) {
		json_open_object(j, NULL);
		json_str(j, "name", i->progs[k].name);
		json_str(j, "section", i->progs[k].section);
		json_str(j, "state", state_of(&i->progs[k], loaded));
		json_close_object(j);
	}
	json_close_array(j);
}

static uint64_t map_id(const struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_map__fd(map) < 0 || bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len))
		return 0;
	return info.id;
}

static void write_map(struct json *j, const struct manifest_map *m)
{
	json_open_object(j, NULL);
	json_str(j, "name", m->name);
	json_str(j, "type", m->type);
	if (m->id)
		json_u64(j, "id", m->id);
	json_u64(j, "key_size", m->key_size);
	json_u64(j, "value_size", m->value_size);
	json_u64(j, "max_entries", m->max_entries);
	json_close_object(j);
}

static void add_maps(struct json *j, const struct load_item *i, bool loaded)
{
	const struct bpf_map *map;

	json_open_array(j, "maps");
	bpf_object__for_each_map(map, i->obj) {
		const char *type = libbpf_bpf_map_type_str(bpf_map__type(map));
		const struct manifest_map m = {
			.name = bpf_map__name(map), .type = type ? type : "unknown", .id = loaded ? map_id(map) : 0,
			.key_size = bpf_map__key_size(map), .value_size = bpf_map__value_size(map),
			.max_entries = bpf_map__max_entries(map),
		};

		if (!bpf_map__is_internal(map))
			write_map(j, &m);
	}
	json_close_array(j);
}

static void add_section(struct json *j, const struct btf *btf, const struct btf_type *sec)
{
	for (unsigned k = 0; k < btf_vlen(sec); k++) {
		const struct btf_var_secinfo *at = btf_var_secinfos(sec) + k;
		const struct btf_type *var = btf__type_by_id(btf, at->type);

		if (!var || !btf_is_var(var))
			continue;
		json_open_object(j, NULL);
		json_str(j, "name", load_btf_name(btf, var->name_off));
		json_str(j, "section", load_btf_name(btf, sec->name_off));
		json_u64(j, "size", at->size);
		json_close_object(j);
	}
}

/* Those of the sections that a load can set: see load_variables.c. */
static void add_variables(struct json *j, const struct load_item *i)
{
	const struct btf *btf = bpf_object__btf(i->obj);

	json_open_array(j, "variables");
	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = load_btf_name(btf, t->name_off);

		if (btf_is_datasec(t) && (!strncmp(name, ".rodata", 7) || !strncmp(name, ".data", 5) ||
					  !strncmp(name, ".bss", 4)))
			add_section(j, btf, t);
	}
	json_close_array(j);
}

static void begin(struct json *j, const char *stage, const char *program, const char *item)
{
	json_open_object(j, NULL);
	json_str(j, "stage", stage);
	json_str(j, "program", program);
	json_str(j, "item", item);
	json_open_array(j, "objects");
}

static char *end(struct json *j, size_t *ret_len)
{
	json_close_array(j);
	json_close_object(j);
	return json_finish(j, ret_len);
}

char *load_describe(struct load *l, const struct load_item *to, const char *stage, size_t *ret_len)
{
	bool loaded = l->loaded;
	struct json j = { 0 };

	begin(&j, stage, l->program->name, to->decl->name);
	for (size_t k = 0; k < l->n_items; k++) {
		const struct load_item *i = &l->items[k];

		if (!i->obj)
			continue;
		json_open_object(&j, NULL);
		json_str(&j, "name", i->decl->name);
		add_progs(&j, i, loaded);
		add_maps(&j, i, loaded);
		if (!loaded)
			add_variables(&j, i);
		json_close_object(&j);
	}
	return end(&j, ret_len);
}

char *load_describe_manifest(const struct manifest *m, const struct manifest_item *to, size_t *ret_len)
{
	const struct manifest_item *items = m->items.items;
	struct json j = { 0 };

	begin(&j, "unload", m->program, to->name);
	for (size_t k = 0; k < m->items.n; k++) {
		const struct manifest_map *maps = items[k].maps.items;

		if (strcmp(items[k].type, item_type_names[ITEM_EBPF_OBJECT]))
			continue;
		json_open_object(&j, NULL);
		json_str(&j, "name", items[k].name);
		json_open_array(&j, "maps");
		for (size_t n = 0; n < items[k].maps.n; n++)
			if (!strchr(maps[n].name, '.'))
				write_map(&j, &maps[n]);
		json_close_array(&j);
		json_close_object(&j);
	}
	return end(&j, ret_len);
}
