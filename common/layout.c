/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "json.h"
#include "layout.h"

#define CHECK_DEPTH_MAX (2 * LAYOUT_DEPTH_MAX)	/* arrays of arrays count here too */

static const char *const kind_names[] = {
	[LAYOUT_UINT] = "uint", [LAYOUT_INT] = "int", [LAYOUT_BOOL] = "bool", [LAYOUT_ENUM] = "enum",
	[LAYOUT_FLOAT] = "float", [LAYOUT_PTR] = "ptr", [LAYOUT_BE] = "be", [LAYOUT_TEXT] = "text",
	[LAYOUT_BYTES] = "bytes", [LAYOUT_STRUCT] = "struct", [LAYOUT_UNION] = "union", [LAYOUT_ARRAY] = "array",
	[LAYOUT_IP] = "ip", [LAYOUT_STRV] = "strv", NULL,
};

const char *layout_kind_name(int kind)
{
	return kind >= 0 && (size_t)kind < ARRAY_SIZE(kind_names) - 1 ? kind_names[kind] : "unknown";
}

static const struct conf_schema field_schema;

static const struct conf_key value_keys[] = {
	{ "name", CONF_STR, offsetof(struct layout_value, name), .flags = CONF_REQUIRED },
	{ "value", CONF_INT, offsetof(struct layout_value, value), .flags = CONF_REQUIRED },
	{ 0 },
};
static const struct conf_schema value_schema = {
	.name = "an enum's value", .size = sizeof(struct layout_value), .keys = value_keys, .bare = true,
};

static const struct conf_key field_keys[] = {
	{ "name", CONF_STR, offsetof(struct layout_field, name), "" },
	{ "kind", CONF_ENUM, offsetof(struct layout_field, kind), .choices = kind_names, .flags = CONF_REQUIRED },
	{ "offset", CONF_UINT, offsetof(struct layout_field, offset), .help = "bits" },
	{ "bits", CONF_UINT, offsetof(struct layout_field, bits) },
	{ "signed", CONF_BOOL, offsetof(struct layout_field, is_signed) },
	{ "trailing", CONF_BOOL, offsetof(struct layout_field, trailing), .help = "up to the end of the record" },
	{ "count", CONF_UINT, offsetof(struct layout_field, count), .help = "elements" },
	{ "length_offset", CONF_UINT, offsetof(struct layout_field, length.offset), .help = "bits" },
	{ "length_bits", CONF_UINT, offsetof(struct layout_field, length.bits) },
	{ "when_offset", CONF_UINT, offsetof(struct layout_field, when.offset), .help = "bits" },
	{ "when_bits", CONF_UINT, offsetof(struct layout_field, when.bits) },
	{ "when_value", CONF_UINT, offsetof(struct layout_field, when_value) },
	{ "fields", CONF_LIST, offsetof(struct layout_field, fields), .sub = &field_schema, .max = LAYOUT_FIELDS_MAX },
	{ "values", CONF_LIST, offsetof(struct layout_field, values), .sub = &value_schema },
	{ 0 },
};
static const struct conf_schema field_schema = {
	.name = "a field", .size = sizeof(struct layout_field), .keys = field_keys, .bare = true,
};

static bool is_container(const struct layout_field *f)
{
	return f->kind == LAYOUT_STRUCT || f->kind == LAYOUT_UNION;
}

static bool size_fits_kind(const struct layout_field *f)
{
	switch ((enum layout_kind)f->kind) {
	case LAYOUT_UINT:
	case LAYOUT_INT: return (f->bits >= 1 && f->bits <= 64) || f->bits == 128;
	case LAYOUT_BOOL:
	case LAYOUT_ENUM: return f->bits >= 1 && f->bits <= 64;
	case LAYOUT_FLOAT:
	case LAYOUT_PTR: return f->bits == 32 || f->bits == 64;
	case LAYOUT_BE: return f->bits == 16 || f->bits == 32 || f->bits == 64;
	case LAYOUT_TEXT:
	case LAYOUT_BYTES: return f->trailing ? !f->bits : f->bits % 8 == 0;
	case LAYOUT_IP: return f->bits == 32 || f->bits == 128;
	case LAYOUT_STRV: return f->trailing && !f->bits;
	case LAYOUT_STRUCT:
	case LAYOUT_UNION: return f->bits % 8 == 0;
	case LAYOUT_ARRAY: return f->trailing ? !f->bits : f->bits % 8 == 0;
	}
	return false;
}

/* Bit-fields start anywhere, everything else at a byte. */
static bool offset_fits_kind(const struct layout_field *f)
{
	return f->offset % 8 == 0 || f->kind <= LAYOUT_ENUM;
}

static bool array_fits(const struct layout_field *f)
{
	const struct layout_field *element = f->fields.items;
	uint64_t bits;

	if (f->fields.n != 1 || element->offset || element->trailing || element->bits % 8 ||
	    element->bits > 8ULL * LAYOUT_SIZE_MAX)
		return false;
	if (f->trailing)
		return element->bits > 0;
	return !__builtin_mul_overflow(element->bits, f->count, &bits) && bits <= f->bits;
}

struct checker {
	const struct yaml_node *n;
	struct diag *d;
	size_t fields;
	uint64_t limit;			/* bits of the record's fixed part */
};

static bool ref_fits(const struct checker *c, const struct layout_ref *r)
{
	return !r->bits || ((r->bits == 8 || r->bits == 16 || r->bits == 32 || r->bits == 64) && r->offset % 8 == 0 &&
			    r->offset <= c->limit && r->bits <= c->limit - r->offset);
}

static int refuse(struct checker *c, const struct layout_field *f, const char *cause)
{
	char name[DIAG_EXCERPT];

	return diag_fail(c->d, -EINVAL, c->n->file, c->n->line, "layout: field \"%s\" (%s): %s",
			 diag_excerpt(name, f->name ? f->name : ""), layout_kind_name(f->kind), cause);
}

/* Whatever is read must lie within [0, @limit) bits. Structs are not asked, only what they hold: one with a trailing
 * part is longer than the fixed part that a record must have. @base: where what encloses @f begins. */
static int check_field(struct checker *c, const struct layout_field *f, uint64_t base, uint64_t limit, int depth,
		       bool in_array)
{
	const struct layout_field *members = f->fields.items;
	uint64_t begin, end;
	size_t i;
	int err = 0;

	if (++c->fields > LAYOUT_FIELDS_MAX + 1)
		return refuse(c, f, "the layout has too many fields");
	if (depth > CHECK_DEPTH_MAX)
		return refuse(c, f, "nested too deeply");
	if (!size_fits_kind(f) || !offset_fits_kind(f))
		return refuse(c, f, "its kind does not come in this size or place");
	if (__builtin_add_overflow(base, f->offset, &begin) || __builtin_add_overflow(begin, f->bits, &end) ||
	    begin > limit || (end > limit && !is_container(f)))
		return refuse(c, f, "does not lie within the record");
	if (f->trailing && (in_array || f->kind < LAYOUT_TEXT || is_container(f) || f->kind == LAYOUT_IP))
		return refuse(c, f, "cannot be the trailing part");
	if (!ref_fits(c, &f->length) || !ref_fits(c, &f->when))
		return refuse(c, f, "what it depends on does not lie within the record");
	if (f->length.bits && !f->trailing)
		return refuse(c, f, "only a trailing part has its length elsewhere");
	if (f->when.bits && (depth != 1 || is_container(f)))
		return refuse(c, f, "cannot depend on another field");
	if (f->kind == LAYOUT_ARRAY)
		return array_fits(f) ? check_field(c, members, 0, members->bits, depth + 1, true) :
		       refuse(c, f, "its elements do not fill it");
	if (!is_container(f) && f->fields.n)
		return refuse(c, f, "has members");
	for (i = 0; i < f->fields.n && !err; i++)
		err = check_field(c, &members[i], begin, limit, depth + 1, in_array);
	return err;
}

static int check_layout(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	struct layout *l = obj;
	struct checker c = { .n = n, .d = d, .limit = l->size * 8 };
	const struct layout_field *first = l->root.fields.items;

	(void)a;
	if (l->root.kind != LAYOUT_STRUCT)
		return refuse(&c, &l->root, "an event must be a struct");
	if (l->root.fields.n && first->when.bits)
		return refuse(&c, first, "the first cannot depend on another field");
	return check_field(&c, &l->root, 0, l->size * 8, 0, false);
}

static const struct conf_key layout_keys[] = {
	{ "name", CONF_STR, offsetof(struct layout, name), .flags = CONF_REQUIRED },
	{ "size", CONF_UINT, offsetof(struct layout, size), .max = LAYOUT_SIZE_MAX, .flags = CONF_REQUIRED },
	{ "source", CONF_STR, offsetof(struct layout, source) },
	{ "root", CONF_STRUCT, offsetof(struct layout, root), .sub = &field_schema, .flags = CONF_REQUIRED },
	{ 0 },
};
const struct conf_schema layout_schema = {
	.name = "a layout", .size = sizeof(struct layout), .keys = layout_keys, .check = check_layout,
};

static void write_values(struct json *j, const struct conf_list *values)
{
	size_t i;

	json_open_array(j, "values");
	for (i = 0; i < values->n; i++) {
		const struct layout_value *v = (const struct layout_value *)values->items + i;

		json_open_object(j, NULL);
		json_str(j, "name", v->name);
		json_s64(j, "value", v->value);
		json_close_object(j);
	}
	json_close_array(j);
}

static void write_ref(struct json *j, const char *what, const struct layout_ref *r)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_offset", what);
	json_u64(j, key, r->offset);
	snprintf(key, sizeof(key), "%s_bits", what);
	json_u64(j, key, r->bits);
}

/* What has its default is left out: manifests are read by people too. */
static void write_field(struct json *j, const char *key, const struct layout_field *f)
{
	size_t i;

	json_open_object(j, key);
	if (f->name && f->name[0])
		json_str(j, "name", f->name);
	json_str(j, "kind", layout_kind_name(f->kind));
	if (f->offset)
		json_u64(j, "offset", f->offset);
	if (f->bits)
		json_u64(j, "bits", f->bits);
	if (f->is_signed)
		json_bool(j, "signed", true);
	if (f->trailing)
		json_bool(j, "trailing", true);
	if (f->count)
		json_u64(j, "count", f->count);
	if (f->length.bits)
		write_ref(j, "length", &f->length);
	if (f->when.bits) {
		write_ref(j, "when", &f->when);
		json_u64(j, "when_value", f->when_value);
	}
	if (f->fields.n) {
		json_open_array(j, "fields");
		for (i = 0; i < f->fields.n; i++)
			write_field(j, NULL, (const struct layout_field *)f->fields.items + i);
		json_close_array(j);
	}
	if (f->values.n)
		write_values(j, &f->values);
	json_close_object(j);
}

void layout_write(struct json *j, const char *key, const struct layout *l)
{
	json_open_object(j, key);
	json_str(j, "name", l->name);
	json_u64(j, "size", l->size);
	if (l->source)
		json_str(j, "source", l->source);
	write_field(j, "root", &l->root);
	json_close_object(j);
}

const struct layout_field *layout_find(const struct layout *l, const char *name, uint64_t *ret_offset)
{
	const struct layout_field *f = &l->root;
	uint64_t offset = 0;

	for (;;) {
		size_t len = strcspn(name, "."), i;
		const struct layout_field *m = NULL;

		if (!is_container(f))
			return NULL;
		for (i = 0; i < f->fields.n && !m; i++) {
			m = (const struct layout_field *)f->fields.items + i;
			if (!m->name || strlen(m->name) != len || memcmp(m->name, name, len))
				m = NULL;
		}
		if (!m)
			return NULL;
		f = m;
		offset += f->offset;
		if (!name[len])
			break;
		name += len + 1;
	}
	if (ret_offset)
		*ret_offset = offset;
	return f;
}
