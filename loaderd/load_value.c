/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values by BTF: of globals, and of entries of maps. */
#include <ctype.h>
#include <string.h>

#include "load_value.h"

#define VALUE_DEPTH_MAX 16

static int put(const struct value_target *t, uint32_t id, const struct yaml_node *n, void *to, size_t size);

static const struct btf_type *resolve(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	for (int i = 0; t && i < 32 && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)); i++) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

static int put_int(const struct value_target *t, const struct btf_type *type, const struct yaml_node *n, void *to)
{
	bool is_signed = btf_int_encoding(type) & BTF_INT_SIGNED, flag;
	unsigned bits = 8 * type->size;
	uint64_t v;

	if (n->kind != YAML_NODE_SCALAR)
		return value_refuse(t, n, "a number");
	if (btf_int_encoding(type) & BTF_INT_BOOL) {
		if (conf_parse_bool(n->value, &flag) && !(value_number(n->value, 1, false, &v) && ((flag = v), true)))
			return value_refuse(t, n, "true or false");
		value_store(to, type->size, flag, false);
		return 0;
	}
	if (!value_number(n->value, bits, is_signed, &v)) {
		/* A flag kept in an int is still a flag. */
		if (conf_parse_bool(n->value, &flag) || isdigit((unsigned char)n->value[0]))
			return value_refuse(t, n,
				      arena_printf(t->l->arena, "a%s number of %u bits",
						   is_signed ? " signed" : "n unsigned", bits));
		v = flag;
	}
	value_store(to, type->size, v, is_signed && (int64_t)v < 0);
	return 0;
}

static bool enum_value(const struct btf *btf, const struct btf_type *type, const char *name, uint64_t *ret)
{
	for (unsigned i = 0; i < btf_vlen(type); i++) {
		bool wide = btf_is_enum64(type);
		uint32_t off = wide ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off;

		if (strcmp(load_btf_name(btf, off), name))
			continue;
		*ret = wide ? btf_enum64_value(&btf_enum64(type)[i]) : (uint64_t)(int64_t)btf_enum(type)[i].val;
		return true;
	}
	return false;
}

static int put_enum(const struct value_target *t, const struct btf_type *type, const struct yaml_node *n, void *to)
{
	uint64_t v;

	if (n->kind != YAML_NODE_SCALAR ||
	    (!enum_value(t->btf, type, n->value, &v) && !value_number(n->value, 8 * type->size, true, &v) &&
	     !value_number(n->value, 8 * type->size, false, &v)))
		return value_refuse(t, n, "a name of its enum, or a number");
	value_store(to, type->size, v, false);
	return 0;
}

static int put_float(const struct value_target *t, const struct btf_type *type, const struct yaml_node *n, void *to)
{
	char *end;
	double v = n->kind == YAML_NODE_SCALAR ? strtod(n->value, &end) : 0;
	float narrow = v;

	if (n->kind != YAML_NODE_SCALAR || end == n->value || *end || (type->size != 4 && type->size != 8))
		return value_refuse(t, n, "a number");
	if (type->size == 4)
		memcpy(to, &narrow, 4);
	else
		memcpy(to, &v, 8);
	return 0;
}

static bool is_char(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = resolve(btf, &id);

	return t && btf_is_int(t) && t->size == 1 && !strcmp(load_btf_name(btf, t->name_off), "char");
}

static int put_text(const struct value_target *t, const struct yaml_node *n, char *to, size_t room)
{
	size_t len = strlen(n->value);

	if (len >= room)
		return load_fail(t->l, n->line, "'%s': a text of %zu bytes does not fit into char[%zu]", t->what, len,
				 room);
	memset(to, 0, room);
	memcpy(to, n->value, len);
	return 0;
}

static int put_array(const struct value_target *t, const struct btf_type *type, const struct yaml_node *n, char *to,
		     size_t size)
{
	const struct btf_array *a = btf_array(type);
	int64_t each = btf__resolve_size(t->btf, a->type);
	uint32_t id = a->type;
	int err = 0;

	if (each <= 0)
		return value_refuse(t, n, "a type of known size");
	if (n->kind == YAML_NODE_SCALAR && is_char(t->btf, a->type))
		return put_text(t, n, to, MIN((size_t)a->nelems, size));
	if (n->kind == YAML_NODE_SCALAR && each == 1 && btf_is_int(resolve(t->btf, &id)) &&
	    value_hex(n->value, to, a->nelems))
		return 0;
	if (n->kind != YAML_NODE_SEQUENCE)
		return value_refuse(t, n, "a list");
	if (n->n > a->nelems)
		return load_fail(t->l, n->line, "'%s': %zu elements do not fit into %u", t->what, n->n, a->nelems);
	for (size_t i = 0; i < n->n && !err; i++)
		err = put(t, a->type, n->items[i], to + i * each, each);
	return err;
}

/* A member's place by name, anonymous structs looked through. */
static bool find_member(const struct btf *btf, const struct btf_type *type, const char *name, unsigned depth,
			uint32_t *ret_type, uint32_t *ret_bits, bool *ret_bitfield)
{
	for (unsigned i = 0; depth < VALUE_DEPTH_MAX && i < btf_vlen(type); i++) {
		const struct btf_member *m = btf_members(type) + i;
		const char *member = load_btf_name(btf, m->name_off);
		uint32_t id = m->type;
		const struct btf_type *t;

		if (!strcmp(member, name)) {
			*ret_type = m->type;
			*ret_bits += btf_member_bit_offset(type, i);
			*ret_bitfield = btf_member_bitfield_size(type, i);
			return true;
		}
		t = member[0] ? NULL : resolve(btf, &id);
		if (!t || !btf_is_composite(t))
			continue;
		*ret_bits += btf_member_bit_offset(type, i);
		if (find_member(btf, t, name, depth + 1, ret_type, ret_bits, ret_bitfield))
			return true;
		*ret_bits -= btf_member_bit_offset(type, i);
	}
	return false;
}

static int put_struct(const struct value_target *t, const struct btf_type *type, const struct yaml_node *n, char *to,
		      size_t size)
{
	int err = 0;

	if (n->kind == YAML_NODE_SCALAR && value_hex(n->value, to, size))
		return 0;
	if (n->kind != YAML_NODE_MAPPING)
		return value_refuse(t, n, "its members, or its bytes in hex");
	for (size_t i = 0; i < n->n && !err; i++) {
		uint32_t id = 0, bits = 0;
		bool bitfield = false;
		int64_t each;

		if (!find_member(t->btf, type, n->keys[i], 0, &id, &bits, &bitfield))
			return load_fail(t->l, n->key_lines[i], "'%s': struct %s has no member '%s'", t->what,
					 load_btf_name(t->btf, type->name_off), n->keys[i]);
		each = btf__resolve_size(t->btf, id);
		if (bitfield || each <= 0 || bits / 8 + (size_t)each > size)
			return load_fail(t->l, n->key_lines[i],
					 "'%s': the member '%s' is a bit-field or of no size: give the bytes in hex",
					 t->what, n->keys[i]);
		err = put(t, id, n->items[i], to + bits / 8, each);
	}
	return err;
}

static int put(const struct value_target *outer, uint32_t id, const struct yaml_node *n, void *to, size_t size)
{
	struct value_target t = *outer;
	const struct btf_type *type = resolve(t.btf, &id);
	int64_t need = type ? btf__resolve_size(t.btf, id) : 0;

	if (++t.depth > VALUE_DEPTH_MAX)
		return load_fail(t.l, n->line, "'%s': nested too deep", t.what);
	if (need <= 0 || need > (int64_t)size)	/* negative: beyond all bounds, or endless */
		return load_fail(t.l, n->line, "'%s': its type is not in the object's BTF", t.what);
	/* All of its bytes. No text of that length fits the same array of characters. */
	if (n->kind == YAML_NODE_SCALAR && !strncmp(n->value, "hex:", 4) && value_hex(n->value, to, (size_t)need))
		return 0;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return put_int(&t, type, n, to);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return put_enum(&t, type, n, to);
	case BTF_KIND_FLOAT:
		return put_float(&t, type, n, to);
	case BTF_KIND_ARRAY:
		return put_array(&t, type, n, to, size);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return put_struct(&t, type, n, to, size);
	default:
		return value_refuse(&t, n, "a variable that is no pointer");
	}
}

int load_value(struct load *l, const struct btf *btf, uint32_t type, const struct yaml_node *n, void *to, size_t size,
	       const char *what)
{
	const struct value_target t = { .l = l, .btf = btf, .what = what };

	return put(&t, type, n, to, size);
}
