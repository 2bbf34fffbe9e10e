/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <libelf.h>

#include "layout_die.h"

int debug_info_open(struct debug_info *i, const void *elf, size_t size)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOENT;
	i->elf = elf_memory((char *)elf, size);
	if (i->elf)
		i->dwarf = dwarf_begin_elf(i->elf, DWARF_C_READ, NULL);
	return i->dwarf ? 0 : -ENOENT;
}

void debug_info_fini(struct debug_info *i)
{
	if (i->dwarf)
		dwarf_end(i->dwarf);
	if (i->elf)
		elf_end(i->elf);
}

static int each_struct_in(Dwarf_Die *parent, unsigned depth, int (*each)(Dwarf_Die *, void *), void *arg)
{
	Dwarf_Die die;
	int err = 0;

	if (depth == 8 || dwarf_child(parent, &die))
		return 0;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_structure_type || tag == DW_TAG_typedef)
			err = each(&die, arg);
		else if (tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block)
			err = each_struct_in(&die, depth + 1, each, arg);
	} while (!err && dwarf_siblingof(&die, &die) == 0);
	return err;
}

int debug_info_each(const struct debug_info *i, int (*each)(Dwarf_Die *, void *), void *arg)
{
	Dwarf_Off off = 0, next;
	size_t header;
	Dwarf_Die unit;
	int err = 0;

	for (; !err && dwarf_nextcu(i->dwarf, off, &next, &header, NULL, NULL, NULL) == 0; off = next)
		if (dwarf_offdie(i->dwarf, off + header, &unit))
			err = each_struct_in(&unit, 0, each, arg);
	return err;
}

const char *die_name(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name ? name : "";
}

bool die_type(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

bool die_number(Dwarf_Die *die, unsigned attribute, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr_integrate(die, attribute, &attr) || dwarf_formudata(&attr, &value))
		return false;
	*ret = value;
	return true;
}

bool die_signed(Dwarf_Die *die, unsigned attribute, int64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Sword value;

	if (!dwarf_attr_integrate(die, attribute, &attr) || dwarf_formsdata(&attr, &value))
		return false;
	*ret = value;
	return true;
}

bool die_is_modifier(int tag)
{
	return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type ||
	       tag == DW_TAG_atomic_type;
}

bool die_composite(Dwarf_Die *member, Dwarf_Die *ret)
{
	int tag = DW_TAG_member;

	*ret = *member;
	for (int i = 0; i < 32; i++) {
		if (!die_type(ret, ret))
			return false;
		tag = dwarf_tag(ret);
		if (!die_is_modifier(tag) && tag != DW_TAG_typedef)
			break;
	}
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

/* DWARF 4 and later say a bit-field's place by DW_AT_data_bit_offset; before, it was counted from the other end of its
 * storage unit. */
uint64_t die_place(Dwarf_Die *member, uint64_t *ret_width)
{
	uint64_t bytes = 0, bits = 0, width = 0, unit = 0;
	Dwarf_Die type;

	die_number(member, DW_AT_data_member_location, &bytes);
	die_number(member, DW_AT_bit_size, &width);
	*ret_width = width;
	if (die_number(member, DW_AT_data_bit_offset, &bits))
		return bits;
	if (width && die_number(member, DW_AT_bit_offset, &bits)) {
		if (!die_number(member, DW_AT_byte_size, &unit) && die_type(member, &type))
			unit = MAX(0, dwarf_bytesize(&type));
		return 8 * bytes + 8 * unit - bits - width;
	}
	return 8 * bytes;
}
