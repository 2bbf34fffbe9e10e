/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fields of a polled map's entries are labels, and which are values. */
#include <errno.h>
#include <string.h>

#include "layout_build.h"

#define PATH_LEN 256

struct found {
	const struct layout_field *field;
	uint64_t offset;	/* bits in the record */
};

/* By its name within the key, the value, or the whole. */
static bool find_field(const struct layout *l, const char *first, const char *second, const char *name,
		       struct found *ret)
{
	const char *parts[] = { "", first, second };

	for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
		char path[PATH_LEN];

		snprintf(path, sizeof(path), "%s%s%s", parts[k], parts[k][0] ? "." : "", name);
		ret->field = layout_find(l, path, &ret->offset);
		if (ret->field)
			return true;
	}
	return false;
}

static const char *joined(struct arena *a, const char *before, const char *name)
{
	return before[0] ? arena_printf(a, "%s_%s", before, name) : name;
}

static bool is_composite(const struct layout_field *f)
{
	return f->kind == LAYOUT_STRUCT || f->kind == LAYOUT_UNION;
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

static bool has_label(const struct layout *l, const char *label)
{
	for (size_t k = 0; k < l->root.fields.n; k++)
		if (!strcmp(((struct layout_field *)l->root.fields.items)[k].name, label))
			return true;
	return false;
}

/* An array of numbers is a label by its bytes. */
static int add_label(struct layout_build *b, const char *label, const struct layout_field *f, uint64_t offset,
		     struct layout *to)
{
	struct layout_field *n;

	if (f->trailing)
		return 0;	/* takes all that follows: of an entry, which has a size, nothing */
	if (has_label(to, label))
		return 0;	/* members of a union with the same name */
	n = layout_push_field(b, &to->root.fields, label);
	if (!n)
		return -EINVAL;
	label = n->name;
	*n = *f;
	n->name = label;
	n->offset = offset;
	if (f->kind == LAYOUT_ARRAY) {
		n->kind = LAYOUT_BYTES;
		n->count = 0;
		n->fields = (struct conf_list){ 0 };
	}
	return 0;
}

static int add_all(struct load *l, struct layout_build *b, const char *name, const struct layout_field *f,
		   uint64_t offset, struct layout *to)
{
	const struct layout_field *members = f->fields.items;
	int err = 0;

	if (!is_composite(f))
		return add_label(b, name, f, offset, to);
	for (size_t k = 0; k < f->fields.n && !err; k++) {
		const char *inner = joined(l->arena, name, members[k].name);

		err = inner ? add_all(l, b, inner, &members[k], offset + members[k].offset, to) : -ENOMEM;
	}
	return err;
}

static int add_said(struct load *l, const struct program_channel *c, struct layout_build *b, const struct layout *from,
		    struct layout *to)
{
	const struct program_label *labels = c->poll.labels.items;
	int err = 0;

	for (size_t k = 0; k < c->poll.labels.n && !err; k++) {
		struct found f;

		if (!find_field(from, "key", "value", labels[k].field, &f) || is_composite(f.field) ||
		    f.field->trailing)
			return load_fail(l, c->item.line,
					 "channel '%s': labels: '%s' is no field of its map's key or value%s", c->name,
					 labels[k].field, f.field && f.field->trailing ? " that has a size" : "");
		err = add_label(b, labels[k].label, f.field, f.offset, to);
	}
	return err;
}

int load_map_labels(struct load *l, const struct program_channel *c, bool none_by_default, struct manifest_channel *m)
{
	struct layout_build b = { .arena = l->arena, .diag = &l->diag, .name = m->layout.name };
	const struct layout_field *key = m->layout.root.fields.items;
	struct layout *to = &m->poll.labels;
	int err = 0;

	*to = (struct layout){
		.name = "labels", .size = m->layout.size, .source = m->layout.source,
		.root = { .name = "", .kind = LAYOUT_STRUCT, .bits = m->layout.root.bits },
	};
	if (c->poll.labels_said)
		err = add_said(l, c, &b, &m->layout, to);
	else if (!none_by_default)
		err = add_all(l, &b, is_composite(key) ? "" : "key", key, key->offset, to);
	if (!err && m->poll.per_cpu && has_label(to, "cpu"))
		return load_fail(l, c->item.line, "channel '%s': per_cpu: gives each sample a label cpu, and `labels:` "
				 "or its map's key gives one as well; call that one otherwise "
				 "(labels: {NAME: FIELD})",
				 c->name);
	return err;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

struct values {
	struct load *l;
	struct layout_build b;
	const struct program_channel *c;
	uint64_t base;			/* bits: where the value begins in the record */
	struct conf_list list;		/* struct manifest_value */
	bool any_array;			/* take every array of integers for a histogram */
};

static bool is_integer(const struct layout_field *f, uint64_t offset)
{
	return (f->kind == LAYOUT_UINT || f->kind == LAYOUT_INT) && offset % 8 == 0 &&
	       (f->bits == 8 || f->bits == 16 || f->bits == 32 || f->bits == 64);
}

static bool is_slots(const struct layout_field *f)
{
	return f->kind == LAYOUT_ARRAY && !f->trailing && f->count && is_integer(f->fields.items, 0);
}

static int add_value(struct values *v, const char *name, const struct layout_field *f, uint64_t offset)
{
	const struct layout_field *one = f->kind == LAYOUT_ARRAY ? f->fields.items : f;
	uint64_t slots = f->kind == LAYOUT_ARRAY ? f->count : 0;
	struct manifest_value *to;

	if (slots > (v->c->poll.buckets.scale == BUCKETS_LOG2 ? 64 : MANIFEST_SLOTS_MAX))
		return load_fail(v->l, v->c->item.line,
				 "channel '%s': %s has %llu slots (expected at most 64 of log2, %d of linear ones)",
				 v->c->name, name[0] ? name : "its value", (unsigned long long)slots,
				 MANIFEST_SLOTS_MAX);
	to = layout_push(&v->b, &v->list, sizeof(*to));
	if (!to)
		return -ENOMEM;
	*to = (struct manifest_value){
		.metric = name, .offset = (offset - v->base) / 8, .bytes = one->bits / 8,
		.is_signed = one->kind == LAYOUT_INT, .slots = slots,
	};
	return 0;
}

static int add_numbers(struct values *v, const char *name, const struct layout_field *f, uint64_t offset)
{
	const struct layout_field *members = f->fields.items;
	int err = 0;

	if (is_integer(f, offset))
		return v->c->poll.kind == METRIC_HIST ? 0 : add_value(v, name, f, offset);
	if (is_slots(f) && (v->any_array || !strcmp(f->name, "slots")))
		return add_value(v, name, f, offset);
	for (size_t k = 0; k < f->fields.n && is_composite(f) && !err; k++) {
		const char *inner = joined(v->l->arena, name, members[k].name);

		err = inner ? add_numbers(v, inner, &members[k], offset + members[k].offset) : -ENOMEM;
	}
	return err;
}

static int add_said_values(struct values *v, const struct layout *from)
{
	const struct conf_strs *said = &v->c->poll.values;
	int err = 0;

	for (size_t k = 0; k < said->n && !err; k++) {
		struct found f;
		char *name = arena_strdup(v->l->arena, said->s[k]);

		if (!name)
			return -ENOMEM;
		if (!find_field(from, "value", "value", name, &f) || f.offset < v->base ||
		    !(is_integer(f.field, f.offset) || is_slots(f.field)))
			return load_fail(v->l, v->c->item.line,
					 "channel '%s': values: '%s' is no integer of its map's value, nor an array of "
					 "them", v->c->name, name);
		for (char *p = name; *p; p++)
			*p = *p == '.' ? '_' : *p;
		err = add_value(v, name, f.field, f.offset);
	}
	return err;
}

/* A single one is called like the metric, several like the metric and their fields. */
static int name_metrics(struct values *v)
{
	const char *metric = v->c->poll.metric ? v->c->poll.metric : v->c->name;
	struct manifest_value *values = v->list.items;

	for (size_t k = 0; k < v->list.n; k++) {
		values[k].metric = v->list.n == 1 ? metric : joined(v->l->arena, metric, values[k].metric);
		if (!values[k].metric)
			return -ENOMEM;
	}
	return 0;
}

int load_map_values(struct load *l, const struct program_channel *c, struct manifest_channel *m)
{
	const struct layout_field *value = (struct layout_field *)m->layout.root.fields.items + 1;
	struct values v = {
		.l = l, .c = c, .base = value->offset,
		.b = { .arena = l->arena, .diag = &l->diag, .name = m->layout.name },
	};
	int err;

	if (c->poll.values.n) {
		err = add_said_values(&v, &m->layout);
	} else {
		err = add_numbers(&v, "", value, value->offset);
		v.any_array = c->poll.kind == METRIC_HIST;
		if (!err && v.any_array && v.list.n == 0)
			err = add_numbers(&v, "", value, value->offset);
	}
	if (!err)
		err = name_metrics(&v);
	m->poll.values = v.list;
	return err;
}
