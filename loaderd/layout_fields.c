/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts from `fields:` in the YAML, for objects that describe nothing themselves. */
#include <errno.h>
#include <string.h>

#include "layout_build.h"

static const struct {
	const char *name;
	int kind;
	unsigned bits;
} scalars[] = {
	{ "u8", LAYOUT_UINT, 8 },	{ "u16", LAYOUT_UINT, 16 },	{ "u32", LAYOUT_UINT, 32 },
	{ "u64", LAYOUT_UINT, 64 },	{ "u128", LAYOUT_UINT, 128 },	{ "s8", LAYOUT_INT, 8 },
	{ "s16", LAYOUT_INT, 16 },	{ "s32", LAYOUT_INT, 32 },	{ "s64", LAYOUT_INT, 64 },
	{ "s128", LAYOUT_INT, 128 },	{ "bool", LAYOUT_BOOL, 8 },	{ "char", LAYOUT_INT, 8 },
	{ "be16", LAYOUT_BE, 16 },	{ "be32", LAYOUT_BE, 32 },	{ "be64", LAYOUT_BE, 64 },
	{ "f32", LAYOUT_FLOAT, 32 },	{ "f64", LAYOUT_FLOAT, 64 },	{ "ptr", LAYOUT_PTR, 64 },
	{ "hex", LAYOUT_PTR, 64 },	{ "ip", LAYOUT_IP, 128 },
	{ "ip4", LAYOUT_IP, 32 },	{ "strv", LAYOUT_STRV, 0 },
};

#define RECORD_MAX 65536	/* bytes: SPOOL_REC_MAX bounds what could be shown of a longer one anyway */

/* "u32[4][2]" → scalar and dimensions; "char[]" → dimension 0. */
static int parse_type(const char *type, size_t *ret_scalar, uint64_t dims[LAYOUT_DEPTH_MAX], unsigned *ret_n)
{
	size_t len = strcspn(type, "["), i;
	const char *p = type + len;
	unsigned n = 0;

	for (i = 0; i < ARRAY_SIZE(scalars); i++)
		if (strlen(scalars[i].name) == len && !strncmp(scalars[i].name, type, len))
			break;
	if (i == ARRAY_SIZE(scalars))
		return -EINVAL;
	while (*p) {
		char *end;
		unsigned long count;

		if (*p++ != '[' || n == LAYOUT_DEPTH_MAX - 1)
			return -EINVAL;
		count = *p == ']' ? 0 : strtoul(p, &end, 10);
		if (*p != ']' && (end == p || *p < '0' || *p > '9' || count == 0 || count > RECORD_MAX))
			return -EINVAL;
		if (*p != ']')
			p = end;
		if (*p++ != ']' || (count == 0 && n > 0))
			return -EINVAL;
		dims[n++] = count;
	}
	*ret_scalar = i;
	*ret_n = n;
	return 0;
}

static int refuse(struct diag *d, const struct program_field *pf, const char *why)
{
	return diag_fail(d, -EINVAL, pf->item.file, pf->item.line, "field '%s': type '%s' %s", pf->name, pf->type, why);
}

static int make_arrays(struct layout_build *b, struct layout_field *f, bool of_char, const uint64_t *dims, unsigned n)
{
	int err = 0;

	/* From the innermost outwards. Only rows of the innermost are text. */
	for (unsigned i = n; i-- > 0 && !err;)
		err = layout_make_array(b, f, dims[i], dims[i] == 0, of_char && i + 1 == n, false);
	return err;
}

static int fill(struct layout_build *b, const struct program_field *pf, struct layout_field *f, uint64_t *ret_align)
{
	uint64_t dims[LAYOUT_DEPTH_MAX], bytes = 1;
	size_t scalar;
	unsigned n;
	int err = parse_type(pf->type, &scalar, dims, &n);

	if (err)
		return refuse(b->diag, pf,
			      "is not known (u8 … u128, s8 … s128, bool, char[16], char[], u8[6], u32[4], be16 … "
			      "be64, f32, f64, ptr, hex, ip, ip4, strv)");
	f->kind = scalars[scalar].kind;
	f->bits = scalars[scalar].bits;
	bytes = MAX(f->bits / 8, 1UL);
	*ret_align = f->kind == LAYOUT_IP ? 1 : bytes;
	if (f->kind == LAYOUT_STRV) {
		f->trailing = true;
		return n ? refuse(b->diag, pf, "cannot be an array") : 0;
	}
	if (pf->values.n > 0) {
		if (f->kind != LAYOUT_UINT && f->kind != LAYOUT_INT)
			return refuse(b->diag, pf, "cannot have `values`");
		f->is_signed = f->kind == LAYOUT_INT;
		f->kind = LAYOUT_ENUM;
		f->values = pf->values;
	}
	for (unsigned i = 0; i < n; i++)
		if (dims[i] && (bytes *= dims[i]) > RECORD_MAX)
			return refuse(b->diag, pf, "is too large");
	return make_arrays(b, f, !strncmp(pf->type, "char[", 5), dims, n);
}

/* program_check_fields() saw that it stands above, and is an integer. */
static int refer(struct layout_build *b, const struct program_field *pf, const struct layout *l, const char *name,
		 struct layout_ref *ret)
{
	uint64_t offset;
	const struct layout_field *f = layout_find(l, name, &offset);

	if (!f || f->bits > 64 || f->kind > LAYOUT_ENUM)
		return refuse(b->diag, pf, "depends on no integer above it");
	*ret = (struct layout_ref){ offset, f->bits };
	return 0;
}

static int depend(struct layout_build *b, const struct program_field *pf, const struct layout *l,
		  struct layout_field *f)
{
	int err = pf->length ? refer(b, pf, l, pf->length, &f->length) : 0;

	if (err || !pf->when.field)
		return err;
	err = refer(b, pf, l, pf->when.field, &f->when);
	f->when_value = f->when.bits < 64 ? (uint64_t)pf->when.value & ((1ULL << f->when.bits) - 1)
					  : (uint64_t)pf->when.value;
	return err;
}

static int add_field(struct layout_build *b, const struct program_field *pf, bool last, struct layout *l, uint64_t *end)
{
	struct layout_field *f = layout_push_field(b, &l->root.fields, pf->name);
	uint64_t align = 1;
	int err;

	if (!f)
		return -EINVAL;
	err = fill(b, pf, f, &align) ?: depend(b, pf, l, f);
	if (err)
		return err;
	if (f->trailing && !last)
		return refuse(b->diag, pf, "takes all that follows, so only the last field may have it");
	f->offset = 8 * (pf->offset == UINT64_MAX ? ALIGN_UP(*end, align) : pf->offset);
	*end = (f->offset + f->bits) / 8;
	if (*end > RECORD_MAX)
		return refuse(b->diag, pf, "ends too far behind");
	l->size = MAX(l->size, *end);
	return 0;
}

int layout_from_fields(struct arena *a, const struct program_channel *c, struct layout *ret, struct diag *d)
{
	struct layout l = { .source = "fields", .root = { .name = "", .kind = LAYOUT_STRUCT } };
	struct layout_build b = { .arena = a, .diag = d };
	const struct program_field *fields = c->fields.items;
	uint64_t end = 0;

	l.name = b.name = c->event ? c->event : c->name;
	for (size_t i = 0; i < c->fields.n; i++) {
		int err;

		if (fields[i].offset != UINT64_MAX && fields[i].offset > RECORD_MAX)
			return refuse(d, &fields[i], "begins too far behind");
		err = add_field(&b, &fields[i], i + 1 == c->fields.n, &l, &end);
		if (err)
			return err;
	}
	if (c->size && c->size < l.size)
		return diag_fail(d, -EINVAL, c->item.file, c->item.line,
				 "channel '%s': its fields end at byte %lu, but size is %lu", c->name,
				 (unsigned long)l.size, (unsigned long)c->size);
	if (c->size)
		l.size = c->size;
	l.root.bits = 8 * l.size;
	*ret = l;
	return 0;
}
