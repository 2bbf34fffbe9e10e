/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Globals of an object, set from YAML before it is loaded, and values by BTF in general (entries of maps use the
 * same). */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <string.h>

#include "load.h"

#define VALUE_DEPTH_MAX 16

struct target {			/* where a value goes, and how it is called in messages */
	struct load *l;
	const struct btf *btf;
	const char *what;
	unsigned depth;
};

static int put(const struct target *t, uint32_t id, const struct yaml_node *n, void *to, size_t size);

static int refuse(const struct target *t, const struct yaml_node *n, const char *expected)
{
	char shown[DIAG_EXCERPT];

	if (n->kind != YAML_NODE_SCALAR)
		return load_fail(t->l, n->line, "'%s': expected %s", t->what, expected);
	return load_fail(t->l, n->line, "'%s': expected %s, not '%s'", t->what, expected,
			 diag_excerpt(shown, n->value));
}

/* ---- without a type --------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "0a 0b 0c", "0x0a0b0c", "hex:0a0b0c": exactly @size bytes, in the order of memory. */
static bool hex_bytes(const char *s, void *to, size_t size)
{
	unsigned char *out = to;
	size_t n = 0;

	if (!strncmp(s, "hex:", 4))
		s += 4;
	else if (!strncmp(s, "0x", 2))
		s += 2;
	while (*s) {
		if (*s == ' ' || *s == ':') {
			s++;
			continue;
		}
		if (hex_digit(s[0]) < 0 || hex_digit(s[1]) < 0 || n == size)
			return false;
		out[n++] = hex_digit(s[0]) << 4 | hex_digit(s[1]);
		s += 2;
	}
	return n == size;
}

/* -1…, 0x…, decimal. @bits of the target; false: not a number, or it does not fit. */
static bool number(const char *s, unsigned bits, bool is_signed, uint64_t *ret)
{
	int base = !strncmp(s + (s[0] == '-'), "0x", 2) ? 16 : 10;	/* 010 is ten */
	unsigned long long u;
	long long v;
	char *end;

	if (!isdigit((unsigned char)s[0]) && !(s[0] == '-' && is_signed && isdigit((unsigned char)s[1])))
		return false;
	errno = 0;
	if (!is_signed) {
		u = strtoull(s, &end, base);
		*ret = u;
		return !errno && !*end && (bits >= 64 || u < 1ULL << bits);
	}
	v = strtoll(s, &end, base);
	*ret = (uint64_t)v;
	return !errno && !*end && (bits >= 64 || (v >= -(1LL << (bits - 1)) && v < 1LL << (bits - 1)));
}

static void store(void *to, size_t size, uint64_t v, bool negative)
{
	/* Integers of 16 bytes take their sign along. */
	memset(to, negative ? 0xff : 0, size);
	memcpy(to, &v, MIN(size, sizeof(v)));
}

int load_bytes(struct load *l, const struct yaml_node *n, void *to, size_t size, const char *what)
{
	const struct target t = { .l = l, .what = what };
	uint64_t v;

	if (n->kind == YAML_NODE_SCALAR && (size == 1 || size == 2 || size == 4 || size == 8) &&
	    (number(n->value, 8 * size, false, &v) || number(n->value, 8 * size, true, &v))) {
		store(to, size, v, false);
		return 0;
	}
	if (n->kind == YAML_NODE_SCALAR && hex_bytes(n->value, to, size))
		return 0;
	return refuse(
		&t, n,
		arena_printf(l->arena, "a number or %zu bytes in hex (its type is not in the object's BTF)", size));
}

/* ---- by BTF ----------------------------------------------------------------------------------------------------- */

static const struct btf_type *resolve(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	for (int i = 0; t && i < 32 && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)); i++) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

static int put_int(const struct target *t, const struct btf_type *type, const struct yaml_node *n, void *to)
{
	bool is_signed = btf_int_encoding(type) & BTF_INT_SIGNED, flag;
	unsigned bits = 8 * type->size;
	uint64_t v;

	if (n->kind != YAML_NODE_SCALAR)
		return refuse(t, n, "a number");
	if (btf_int_encoding(type) & BTF_INT_BOOL) {
		if (conf_parse_bool(n->value, &flag) && !(number(n->value, 1, false, &v) && ((flag = v), true)))
			return refuse(t, n, "true or false");
		store(to, type->size, flag, false);
		return 0;
	}
	if (!number(n->value, bits, is_signed, &v)) {
		/* A flag kept in an int is still a flag. */
		if (conf_parse_bool(n->value, &flag) || isdigit((unsigned char)n->value[0]))
			return refuse(t, n,
				      arena_printf(t->l->arena, "a%s number of %u bits",
						   is_signed ? " signed" : "n unsigned", bits));
		v = flag;
	}
	store(to, type->size, v, is_signed && (int64_t)v < 0);
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

static int put_enum(const struct target *t, const struct btf_type *type, const struct yaml_node *n, void *to)
{
	uint64_t v;

	if (n->kind != YAML_NODE_SCALAR ||
	    (!enum_value(t->btf, type, n->value, &v) && !number(n->value, 8 * type->size, true, &v) &&
	     !number(n->value, 8 * type->size, false, &v)))
		return refuse(t, n, "a name of its enum, or a number");
	store(to, type->size, v, false);
	return 0;
}

static int put_float(const struct target *t, const struct btf_type *type, const struct yaml_node *n, void *to)
{
	char *end;
	double v = n->kind == YAML_NODE_SCALAR ? strtod(n->value, &end) : 0;
	float narrow = v;

	if (n->kind != YAML_NODE_SCALAR || end == n->value || *end || (type->size != 4 && type->size != 8))
		return refuse(t, n, "a number");
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

static int put_text(const struct target *t, const struct yaml_node *n, char *to, size_t room)
{
	size_t len = strlen(n->value);

	if (len >= room)
		return load_fail(t->l, n->line, "'%s': a text of %zu bytes does not fit into char[%zu]", t->what, len,
				 room);
	memset(to, 0, room);
	memcpy(to, n->value, len);
	return 0;
}

static int put_array(const struct target *t, const struct btf_type *type, const struct yaml_node *n, char *to,
		     size_t size)
{
	const struct btf_array *a = btf_array(type);
	int64_t each = btf__resolve_size(t->btf, a->type);
	uint32_t id = a->type;
	int err = 0;

	if (each <= 0)
		return refuse(t, n, "a type of known size");
	if (n->kind == YAML_NODE_SCALAR && is_char(t->btf, a->type))
		return put_text(t, n, to, MIN((size_t)a->nelems, size));
	if (n->kind == YAML_NODE_SCALAR && each == 1 && btf_is_int(resolve(t->btf, &id)) &&
	    hex_bytes(n->value, to, a->nelems))
		return 0;
	if (n->kind != YAML_NODE_SEQUENCE)
		return refuse(t, n, "a list");
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

static int put_struct(const struct target *t, const struct btf_type *type, const struct yaml_node *n, char *to,
		      size_t size)
{
	int err = 0;

	if (n->kind == YAML_NODE_SCALAR && hex_bytes(n->value, to, size))
		return 0;
	if (n->kind != YAML_NODE_MAPPING)
		return refuse(t, n, "its members, or its bytes in hex");
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

static int put(const struct target *outer, uint32_t id, const struct yaml_node *n, void *to, size_t size)
{
	struct target t = *outer;
	const struct btf_type *type = resolve(t.btf, &id);

	if (++t.depth > VALUE_DEPTH_MAX)
		return load_fail(t.l, n->line, "'%s': nested too deep", t.what);
	if (!type || btf__resolve_size(t.btf, id) > (int64_t)size)
		return load_fail(t.l, n->line, "'%s': its type is not in the object's BTF", t.what);
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
		return refuse(&t, n, "a variable that is no pointer");
	}
}

int load_value(struct load *l, const struct btf *btf, uint32_t type, const struct yaml_node *n, void *to, size_t size,
	       const char *what)
{
	const struct target t = { .l = l, .btf = btf, .what = what };

	return put(&t, type, n, to, size);
}

/* ---- globals ---------------------------------------------------------------------------------------------------- */

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

static int set_variable(struct load *l, struct load_item *i, const struct btf *btf, const struct program_variable *v)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *sec = btf__type_by_id(btf, id);
		const char *section;
		struct bpf_map *m;

		if (!btf_is_datasec(sec))
			continue;
		section = load_btf_name(btf, sec->name_off);
		for (unsigned k = 0; k < btf_vlen(sec); k++) {
			const struct btf_var_secinfo *at = btf_var_secinfos(sec) + k;
			const struct btf_type *var = btf__type_by_id(btf, at->type);

			if (!btf_is_var(var) || strcmp(load_btf_name(btf, var->name_off), v->name))
				continue;
			m = section_map(i->obj, section);
			if (!m)
				return load_fail(l, v->value->line,
						 "variable '%s' lies in section %s, which is not data", v->name,
						 section);
			return set(l, btf, m, at, v);
		}
	}
	return load_fail(l, v->value->line, "%s has no variable '%s'", i->artifact.path, v->name);
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
		err = set_variable(l, i, btf, &i->decl->variables[k]);
	return err;
}
