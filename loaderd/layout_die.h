/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug information of an object, and what its entries (DIEs) say.
 *
 * A BPF object is relocatable, yet its debug sections can be read as they lie: clang writes their relocations with the
 * addend in place, and the symbols are section symbols of value 0. */
#ifndef EBPF_AGENT_LAYOUT_DIE_H
#define EBPF_AGENT_LAYOUT_DIE_H

#include <dwarf.h>
#include <elfutils/libdw.h>

#include "../common/base.h"

struct debug_info {
	Elf *elf;
	Dwarf *dwarf;
};
/* 0, or -ENOENT: there is none, or nobody can read it. To be finished in either case. */
int debug_info_open(struct debug_info *i, const void *elf, size_t size);
void debug_info_fini(struct debug_info *i);
/* Calls @each for every struct and typedef of every unit, outside and inside functions, until it returns other than
 * 0, which is returned. */
int debug_info_each(const struct debug_info *i, int (*each)(Dwarf_Die *, void *), void *arg);

const char *die_name(Dwarf_Die *die);	/* "": none */
/* Of its attributes; false: it has none such. */
bool die_type(Dwarf_Die *die, Dwarf_Die *ret);
bool die_number(Dwarf_Die *die, unsigned attribute, uint64_t *ret);
bool die_signed(Dwarf_Die *die, unsigned attribute, int64_t *ret);

/* const, volatile, … */
bool die_is_modifier(int tag);
/* The struct or union that @member (or a typedef) is of, names and modifiers looked through. */
bool die_composite(Dwarf_Die *member, Dwarf_Die *ret);
/* In bits from the start of the struct; *ret_width 0: no bit-field. */
uint64_t die_place(Dwarf_Die *member, uint64_t *ret_width);

#endif
