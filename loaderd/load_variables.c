/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Globals of an object, set from YAML before it is loaded. */
#include <errno.h>
#include <string.h>

#include "load.h"

/* The map of a section: internal maps are called <object>.rodata and so on; custom sections keep their own name. */
static struct bpf_map *section_map(struct bpf_object *obj, const char *section)
{
	size_t len = strlen(section);
	struct bpf_map *m;

	bpf_object__for_each_map(m, obj) {
		const char *name = bpf_map__name(m);
		size_t n = strlen(name);

		if (bpf_map__is_internal(m) && n >= len && !strcmp(name + n - len, section))
			return m;
	}
	return NULL;
}

static int set(struct load *l, const struct btf *btf, struct bpf_map *m, const struct btf_var_secinfo *at,
	       const struct program_variable *v)
{
	cleanup(freep) char *copy = NULL;
	size_t size;
	const void *now = bpf_map__initial_value(m, &size);
	uint32_t type = btf__type_by_id(btf, at->type)->type;
	int err;

	if (!now || (size_t)at->offset + at->size > size)
		return load_fail(l, v->value->line, "variable '%s': its section has no initial values", v->name);
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, now, size);
	err = load_value(l, btf, type, v->value, copy + at->offset, at->size, v->name);
	if (err)
		return err;
	err = bpf_map__set_initial_value(m, copy, size);
	return err ? load_fail(l, v->value->line, "variable '%s': %s", v->name, strerror(-err)) : 0;
}

struct found {
	const char *section;
	const struct btf_var_secinfo *at;
};

static bool find(const struct btf *btf, const char *name, struct found *ret)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *sec = btf__type_by_id(btf, id);

		if (!btf_is_datasec(sec))
			continue;
		for (unsigned k = 0; k < btf_vlen(sec); k++) {
			const struct btf_var_secinfo *at = btf_var_secinfos(sec) + k;
			const struct btf_type *var = btf__type_by_id(btf, at->type);

			if (!btf_is_var(var) || strcmp(load_btf_name(btf, var->name_off), name))
				continue;
			*ret = (struct found){ load_btf_name(btf, sec->name_off), at };
			return true;
		}
	}
	return false;
}

bool load_has_variable(const struct load_item *i, const char *name)
{
	const struct btf *btf = bpf_object__btf(i->obj);
	struct found f;

	return btf && find(btf, name, &f);
}

int load_variable(struct load *l, struct load_item *i, const struct program_variable *v)
{
	const struct btf *btf = bpf_object__btf(i->obj);
	struct bpf_map *m;
	struct found f;

	if (!find(btf, v->name, &f))
		return load_fail(l, v->value->line, "%s has no variable '%s'", i->artifact.path, v->name);
	m = section_map(i->obj, f.section);
	if (!m)
		return load_fail(l, v->value->line, "variable '%s' lies in section %s, which is not data", v->name,
				 f.section);
	return set(l, btf, m, f.at, v);
}

int load_variables(struct load *l, struct load_item *i)
{
	const struct btf *btf = bpf_object__btf(i->obj);
	int err = 0;

	if (i->decl->n_variables && !btf)
		return load_fail(l, i->decl->item.line,
				 "%s has no BTF, so its variables cannot be set: compile it with clang -g",
				 i->artifact.path);
	for (size_t k = 0; k < i->decl->n_variables && !err; k++)
		err = load_variable(l, i, &i->decl->variables[k]);
	return err;
}
