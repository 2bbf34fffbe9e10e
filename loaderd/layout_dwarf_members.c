/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of a struct, from DWARF. */
#include <errno.h>
#include <string.h>

#include "layout_dwarf.h"

struct member {
	bool of_char, of_strv, last;
};

static int describe(struct layout_build *b, struct member *m, Dwarf_Die *type, struct layout_field *f);

static int describe_base(struct layout_build *b, struct member *m, Dwarf_Die *t, struct layout_field *f)
{
	uint64_t encoding = 0, size = 0;

	die_number(t, DW_AT_encoding, &encoding);
	die_number(t, DW_AT_byte_size, &size);
	if (size == 0 || size > 16)
		return layout_refuse(b, "has a member '%s' of %lu bytes", f->name, (unsigned long)size);
	f->bits = 8 * size;
	switch (encoding) {
	case DW_ATE_boolean:
		f->kind = LAYOUT_BOOL;
		break;
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		f->kind = LAYOUT_INT;
		break;
	case DW_ATE_float:
		f->kind = size == 4 || size == 8 ? LAYOUT_FLOAT : LAYOUT_BYTES;
		break;
	default:
		f->kind = LAYOUT_UINT;
	}
	m->of_char = size == 1 && !strcmp(die_name(t), "char");
	return 0;
}

static int add_value(struct layout_build *b, Dwarf_Die *die, struct layout_field *f)
{
	struct layout_value *v = layout_push(b, &f->values, sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (!die_signed(die, DW_AT_const_value, &v->value))
		die_number(die, DW_AT_const_value, (uint64_t *)&v->value);
	f->is_signed |= v->value < 0;
	v->name = arena_strdup(b->arena, die_name(die));
	return v->name ? 0 : -ENOMEM;
}

/* Unsigned values are stored in as few bytes as hold them, and read back as if they were signed. */
static void mask_values(struct layout_field *f)
{
	struct layout_value *v = f->values.items;

	for (size_t i = 0; i < f->values.n && !f->is_signed && f->bits < 64; i++)
		v[i].value &= (1LL << f->bits) - 1;
}

static int describe_enum(struct layout_build *b, Dwarf_Die *t, struct layout_field *f)
{
	uint64_t size = 4, encoding;
	Dwarf_Die child, base;
	bool known = die_type(t, &base) && die_number(&base, DW_AT_encoding, &encoding);
	int err = 0;

	die_number(t, DW_AT_byte_size, &size);
	f->kind = LAYOUT_ENUM;
	f->bits = 8 * size;
	if (dwarf_child(t, &child) == 0)
		do
			if (dwarf_tag(&child) == DW_TAG_enumerator)
				err = add_value(b, &child, f);
		while (!err && dwarf_siblingof(&child, &child) == 0);
	if (known)
		f->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	mask_values(f);
	return err;
}

static uint64_t elements_of(Dwarf_Die *subrange)
{
	uint64_t n = 0;

	if (die_number(subrange, DW_AT_count, &n))
		return n;
	if (die_number(subrange, DW_AT_upper_bound, &n))
		return n + 1;
	return 0;
}

/* One DIE holds all dimensions, the outermost first. */
static int describe_dimensions(struct layout_build *b, struct member *m, Dwarf_Die *element, const uint64_t *dims,
			       unsigned n, struct layout_field *f)
{
	struct member e = { 0 };
	int err;

	if (dims[0] == 0 && !m->last)
		return -ENODATA;
	err = layout_enter(b);
	if (err)
		return err;
	err = n > 1 ? describe_dimensions(b, &e, element, dims + 1, n - 1, f) : describe(b, &e, element, f);
	layout_leave(b);
	if (err)
		return err;
	return layout_make_array(b, f, dims[0], dims[0] == 0, e.of_char || e.of_strv, e.of_strv);
}

static int describe_array(struct layout_build *b, struct member *m, Dwarf_Die *t, struct layout_field *f)
{
	uint64_t dims[LAYOUT_DEPTH_MAX];
	Dwarf_Die child, element;
	unsigned n = 0;

	if (!die_type(t, &element))
		return layout_refuse(b, "has an array '%s' of nothing", f->name);
	if (dwarf_child(t, &child) == 0)
		do
			if (dwarf_tag(&child) == DW_TAG_subrange_type && n < ARRAY_SIZE(dims))
				dims[n++] = elements_of(&child);
		while (dwarf_siblingof(&child, &child) == 0);
	if (n == 0)
		return -ENODATA;
	return describe_dimensions(b, m, &element, dims, n, f);
}

static int describe_composite(struct layout_build *b, struct member *m, Dwarf_Die *t, int tag, struct layout_field *f)
{
	uint64_t size = 0;
	int err = layout_enter(b);

	if (err)
		return err;
	die_number(t, DW_AT_byte_size, &size);
	f->kind = tag == DW_TAG_union_type ? LAYOUT_UNION : LAYOUT_STRUCT;
	f->bits = 8 * size;
	err = layout_dwarf_members(b, t, 0, m->last, &f->fields);
	layout_leave(b);
	return err;
}

static int describe(struct layout_build *b, struct member *m, Dwarf_Die *type, struct layout_field *f)
{
	Dwarf_Die t = *type;
	int tag = dwarf_tag(&t);

	for (int i = 0; i < 32 && (die_is_modifier(tag) || tag == DW_TAG_typedef); i++) {
		if (tag == DW_TAG_typedef && layout_named_type(die_name(&t), f))
			return 0;
		if (tag == DW_TAG_typedef)
			m->of_strv |= !strcmp(die_name(&t), "agent_strv");
		if (!die_type(&t, &t))
			return layout_refuse(b, "has a member '%s' without a type", f->name);
		tag = dwarf_tag(&t);
	}
	switch (tag) {
	case DW_TAG_base_type:
		return describe_base(b, m, &t, f);
	case DW_TAG_enumeration_type:
		return describe_enum(b, &t, f);
	case DW_TAG_pointer_type:
		f->kind = LAYOUT_PTR;
		f->bits = 64;
		return 0;
	case DW_TAG_array_type:
		return describe_array(b, m, &t, f);
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		return describe_composite(b, m, &t, tag, f);
	default:
		return layout_refuse(b, "has a member '%s' of a kind that cannot be shown", f->name);
	}
}

static int add_anonymous(struct layout_build *b, Dwarf_Die *member, uint64_t offset, bool last, struct conf_list *to)
{
	Dwarf_Die type;
	int err;

	if (!die_composite(member, &type))
		return 0;	/* an unnamed bit-field: padding */
	err = layout_enter(b);
	if (err)
		return err;
	err = layout_dwarf_members(b, &type, offset, last, to);
	layout_leave(b);
	return err;
}

static int add_member(struct layout_build *b, Dwarf_Die *die, uint64_t base, bool last, struct conf_list *to)
{
	struct member m = { .last = last };
	const char *name = die_name(die);
	struct layout_field *f;
	uint64_t width, offset = base + die_place(die, &width);
	Dwarf_Die type;
	int err;

	if (!name[0])
		return add_anonymous(b, die, offset, last, to);
	if (layout_is_padding(name))
		return 0;
	if (!die_type(die, &type))
		return layout_refuse(b, "has a member '%s' without a type", name);
	f = layout_push_field(b, to, name);
	if (!f)
		return -EINVAL;
	f->offset = offset;
	err = describe(b, &m, &type, f);
	if (err == -ENODATA) {
		to->n--;
		b->n_fields--;
		memset(f, 0, sizeof(*f));
		return 0;
	}
	if (!err && width)
		f->bits = width;
	return err;
}

int layout_dwarf_members(struct layout_build *b, Dwarf_Die *parent, uint64_t base, bool last, struct conf_list *to)
{
	Dwarf_Die die, next;
	bool more = dwarf_child(parent, &die) == 0, is_union = dwarf_tag(parent) == DW_TAG_union_type;
	int err = 0;

	while (more && !err) {
		more = dwarf_siblingof(&die, &next) == 0;
		if (dwarf_tag(&die) == DW_TAG_member)
			err = add_member(b, &die, base, last && !more && !is_union, to);
		die = next;
	}
	return err;
}
