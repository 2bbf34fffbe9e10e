/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts from BTF (Documentation/bpf/btf.rst). The object is hostile: libbpf has checked that types lie within bounds,
 * but not everywhere what they refer to; depth and number are bounded here. */
#include <errno.h>
#include <string.h>

#include "layout_build.h"

struct member {			/* what a member's type is, its name and place aside */
	const struct btf *btf;
	bool of_char, of_strv;	/* a plain `char`, an agent_strv: an array of these is text */
	bool last;		/* nothing of the record follows: it may be flexible */
};

static int add_members(struct layout_build *b, const struct btf *btf, const struct btf_type *t, uint64_t base,
		       bool last, struct conf_list *to);
static int describe(struct layout_build *b, struct member *m, uint32_t id, struct layout_field *f);

static const struct btf_type *skip_modifiers(const struct btf *btf, uint32_t id, bool typedefs, uint32_t *ret_id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int i = 0; t && i < 32; i++) {
		if (!btf_is_mod(t) && !btf_is_type_tag(t) && !(typedefs && btf_is_typedef(t)))
			break;
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	if (ret_id)
		*ret_id = id;
	return t;
}

static int describe_int(struct member *m, const struct btf_type *t, struct layout_field *f)
{
	int encoding = btf_int_encoding(t);

	f->bits = 8 * t->size;
	if (encoding & BTF_INT_BOOL)
		f->kind = LAYOUT_BOOL;
	else if (encoding & BTF_INT_SIGNED)
		f->kind = LAYOUT_INT;
	else
		f->kind = LAYOUT_UINT;
	if (btf_int_bits(t) != f->bits) {	/* a bit-field as BTF without kind_flag says it */
		f->offset += btf_int_offset(t);
		f->bits = btf_int_bits(t);
	}
	m->of_char =
		t->size == 1 && (encoding & BTF_INT_CHAR || !strcmp(load_btf_name(m->btf, t->name_off), "char"));
	return 0;
}

/* Since clang 16 the type says it. Before, every enum looks unsigned, and a negative value is one near 2^32. */
static bool enum_is_signed(const struct btf_type *t)
{
	if (btf_kflag(t))
		return true;
	for (unsigned i = 0; btf_is_enum(t) && i < btf_vlen(t); i++)
		if (btf_enum(t)[i].val < 0 && btf_enum(t)[i].val >= -65536)
			return true;
	return false;
}

static int describe_enum(struct layout_build *b, struct member *m, const struct btf_type *t, struct layout_field *f)
{
	f->kind = LAYOUT_ENUM;
	f->bits = 8 * t->size;
	f->is_signed = enum_is_signed(t);
	for (unsigned i = 0; i < btf_vlen(t); i++) {
		struct layout_value *v = layout_push(b, &f->values, sizeof(*v));
		uint32_t name;

		if (!v)
			return -ENOMEM;
		if (btf_is_enum64(t)) {
			name = btf_enum64(t)[i].name_off;
			v->value = (int64_t)btf_enum64_value(&btf_enum64(t)[i]);
		} else {
			name = btf_enum(t)[i].name_off;
			v->value = f->is_signed ? (int64_t)btf_enum(t)[i].val : (int64_t)(uint32_t)btf_enum(t)[i].val;
		}
		v->name = arena_strdup(b->arena, load_btf_name(m->btf, name));
		if (!v->name)
			return -ENOMEM;
	}
	return 0;
}

static int describe_array(struct layout_build *b, struct member *m, const struct btf_type *t, struct layout_field *f)
{
	const struct btf_array *a = btf_array(t);
	struct member element = { .btf = m->btf };
	bool trailing = a->nelems == 0;
	int err;

	if (trailing && !m->last)
		return -ENODATA;	/* nothing to show */
	err = layout_enter(b);
	if (err)
		return err;
	err = describe(b, &element, a->type, f);
	layout_leave(b);
	if (err)
		return err;
	return layout_make_array(b, f, a->nelems, trailing, element.of_char || element.of_strv, element.of_strv);
}

static int describe_composite(struct layout_build *b, struct member *m, const struct btf_type *t,
			      struct layout_field *f)
{
	int err = layout_enter(b);

	if (err)
		return err;
	f->kind = btf_is_union(t) ? LAYOUT_UNION : LAYOUT_STRUCT;
	f->bits = 8ULL * t->size;
	err = add_members(b, m->btf, t, 0, m->last, &f->fields);
	layout_leave(b);
	return err;
}

/* Fills kind and size of @f by the type @id. -ENODATA: there is nothing to show. */
static int describe(struct layout_build *b, struct member *m, uint32_t id, struct layout_field *f)
{
	const struct btf_type *t = skip_modifiers(m->btf, id, false, &id);

	for (int i = 0; t && btf_is_typedef(t) && i < 32; i++) {
		const char *name = load_btf_name(m->btf, t->name_off);

		if (layout_named_type(name, f))
			return 0;
		m->of_strv |= !strcmp(name, "agent_strv");
		t = skip_modifiers(m->btf, t->type, false, &id);
	}
	if (!t)
		return layout_refuse(b, "has a type that its BTF does not describe");
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return describe_int(m, t, f);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return describe_enum(b, m, t, f);
	case BTF_KIND_FLOAT:
		f->bits = 8 * t->size;
		f->kind = t->size == 4 || t->size == 8 ? LAYOUT_FLOAT : LAYOUT_BYTES;
		return 0;
	case BTF_KIND_PTR:
		f->kind = LAYOUT_PTR;
		f->bits = 64;		/* BPF's pointers, whatever the host's are */
		return 0;
	case BTF_KIND_ARRAY:
		return describe_array(b, m, t, f);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return describe_composite(b, m, t, f);
	default:
		return layout_refuse(b, "has a member '%s' of a kind that cannot be shown", f->name);
	}
}

static int add_member(struct layout_build *b, const struct btf *btf, const struct btf_type *parent, unsigned i,
		      uint64_t base, bool last, struct conf_list *to)
{
	const struct btf_member *bm = btf_members(parent) + i;
	const char *name = load_btf_name(btf, bm->name_off);
	uint64_t offset = base + btf_member_bit_offset(parent, i);
	uint32_t width = btf_member_bitfield_size(parent, i);
	struct member m = { .btf = btf, .last = last };
	struct layout_field *f;
	int err;

	if (!name[0]) {
		const struct btf_type *t = skip_modifiers(btf, bm->type, true, NULL);

		if (!t || !btf_is_composite(t))
			return 0;	/* an unnamed bit-field: padding */
		err = layout_enter(b);
		if (!err) {
			err = add_members(b, btf, t, offset, last, to);
			layout_leave(b);
		}
		return err;
	}
	if (layout_is_padding(name))
		return 0;
	f = layout_push_field(b, to, name);
	if (!f)
		return -EINVAL;
	f->offset = offset;
	err = describe(b, &m, bm->type, f);
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

static int add_members(struct layout_build *b, const struct btf *btf, const struct btf_type *t, uint64_t base,
		       bool last, struct conf_list *to)
{
	int err = 0;

	for (unsigned i = 0; i < btf_vlen(t) && !err; i++)
		err = add_member(b, btf, t, i, base, last && btf_is_struct(t) && i + 1 == btf_vlen(t), to);
	return err;
}

int layout_btf_add(struct layout_build *b, const struct btf *btf, uint32_t type, const char *name, uint64_t offset,
		   struct conf_list *to)
{
	struct member m = { .btf = btf };
	struct layout_field *f = layout_push_field(b, to, name);

	if (!f)
		return -EINVAL;
	f->offset = offset;
	return describe(b, &m, type, f);
}

int layout_from_btf(struct arena *a, const struct btf *btf, uint32_t struct_id, struct layout *ret, struct diag *d)
{
	const struct btf_type *t = skip_modifiers(btf, struct_id, true, NULL);
	struct layout_build b = { .arena = a, .diag = d };
	struct layout l = { .source = "btf", .root = { .name = "", .kind = LAYOUT_STRUCT } };
	int err;

	if (!t || !btf_is_struct(t))
		return -ENOENT;
	b.name = l.name = arena_strdup(a, load_btf_name(btf, t->name_off));
	if (!l.name)
		return -ENOMEM;
	l.root.bits = 8ULL * t->size;
	err = add_members(&b, btf, t, 0, true, &l.root.fields);
	if (err)
		return err;
	l.size = layout_fixed_size(&l, t->size);
	*ret = l;
	return 0;
}

int layout_btf_find(const struct btf *btf, const char *name, uint32_t *ret_id)
{
	uint32_t found = 0;

	for (uint32_t i = 1; i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);

		if (!btf_is_struct(t) || strcmp(load_btf_name(btf, t->name_off), name))
			continue;
		if (found)
			return -EEXIST;
		found = i;
	}
	/* `typedef struct { … } name;` is as good. */
	for (uint32_t i = 1; !found && i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i), *to;

		if (!btf_is_typedef(t) || strcmp(load_btf_name(btf, t->name_off), name))
			continue;
		to = skip_modifiers(btf, i, true, NULL);
		if (to && btf_is_struct(to))
			found = i;
	}
	if (!found)
		return -ENOENT;
	*ret_id = found;
	return 0;
}

int layout_btf_anchor(const struct btf *btf, const char *map, uint32_t *ret_id)
{
	char name[256];

	snprintf(name, sizeof(name), "agent_event__%s", map);
	for (uint32_t i = 1; i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		uint32_t id;

		if (!btf_is_var(t) || strcmp(load_btf_name(btf, t->name_off), name))
			continue;
		t = skip_modifiers(btf, t->type, true, &id);
		if (t && btf_is_ptr(t))
			t = skip_modifiers(btf, t->type, true, &id);
		if (!t || !(btf_is_struct(t) || btf_is_fwd(t)))
			return -ENOENT;
		*ret_id = id;
		return 0;
	}
	return -ENOENT;
}
