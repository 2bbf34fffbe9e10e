/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walker: a YAML tree and a table give a filled struct, or the reason why not. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "conf.h"
#include "conf_text.h"
#include "../abi/names.h"

#define KEYS_MAX 64

static int out_of_memory(const struct yaml_node *n, struct diag *d)
{
	return diag_fail(d, -ENOMEM, n->file, n->line, "the document needs too much memory");
}

static const char *kind_name(const struct yaml_node *n)
{
	if (n->kind == YAML_NODE_MAPPING)
		return "a mapping";
	return n->kind == YAML_NODE_SEQUENCE ? "a list" : "a single value";
}

/* Its value as it may stand in a message. */
static const char *quote(const struct conf_key *k, const struct yaml_node *n, char buf[DIAG_EXCERPT])
{
	return k->flags & CONF_SECRET ? CONF_SECRET_TEXT : diag_excerpt(buf, n->value);
}

static int wrong_kind(const struct conf_key *k, const struct yaml_node *n, const char *expected, struct diag *d)
{
	char text[DIAG_EXCERPT];

	if (yaml_is_null(n))
		return diag_fail(d, -EINVAL, n->file, n->line, "%s: has no value (expected %s)", k->name, expected);
	if (n->kind == YAML_NODE_SCALAR)
		return diag_fail(d, -EINVAL, n->file, n->line, "%s: is \"%s\" (expected %s)", k->name,
				 quote(k, n, text), expected);
	return diag_fail(d, -EINVAL, n->file, n->line, "%s: is %s (expected %s)", k->name, kind_name(n), expected);
}

static int parse_number(const struct conf_key *k, const char *s, uint64_t *ret)
{
	switch (k->type) {
	case CONF_SIZE: return conf_parse_size(s, ret);
	case CONF_TIME: return conf_parse_time(s, ret);
	default: return conf_parse_u64(s, ret);
	}
}

static int parse_signed(const char *s, int64_t *ret)
{
	bool negative = *s == '-';
	uint64_t v;
	int err;

	err = conf_parse_u64(s + negative, &v);
	if (err < 0)
		return err;
	if (v > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

static bool in_bounds(const struct conf_key *k, uint64_t v)
{
	if (k->type == CONF_INT) {
		if (!k->min && !k->max)
			return true;
		return (int64_t)v >= (int64_t)k->min && (int64_t)v <= (int64_t)k->max;
	}
	return v >= k->min && (!k->max || v <= k->max);
}

static int parse_name(const struct conf_key *k, const char *s)
{
	return k->type == CONF_NAME && !conf_name_valid(s) ? -EINVAL : 0;
}

static int parse_enum(const struct conf_key *k, const char *s, int *ret)
{
	int i;

	for (i = 0; k->choices[i]; i++)
		if (!strcmp(k->choices[i], s)) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

/* @s is the text of a row's default or of a scalar. -EINVAL: not of that form; -ERANGE: out of bounds. */
static int set_scalar(struct arena *a, const struct conf_key *k, const char *s, void *field)
{
	uint64_t v = 0;
	int err;

	switch (k->type) {
	case CONF_BOOL:
		return conf_parse_bool(s, field);
	case CONF_ENUM:
		return parse_enum(k, s, field);
	case CONF_UINT:
	case CONF_SIZE:
	case CONF_TIME:
	case CONF_INT:
		err = k->type == CONF_INT ? parse_signed(s, (int64_t *)&v) : parse_number(k, s, &v);
		if (err < 0)
			return err;
		if (!in_bounds(k, v))
			return -ERANGE;
		*(uint64_t *)field = v;
		return 0;
	case CONF_STR:
	case CONF_NAME:
		if (parse_name(k, s) < 0)
			return -EINVAL;
		if (k->max && (strlen(s) < k->min || strlen(s) > k->max))
			return -ERANGE;
		*(const char **)field = arena_strdup(a, s);
		return *(const char **)field ? 0 : -ENOMEM;
	default:
		return -EINVAL;
	}
}

static int parse_scalar(struct arena *a, const struct conf_key *k, const struct yaml_node *n, void *field,
			struct diag *d)
{
	char expected[CONF_EXPECTED_MAX], text[DIAG_EXCERPT];
	const char *meant = NULL;
	int err = -EINVAL;

	if ((k->type == CONF_STR || k->type == CONF_NAME) && yaml_is_null(n) && !(k->flags & CONF_REQUIRED)) {
		*(const char **)field = NULL;
		return 0;
	}
	if (n->kind == YAML_NODE_SCALAR && !yaml_is_null(n))
		err = set_scalar(a, k, n->value, field);
	if (!err)
		return 0;
	if (err == -ENOMEM)
		return out_of_memory(n, d);
	conf_expected(k, expected);
	if (err == -ERANGE)
		return diag_fail(d, -ERANGE, n->file, n->line, "%s: %s is out of bounds (expected %s)", k->name,
				 quote(k, n, text), expected);
	if (k->type == CONF_ENUM && n->kind == YAML_NODE_SCALAR)
		meant = conf_did_you_mean(n->value, k->choices);
	if (meant)
		return diag_fail(d, -EINVAL, n->file, n->line, "%s: is \"%s\"; did you mean \"%s\"? (expected %s)",
				 k->name, diag_excerpt(text, n->value), meant, expected);
	return wrong_kind(k, n, expected, d);
}

static int parse_strs(struct arena *a, const struct conf_key *k, const struct yaml_node *n, struct conf_strs *ret,
		      struct diag *d)
{
	static const char expected[] = "a text or a list of texts";
	size_t i, count = n->kind == YAML_NODE_SEQUENCE ? n->n : 1;

	if (n->kind == YAML_NODE_MAPPING || yaml_is_null(n))
		return wrong_kind(k, n, expected, d);
	ret->s = arena_alloc(a, count * sizeof(*ret->s));
	if (!ret->s)
		return out_of_memory(n, d);
	for (i = 0; i < count; i++) {
		const struct yaml_node *item = n->kind == YAML_NODE_SEQUENCE ? n->items[i] : n;

		if (item->kind != YAML_NODE_SCALAR || yaml_is_null(item))
			return wrong_kind(k, item, expected, d);
		ret->s[i] = item->value;
	}
	ret->n = count;
	return 0;
}

static int parse_list(struct arena *a, const struct conf_key *k, const struct yaml_node *n, struct conf_list *ret,
		      struct diag *d)
{
	bool dict = k->type == CONF_DICT;
	size_t i;

	if (n->kind != (dict ? YAML_NODE_MAPPING : YAML_NODE_SEQUENCE))
		return wrong_kind(k, n, dict ? "a mapping of names" : "a list, each line beginning with \"- \"", d);
	if (k->max && n->n > k->max)
		return diag_fail(d, -ERANGE, n->file, n->line, "%s: has %zu entries (expected at most %" PRIu64 ")",
				 k->name, n->n, k->max);
	ret->items = arena_alloc(a, n->n * k->sub->size);
	if (!ret->items)
		return out_of_memory(n, d);
	for (i = 0; i < n->n; i++) {
		char *obj = (char *)ret->items + i * k->sub->size;
		int err;

		if (!k->sub->bare)
			*(struct conf_item *)obj = (struct conf_item){
				.key = dict ? n->keys[i] : NULL,
				.file = n->items[i]->file,
				.line = dict ? n->key_lines[i] : n->items[i]->line,
			};
		err = conf_parse(a, k->sub, n->items[i], obj, d);
		if (err < 0)
			return err;
	}
	ret->n = n->n;
	return 0;
}

int conf_parse_key(struct arena *a, const struct conf_key *k, const struct yaml_node *n, void *obj, struct diag *d)
{
	void *field = (char *)obj + k->offset;

	switch (k->type) {
	case CONF_STRS:
		return parse_strs(a, k, n, field, d);
	case CONF_LIST:
	case CONF_DICT:
		return parse_list(a, k, n, field, d);
	case CONF_STRUCT:
		if (n->kind != YAML_NODE_MAPPING)
			return wrong_kind(k, n, "a mapping", d);
		memset(field, 0, k->sub->size);	/* its defaults were set already, and are set again */
		return conf_parse(a, k->sub, n, field, d);
	case CONF_NODE:
		*(const struct yaml_node **)field = yaml_is_null(n) ? NULL : n;
		return 0;
	case CONF_CUSTOM:
		return k->parse(a, n, field, d);
	default:
		return parse_scalar(a, k, n, field, d);
	}
}

static int set_default(struct arena *a, const struct conf_key *k, void *obj)
{
	void *field = (char *)obj + k->offset;

	if (k->type == CONF_STRUCT)
		return conf_defaults(a, k->sub, field);
	if (k->def && k->type == CONF_STRS) {
		struct yaml_node *n;
		int err = yaml_parse(a, "default", k->def, strlen(k->def), &n, NULL);

		return err < 0 ? err : parse_strs(a, k, n, field, NULL);
	}
	return k->def ? set_scalar(a, k, k->def, field) : 0;
}

int conf_defaults(struct arena *a, const struct conf_schema *s, void *obj)
{
	const struct conf_key *k;
	int err;

	for (k = s->keys; k->name; k++) {
		err = set_default(a, k, obj);
		if (err < 0)
			return err;
	}
	return 0;
}

static int unknown_key(const struct conf_schema *s, const struct yaml_node *n, size_t i, struct diag *d)
{
	const char *names[KEYS_MAX + 1] = {0}, *meant;
	const char *file = n->items[i]->file;	/* merged mappings have several */
	char key[DIAG_EXCERPT], known[512] = "";
	const struct conf_key *k;
	size_t count = 0, len = 0;

	for (k = s->keys; k->name && count < KEYS_MAX; k++)
		if (!(k->flags & CONF_HIDDEN)) {
			names[count++] = k->name;
			if (len < sizeof(known))
				len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
							k->name);
		}
	diag_excerpt(key, n->keys[i]);
	meant = conf_did_you_mean(n->keys[i], names);
	if (meant)
		return diag_fail(d, -EINVAL, file, n->key_lines[i], "%s: unknown key in %s; did you mean \"%s\"?",
				 key, s->name, meant);
	return diag_fail(d, -EINVAL, file, n->key_lines[i], "%s: unknown key in %s (expected one of: %s)", key,
			 s->name, known);
}

static const struct conf_key *find_key(const struct conf_schema *s, const char *name)
{
	const struct conf_key *k;

	for (k = s->keys; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

static int check_required(const struct conf_schema *s, const struct yaml_node *n, struct diag *d)
{
	const struct conf_key *k;

	for (k = s->keys; k->name; k++) {
		const struct yaml_node *v = yaml_get(n, k->name);

		if ((k->flags & CONF_REQUIRED) && (!v || ((k->flags & CONF_NULL_OK) && yaml_is_null(v)))) {
			char expected[CONF_EXPECTED_MAX];

			conf_expected(k, expected);
			return diag_fail(d, -EINVAL, n->file, v ? v->line : n->line,
					 "%s: is missing in %s (expected %s)", k->name, s->name, expected);
		}
	}
	return 0;
}

int conf_parse(struct arena *a, const struct conf_schema *s, const struct yaml_node *n, void *obj, struct diag *d)
{
	size_t i;
	int err;

	if (n->kind != YAML_NODE_MAPPING)
		return diag_fail(d, -EINVAL, n->file, n->line, "%s: is %s (expected a mapping, \"key: value\")",
				 s->name, yaml_is_null(n) ? "empty" : kind_name(n));
	err = conf_defaults(a, s, obj);
	if (err < 0)
		return err == -ENOMEM ? out_of_memory(n, d) :
		       diag_fail(d, err, n->file, n->line, "%s: a default in the table is not valid", s->name);

	for (i = 0; i < n->n; i++) {	/* in the file's order: the first mistake is the one told */
		const struct conf_key *k = find_key(s, n->keys[i]);

		if (!k)
			return unknown_key(s, n, i, d);
		if ((k->flags & CONF_NULL_OK) && yaml_is_null(n->items[i]))
			continue;
		err = conf_parse_key(a, k, n->items[i], obj, d);
		if (err < 0)
			return err == -ENOMEM ? out_of_memory(n->items[i], d) : err;
	}
	err = check_required(s, n, d);
	if (err < 0)
		return err;
	return s->check ? s->check(a, n, obj, d) : 0;
}
