/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A channel that polls a map: what its entries become. */
#include <errno.h>
#include <string.h>

#include "layout.h"
#include "program_doc.h"

#define FAIL(i, ...) diag_fail(d, -EINVAL, (i)->item.file, (i)->item.line, __VA_ARGS__)

const char *const metric_kind_names[] = {
	[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HIST] = "hist", NULL,
};
const char *const bucket_scale_names[] = { [BUCKETS_LOG2] = "log2", [BUCKETS_LINEAR] = "linear", NULL };

static const struct conf_key buckets_keys[] = {
	{ "scale", CONF_ENUM, offsetof(struct program_buckets, scale), "log2", .choices = bucket_scale_names,
	  .help = "log2: slot i counts what is at least 2^i (slot 0: also 0) and below 2^(i+1), as bcc and libbpf-tools"
		  " have it; linear: at least first + i * step and below first + (i+1) * step. The last slot holds "
		  "whatever is greater as well" },
	{ "step", CONF_UINT, offsetof(struct program_buckets, step), "1", .min = 1, .max = 1ULL << 48,
	  .help = "linear: how wide a slot is" },
	{ "first", CONF_UINT, offsetof(struct program_buckets, first), .max = 1ULL << 62,
	  .help = "linear: where slot 0 begins" },
	{ "unit", CONF_STR, offsetof(struct program_buckets, unit), .min = 1, .max = 31,
	  .help = "of the values: \"us\"; stands in the samples" },
	{ 0 },
};
const struct conf_schema program_buckets_schema = { "buckets", sizeof(struct program_buckets), buckets_keys };

static int parse_label(struct arena *a, const struct yaml_node *n, const char *label, struct program_label *to,
		       struct diag *d)
{
	static const struct conf_key row = { "labels", CONF_STR, 0, .min = 1, .max = 127 };
	int err = conf_parse_key(a, &row, n, &to->field, d);

	to->label = label ? label : to->field;
	if (!err && (!to->field || !to->label[0] || strlen(to->label) > 127))
		return diag_fail(d, -EINVAL, n->file, n->line, "labels: a name is missing, or too long");
	return err;
}

int program_parse_labels(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	struct program_poll *p = container_of(field, struct program_poll, labels);
	bool named = n->kind == YAML_NODE_MAPPING;
	struct program_label *labels;
	int err = 0;

	p->labels_said = true;
	if (yaml_is_null(n))
		return 0;
	if (n->kind == YAML_NODE_SCALAR)
		return diag_fail(d, -EINVAL, n->file, n->line, "labels: expected {LABEL: FIELD, …}, or a list");
	if (n->n > LAYOUT_FIELDS_MAX)
		return diag_fail(d, -ERANGE, n->file, n->line, "labels: has %zu entries (expected at most %d)", n->n,
				 LAYOUT_FIELDS_MAX);
	labels = arena_alloc(a, (n->n + 1) * sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	for (size_t i = 0; i < n->n && !err; i++) {
		err = parse_label(a, n->items[i], named ? n->keys[i] : NULL, &labels[i], d);
		for (size_t j = 0; j < i && !err; j++)
			if (!strcmp(labels[j].label, labels[i].label))
				err = diag_fail(d, -EINVAL, n->items[i]->file, n->items[i]->line,
						"labels: %s is there twice", labels[i].label);
	}
	p->labels = (struct conf_list){ labels, n->n };
	return err;
}

/* Of a channel that is no map: the first key that only a map may have. */
static const char *strange_key(const struct program_poll *p)
{
	const struct {
		const char *key;
		bool said;
	} keys[] = {
		{ "reset", p->reset },	 { "interval", p->interval_ns }, { "metric", p->metric },
		{ "kind", p->kind },	 { "labels", p->labels_said },	 { "values", p->values.n },
		{ "per_cpu", p->per_cpu }, { "key", p->key.n },		 { "value", p->value.n },
		{ "buckets", p->buckets.scale || p->buckets.unit || p->buckets.first || p->buckets.step > 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].said)
			return keys[i].key;
	return NULL;
}

int program_check_poll(const struct program_channel *c, struct diag *d)
{
	const struct program_poll *p = &c->poll;
	const char *strange = c->type == CHANNEL_MAP ? NULL : strange_key(p);
	int err;

	if (strange)
		return FAIL(c, "%s: %s is a %s (it belongs to a map)", strange, c->name, channel_type_names[c->type]);
	if (c->type != CHANNEL_MAP)
		return 0;
	if (c->event || c->fields.n)
		return FAIL(c, "%s: %s is a map, whose entries have a key: and a value:", c->event ? "event" : "fields",
			    c->name);
	if (c->ts_field)
		return FAIL(c, "ts_field: %s is a map: its samples have the time of their reading", c->name);
	if (p->reset && p->kind == METRIC_GAUGE)
		return FAIL(c, "reset: %s is of kind gauge, which has no differences", c->name);
	err = program_check_part(&p->key, "key", d);
	return err ? err : program_check_part(&p->value, "value", d);
}
