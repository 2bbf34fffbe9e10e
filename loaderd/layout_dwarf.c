/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts from DWARF, for structs that clang left out of BTF because only a function's body uses them. */
#include <errno.h>
#include <string.h>

#include "layout_dwarf.h"

struct search {
	const char *name;
	Dwarf_Die found;
};

static int on_struct(Dwarf_Die *die, void *arg)
{
	struct search *s = arg;
	uint64_t size;
	Dwarf_Die to;

	if (strcmp(die_name(die), s->name))
		return 0;
	to = *die;
	if (dwarf_tag(die) == DW_TAG_typedef && !die_composite(die, &to))
		return 0;
	if (dwarf_tag(&to) != DW_TAG_structure_type || !die_number(&to, DW_AT_byte_size, &size))
		return 0;	/* only declared */
	s->found = to;
	return 1;
}

int layout_from_dwarf(struct arena *a, const void *elf, size_t size, const char *name, struct layout *ret,
		      struct diag *d)
{
	cleanup(debug_info_fini) struct debug_info info = { 0 };
	struct layout_build b = { .arena = a, .diag = d, .name = name };
	struct layout l = { .source = "dwarf", .root = { .name = "", .kind = LAYOUT_STRUCT } };
	struct search s = { .name = name };
	uint64_t bytes = 0;
	int err;

	if (debug_info_open(&info, elf, size) || !debug_info_each(&info, on_struct, &s))
		return -ENOENT;
	die_number(&s.found, DW_AT_byte_size, &bytes);
	l.name = arena_strdup(a, name);
	if (!l.name)
		return -ENOMEM;
	l.root.bits = 8 * bytes;
	err = layout_dwarf_members(&b, &s.found, 0, true, &l.root.fields);
	if (err)
		return err;
	l.size = layout_fixed_size(&l, bytes);
	*ret = l;
	return 0;
}
