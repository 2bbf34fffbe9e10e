/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "../common/json.h"
#include "plan.h"

#define PLAN_OPS_MAX 4096

/* Text that the next operation will write before its value grows at the pool's end. */
struct builder {
	struct plan *plan;
	size_t lit;			/* where that text begins */
	bool comma;			/* the next key needs one */
	struct diag *diag;
};

static int refuse(struct builder *b, const struct layout_field *f, const char *why)
{
	return diag_fail(b->diag, -EINVAL, NULL, 0, "field '%s' (%s) %s", f->name, layout_kind_name(f->kind), why);
}

static int pool_put(struct plan *p, const char *text, size_t len)
{
	if (p->pool_len + len + PLAN_SLACK > p->pool_cap) {
		size_t cap = MAX(p->pool_cap * 2, p->pool_len + len + 4096);
		char *pool = realloc(p->pool, cap);

		if (!pool)
			return -ENOMEM;
		memset(pool + p->pool_cap, 0, cap - p->pool_cap);
		p->pool = pool;
		p->pool_cap = cap;
	}
	memcpy(p->pool + p->pool_len, text, len);
	p->pool_len += len;
	return 0;
}

/* "name", with its quotes. */
static int pool_put_quoted(struct plan *p, const char *name)
{
	size_t len = strlen(name);
	cleanup(freep) char *text = malloc(6 * len + 2);
	bool repaired = false;

	if (!text)
		return -ENOMEM;
	text[0] = '"';
	len = 1 + json_escape(text + 1, name, len, &repaired);
	text[len++] = '"';
	return pool_put(p, text, len);
}

static int put_key(struct builder *b, const struct layout_field *f)
{
	int err = 0;

	if (b->comma)
		err = pool_put(b->plan, ",", 1);
	b->comma = true;
	if (err < 0)
		return err;
	err = pool_put_quoted(b->plan, f->name);
	return err < 0 ? err : pool_put(b->plan, ":", 1);
}

/* Ends the pending text and gives it to a new operation. */
static int emit(struct builder *b, enum plan_code code, uint64_t off, size_t max, struct plan_op **ret)
{
	struct plan *p = b->plan;
	size_t len = p->pool_len - b->lit;
	struct plan_op *op;

	if (p->n_ops >= PLAN_OPS_MAX || len > UINT16_MAX)
		return -E2BIG;
	if (p->n_ops == p->cap_ops) {
		size_t cap = MAX(p->cap_ops * 2, (size_t)16);
		struct plan_op *ops = realloc(p->ops, cap * sizeof(*ops));

		if (!ops)
			return -ENOMEM;
		p->ops = ops;
		p->cap_ops = cap;
	}
	op = &p->ops[p->n_ops++];
	*op = (struct plan_op){ .code = code, .lit = b->lit, .lit_len = len, .off = off };
	p->max += len + max;
	/* Literals are read in wide loads: none begins where another's slack must still be zero, so they may touch. */
	b->lit = p->pool_len;
	*ret = op;
	return 0;
}

static enum plan_code integer_code(uint64_t off_bits, uint64_t bits, bool is_signed)
{
	if (off_bits % 8 == 0) {
		switch (bits) {
		case 8:   return is_signed ? PLAN_I8 : PLAN_U8;
		case 16:  return is_signed ? PLAN_I16 : PLAN_U16;
		case 32:  return is_signed ? PLAN_I32 : PLAN_U32;
		case 64:  return is_signed ? PLAN_I64 : PLAN_U64;
		case 128: return is_signed ? PLAN_I128 : PLAN_U128;
		}
	}
	return is_signed ? PLAN_IBITS : PLAN_UBITS;
}

static int add_integer(struct builder *b, const struct layout_field *f, uint64_t off, bool is_signed)
{
	enum plan_code code = integer_code(off, f->bits, is_signed);
	struct plan_op *op;
	int err;

	if ((code == PLAN_UBITS || code == PLAN_IBITS) && off % 8 + f->bits > 128)
		return refuse(b, f, "is a bit-field of more than 128 bits");
	err = emit(b, code, off / 8, 40, &op);
	if (err == 0)
		op->bits = (struct plan_bits){ off % 8, f->bits, is_signed };
	return err;
}

static int compare_names(const void *a, const void *b)
{
	const struct plan_name *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static int add_enum_names(struct plan *p, struct plan_enum *e, const struct layout_field *f, size_t *ret_longest)
{
	const struct layout_value *values = f->values.items;
	size_t longest = 20;

	e->names = calloc(f->values.n + 1, sizeof(*e->names));
	if (!e->names)
		return -ENOMEM;
	for (size_t i = 0; i < f->values.n; i++) {
		struct plan_name *name = &e->names[e->n_names];
		int err;

		/* Of two names for one number the first counts. */
		for (size_t j = 0; j < e->n_names; j++)
			if (e->names[j].value == values[i].value)
				goto next;
		*name = (struct plan_name){ .value = values[i].value, .text = p->pool_len };
		err = pool_put_quoted(p, values[i].name);
		if (err < 0)
			return err;
		name->len = p->pool_len - name->text;
		longest = MAX(longest, (size_t)name->len);
		e->n_names++;
next:;
	}
	qsort(e->names, e->n_names, sizeof(*e->names), compare_names);
	if (e->n_names)
		e->min = e->names[0].value;
	for (size_t i = 0; i < e->n_names; i++) {
		uint64_t at = (uint64_t)e->names[i].value - (uint64_t)e->min;

		if (at < PLAN_DIRECT)
			e->direct[at] = i + 1;
	}
	*ret_longest = longest;
	return 0;
}

static int add_enum(struct builder *b, const struct layout_field *f, uint64_t off)
{
	struct plan *p = b->plan;
	struct plan_enum **enums = realloc(p->enums, (p->n_enums + 1) * sizeof(*enums));
	struct plan_enum *e;
	struct plan_op *op;
	size_t longest = 0, at;
	int err;

	if (off % 8 + f->bits > 64)
		return enums ? (p->enums = enums, refuse(b, f, "is an enum of more than 64 bits")) : -ENOMEM;
	if (!enums)
		return -ENOMEM;
	p->enums = enums;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	p->enums[p->n_enums++] = e;
	e->bits = (struct plan_bits){ off % 8, f->bits, f->is_signed };
	/* The names go into the pool behind the pending text, which therefore ends here. */
	err = emit(b, PLAN_ENUM, off / 8, 0, &op);
	if (err < 0)
		return err;
	at = p->n_ops - 1;
	err = add_enum_names(p, e, f, &longest);
	if (err < 0)
		return err;
	p->ops[at].names = e;
	p->max += longest;
	b->lit = p->pool_len;
	return 0;
}

static int add_bool(struct builder *b, const struct layout_field *f, uint64_t off)
{
	bool plain = off % 8 == 0 && f->bits == 8;
	struct plan_op *op;
	int err;

	if (off % 8 + f->bits > 64)
		return refuse(b, f, "is a bool of more than 64 bits");
	err = emit(b, plain ? PLAN_BOOL : PLAN_BOOL_BITS, off / 8, 5, &op);
	if (err == 0)
		op->bits = (struct plan_bits){ off % 8, f->bits, false };
	return err;
}

static void set_length(struct plan_op *op, const struct layout_field *f)
{
	op->length_off = f->length.offset / 8;
	op->length_bytes = f->length.bits / 8;
}

static int add_bytes(struct builder *b, const struct layout_field *f, uint64_t off)
{
	bool text = f->kind == LAYOUT_TEXT;
	uint64_t n = f->bits / 8;
	enum plan_code code = text ? n <= 16 ? PLAN_TEXT16 : PLAN_TEXT : PLAN_BYTES;
	struct plan_op *op;
	int err;

	if (f->trailing) {
		code = text ? PLAN_TEXT_TAIL : PLAN_BYTES_TAIL;
		n = 0;
		b->plan->has_tail = true;
	}
	err = emit(b, code, off / 8, 2 + n * (text ? 6 : 2), &op);
	if (err == 0) {
		op->n = n;
		set_length(op, f);
	}
	return err;
}

static int add_plain(struct builder *b, const struct layout_field *f, uint64_t off)
{
	static const struct {
		int kind;
		uint64_t bits;
		enum plan_code code;
		size_t max;
	} table[] = {
		{ LAYOUT_FLOAT, 32, PLAN_F32, 32 },   { LAYOUT_FLOAT, 64, PLAN_F64, 32 },
		{ LAYOUT_PTR, 32, PLAN_PTR, 20 },     { LAYOUT_PTR, 64, PLAN_PTR, 20 },
		{ LAYOUT_BE, 16, PLAN_BE16, 5 },      { LAYOUT_BE, 32, PLAN_BE32, 10 },
		{ LAYOUT_BE, 64, PLAN_BE64, 20 },     { LAYOUT_IP, 128, PLAN_IP, 48 },
		{ LAYOUT_IP, 32, PLAN_IP4, 20 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct plan_op *op;
		int err;

		if (table[i].kind != f->kind || table[i].bits != f->bits)
			continue;
		err = emit(b, table[i].code, off / 8, table[i].max, &op);
		if (err == 0)
			op->n = f->bits / 8;
		return err;
	}
	return refuse(b, f, "has a size that no such value has");
}

static int add_value(struct builder *b, const struct layout_field *f, uint64_t off);

/* What a field needs besides its value: its key, and first a look whether it is there. */
static int add_member(struct builder *b, const struct layout_field *m, uint64_t off)
{
	struct plan *p = b->plan;
	struct plan_op *op;
	size_t at;
	int err;

	if (!m->when.bits) {
		err = put_key(b, m);
		return err < 0 ? err : add_value(b, m, off);
	}
	err = emit(b, PLAN_WHEN, m->when.offset / 8, 0, &op);
	if (err < 0)
		return err;
	at = p->n_ops - 1;
	op->when.value = m->when_value;
	op->when.bytes = m->when.bits / 8;
	err = put_key(b, m);
	if (err == 0)
		err = add_value(b, m, off);
	if (err == 0)
		p->ops[at].when.skip = p->n_ops - at - 1;
	return err;
}

static int add_members(struct builder *b, const struct layout_field *f, uint64_t off)
{
	const struct layout_field *members = f->fields.items;
	int err = pool_put(b->plan, "{", 1);

	b->comma = false;
	for (size_t i = 0; i < f->fields.n && err == 0; i++) {
		const struct layout_field *m = &members[i];

		if (strncmp(m->name, "__pad", 5) == 0)
			continue;
		err = add_member(b, m, off + m->offset);
		b->comma = true;
	}
	return err < 0 ? err : pool_put(b->plan, "}", 1);
}

/* An array is one operation, then those of its element, which count from the element's start. */
static int add_array(struct builder *b, const struct layout_field *f, uint64_t off)
{
	const struct layout_field *element = f->fields.items;
	struct plan *p = b->plan;
	struct plan_op *op;
	size_t at, before;
	uint64_t count = f->count;
	int err;

	if (element->bits == 0 && count)
		return refuse(b, f, "has elements of no size");
	err = emit(b, f->trailing ? PLAN_ARRAY_TAIL : PLAN_ARRAY, off / 8, 2, &op);
	if (err < 0)
		return err;
	at = p->n_ops - 1;
	before = p->max;
	err = add_value(b, element, 0);
	if (err == 0)
		err = emit(b, PLAN_END, 0, 0, &op);
	if (err < 0)
		return err;
	/* Members of a union are all shown, so a short element can have a text of any length. */
	if (p->max - before >= UINT32_MAX)
		return refuse(b, f, "has elements of more text than any line");
	op = &p->ops[at];
	op->array.count = count;
	op->array.stride = element->bits / 8;
	op->array.skip = p->n_ops - at;
	op->array.element_max = p->max - before + 1;
	set_length(op, f);
	if (f->trailing) {
		count = 0;
		p->has_tail = true;
	}
	/* The encoder stops a text that has grown beyond the limit, between two elements. */
	p->max = before + MIN(count * op->array.element_max, (uint64_t)PLAN_TEXT_LIMIT + op->array.element_max);
	return 0;
}

static int add_strv(struct builder *b, const struct layout_field *f, uint64_t off)
{
	struct plan_op *op;
	int err = emit(b, PLAN_STRV_TAIL, off / 8, 2, &op);

	b->plan->has_tail = true;
	if (err == 0)
		set_length(op, f);
	return err;
}

static int add_value(struct builder *b, const struct layout_field *f, uint64_t off)
{
	switch (f->kind) {
	case LAYOUT_UINT:   return add_integer(b, f, off, false);
	case LAYOUT_INT:    return add_integer(b, f, off, true);
	case LAYOUT_BOOL:   return add_bool(b, f, off);
	case LAYOUT_ENUM:   return add_enum(b, f, off);
	case LAYOUT_TEXT:
	case LAYOUT_BYTES:  return add_bytes(b, f, off);
	case LAYOUT_STRUCT:
	case LAYOUT_UNION:  return add_members(b, f, off);
	case LAYOUT_ARRAY:  return add_array(b, f, off);
	case LAYOUT_STRV:   return add_strv(b, f, off);
	default:            return add_plain(b, f, off);
	}
}

static void plan_freep(struct plan **p)
{
	plan_free(*p);
}

int plan_new(const struct layout *l, struct plan **ret, struct diag *d)
{
	cleanup(plan_freep) struct plan *p = calloc(1, sizeof(*p));
	struct builder b = { .plan = p, .diag = d };
	struct plan_op *op;
	int err;

	if (!p)
		return -ENOMEM;
	p->size = l->size;
	err = add_members(&b, &l->root, 0);
	if (err == 0)
		err = emit(&b, PLAN_END, 0, PLAN_SLACK, &op);
	if (err == -E2BIG)
		return diag_fail(d, err, NULL, 0, "the struct '%s' has too many fields", l->name);
	if (err < 0)
		return err;
	*ret = take(p);
	return 0;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_enums; i++) {
		free(p->enums[i]->names);
		free(p->enums[i]);
	}
	free(p->enums);
	free(p->ops);
	free(p->pool);
	free(p);
}
