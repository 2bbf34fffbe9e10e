/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts from DWARF, for structs that clang left out of BTF because only a function's body uses them.
 *
 * A BPF object is relocatable, yet its debug sections can be read as they lie: clang writes their relocations with the
 * addend in place, and the symbols are section symbols of value 0. */
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <libelf.h>
#include <string.h>

#include "layout_build.h"

struct member {
	bool of_char, of_strv, last;
};

static int add_members(struct layout_build *b, Dwarf_Die *parent, uint64_t base, bool last, struct conf_list *to);
static int describe(struct layout_build *b, struct member *m, Dwarf_Die *type, struct layout_field *f);

static const char *name_of(Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	return name ? name : "";
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, ret);
}

static bool number_of(Dwarf_Die *die, unsigned name, uint64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr_integrate(die, name, &attr) || dwarf_formudata(&attr, &value))
		return false;
	*ret = value;
	return true;
}

static bool signed_of(Dwarf_Die *die, unsigned name, int64_t *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Sword value;

	if (!dwarf_attr_integrate(die, name, &attr) || dwarf_formsdata(&attr, &value))
		return false;
	*ret = value;
	return true;
}

static bool is_modifier(int tag)
{
	return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type ||
	       tag == DW_TAG_atomic_type;
}

static int describe_base(struct layout_build *b, struct member *m, Dwarf_Die *t, struct layout_field *f)
{
	uint64_t encoding = 0, size = 0;

	number_of(t, DW_AT_encoding, &encoding);
	number_of(t, DW_AT_byte_size, &size);
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
	m->of_char = size == 1 && !strcmp(name_of(t), "char");
	return 0;
}

static int add_value(struct layout_build *b, Dwarf_Die *die, struct layout_field *f)
{
	struct layout_value *v = layout_push(b, &f->values, sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (!signed_of(die, DW_AT_const_value, &v->value))
		number_of(die, DW_AT_const_value, (uint64_t *)&v->value);
	f->is_signed |= v->value < 0;
	v->name = arena_strdup(b->arena, name_of(die));
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
	bool known = type_of(t, &base) && number_of(&base, DW_AT_encoding, &encoding);
	int err = 0;

	number_of(t, DW_AT_byte_size, &size);
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

	if (number_of(subrange, DW_AT_count, &n))
		return n;
	if (number_of(subrange, DW_AT_upper_bound, &n))
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

	if (!type_of(t, &element))
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
	number_of(t, DW_AT_byte_size, &size);
	f->kind = tag == DW_TAG_union_type ? LAYOUT_UNION : LAYOUT_STRUCT;
	f->bits = 8 * size;
	err = add_members(b, t, 0, m->last, &f->fields);
	layout_leave(b);
	return err;
}

static int describe(struct layout_build *b, struct member *m, Dwarf_Die *type, struct layout_field *f)
{
	Dwarf_Die t = *type;
	int tag = dwarf_tag(&t);

	for (int i = 0; i < 32 && (is_modifier(tag) || tag == DW_TAG_typedef); i++) {
		if (tag == DW_TAG_typedef && layout_named_type(name_of(&t), f))
			return 0;
		if (tag == DW_TAG_typedef)
			m->of_strv |= !strcmp(name_of(&t), "agent_strv");
		if (!type_of(&t, &t))
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

/* In bits from the start of the struct; *ret_width 0: no bit-field. DWARF 4 and later say a bit-field's place by
 * DW_AT_data_bit_offset; before, it was counted from the other end of its storage unit. */
static uint64_t place_of(Dwarf_Die *member, uint64_t *ret_width)
{
	uint64_t bytes = 0, bits = 0, width = 0, unit = 0;
	Dwarf_Die type;

	number_of(member, DW_AT_data_member_location, &bytes);
	number_of(member, DW_AT_bit_size, &width);
	*ret_width = width;
	if (number_of(member, DW_AT_data_bit_offset, &bits))
		return bits;
	if (width && number_of(member, DW_AT_bit_offset, &bits)) {
		if (!number_of(member, DW_AT_byte_size, &unit) && type_of(member, &type))
			unit = MAX(0, dwarf_bytesize(&type));
		return 8 * bytes + 8 * unit - bits - width;
	}
	return 8 * bytes;
}

static bool composite_of(Dwarf_Die *member, Dwarf_Die *ret)
{
	int tag = DW_TAG_member;

	*ret = *member;
	for (int i = 0; i < 32; i++) {
		if (!type_of(ret, ret))
			return false;
		tag = dwarf_tag(ret);
		if (!is_modifier(tag) && tag != DW_TAG_typedef)
			break;
	}
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
}

static int add_anonymous(struct layout_build *b, Dwarf_Die *member, uint64_t offset, bool last, struct conf_list *to)
{
	Dwarf_Die type;
	int err;

	if (!composite_of(member, &type))
		return 0;	/* an unnamed bit-field: padding */
	err = layout_enter(b);
	if (err)
		return err;
	err = add_members(b, &type, offset, last, to);
	layout_leave(b);
	return err;
}

static int add_member(struct layout_build *b, Dwarf_Die *die, uint64_t base, bool last, struct conf_list *to)
{
	struct member m = { .last = last };
	const char *name = name_of(die);
	struct layout_field *f;
	uint64_t width, offset = base + place_of(die, &width);
	Dwarf_Die type;
	int err;

	if (!name[0])
		return add_anonymous(b, die, offset, last, to);
	if (layout_is_padding(name))
		return 0;
	if (!type_of(die, &type))
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

static int add_members(struct layout_build *b, Dwarf_Die *parent, uint64_t base, bool last, struct conf_list *to)
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

/* ---- finding it ------------------------------------------------------------------------------------------------- */

struct debug_info {
	Elf *elf;
	Dwarf *dwarf;
};

static void debug_info_fini(struct debug_info *i)
{
	if (i->dwarf)
		dwarf_end(i->dwarf);
	if (i->elf)
		elf_end(i->elf);
}

static int debug_info_open(struct debug_info *i, const void *elf, size_t size)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOENT;
	i->elf = elf_memory((char *)elf, size);
	if (i->elf)
		i->dwarf = dwarf_begin_elf(i->elf, DWARF_C_READ, NULL);
	return i->dwarf ? 0 : -ENOENT;
}

/* Calls @each for every struct of every unit, outside and inside functions, until it returns other than 0. */
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

static int each_struct(Dwarf *dwarf, int (*each)(Dwarf_Die *, void *), void *arg)
{
	Dwarf_Off off = 0, next;
	size_t header;
	Dwarf_Die unit;
	int err = 0;

	for (; !err && dwarf_nextcu(dwarf, off, &next, &header, NULL, NULL, NULL) == 0; off = next)
		if (dwarf_offdie(dwarf, off + header, &unit))
			err = each_struct_in(&unit, 0, each, arg);
	return err;
}

struct search {
	const char *name;
	Dwarf_Die found;
};

static int on_struct(Dwarf_Die *die, void *arg)
{
	struct search *s = arg;
	uint64_t size;
	Dwarf_Die to;

	if (strcmp(name_of(die), s->name))
		return 0;
	to = *die;
	if (dwarf_tag(die) == DW_TAG_typedef && !composite_of(die, &to))
		return 0;
	if (dwarf_tag(&to) != DW_TAG_structure_type || !number_of(&to, DW_AT_byte_size, &size))
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

	if (debug_info_open(&info, elf, size) || !each_struct(info.dwarf, on_struct, &s))
		return -ENOENT;
	number_of(&s.found, DW_AT_byte_size, &bytes);
	l.name = arena_strdup(a, name);
	if (!l.name)
		return -ENOMEM;
	l.root.bits = 8 * bytes;
	err = add_members(&b, &s.found, 0, true, &l.root.fields);
	if (err)
		return err;
	l.size = layout_fixed_size(&l, bytes);
	*ret = l;
	return 0;
}

/* ---- candidates, for an error ----------------------------------------------------------------------------------- */

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
		add_candidate(d->c, d->arena, name_of(die));
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
		each_struct(info.dwarf, on_candidate, &(struct dwarf_candidates){ &c, a });
	btf__free(c.kernel);
	return arena_strdup(a, c.text);
}
