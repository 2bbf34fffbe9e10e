/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which structs could have been meant, for an error. */
#include <string.h>

#include "layout_die.h"
#include "load.h"

#define CANDIDATES_MAX 12

struct candidates {
	char text[1024];
	const char *names[CANDIDATES_MAX];
	unsigned n;
	struct btf *kernel;	/* structs of the kernel are not what an event is */
};

static void add_candidate(struct candidates *c, struct arena *a, const char *name)
{
	if (!name[0] || c->n == CANDIDATES_MAX || strstr(name, "___") || !strcmp(name, "agent_counts"))
		return;
	for (unsigned i = 0; i < c->n; i++)
		if (!strcmp(c->names[i], name))
			return;
	if (c->kernel && btf__find_by_name_kind(c->kernel, name, BTF_KIND_STRUCT) > 0)
		return;
	c->names[c->n++] = arena_strdup(a, name);
	if (c->names[c->n - 1])
		snprintf(c->text + strlen(c->text), sizeof(c->text) - strlen(c->text), "%s%s", c->text[0] ? ", " : "",
			 name);
}

struct dwarf_candidates {
	struct candidates *c;
	struct arena *arena;
};

static int on_candidate(Dwarf_Die *die, void *arg)
{
	struct dwarf_candidates *d = arg;

	if (dwarf_tag(die) == DW_TAG_structure_type && !dwarf_hasattr(die, DW_AT_declaration))
		add_candidate(d->c, d->arena, die_name(die));
	return 0;
}

const char *layout_candidates(struct arena *a, const struct btf *btf, const void *elf, size_t size)
{
	cleanup(debug_info_fini) struct debug_info info = { 0 };
	struct candidates c = { .kernel = btf__load_vmlinux_btf() };

	if (libbpf_get_error(c.kernel))
		c.kernel = NULL;
	for (uint32_t i = 1; btf && i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);

		if (btf_is_struct(t))
			add_candidate(&c, a, load_btf_name(btf, t->name_off));
	}
	if (!debug_info_open(&info, elf, size))
		debug_info_each(&info, on_candidate, &(struct dwarf_candidates){ &c, a });
	btf__free(c.kernel);
	return arena_strdup(a, c.text);
}
