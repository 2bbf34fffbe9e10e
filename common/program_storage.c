/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where results go: for each sink the nearest level that mentions it decides. */
#include <errno.h>
#include <string.h>

#include "program_doc.h"
#include "../abi/names.h"

static const struct {
	const char *name;
	bool built;
	bool by_default;
} sinks[] = {
	{ "file", true, true },
	{ "kafka", true, false },
	{ "tmpfs", false, false },
	{ "tsdb", false, false },
};

static const char *const sink_names[] = { "file", "kafka", "tmpfs", "tsdb", NULL };
_Static_assert(ARRAY_SIZE(sinks) == ARRAY_SIZE(sink_names) - 1, "a name for each sink");

/* -1: none of them. */
static int find_sink(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sinks); i++)
		if (!strcmp(sinks[i].name, name))
			return (int)i;
	return -1;
}

bool storage_is_built(const char *sink)
{
	int s = find_sink(sink);

	return s >= 0 && sinks[s].built;
}

/* Options go into the manifest as they are; which there are, each sink's own table says. */
static int check_options(const struct yaml_node *n, struct diag *d)
{
	char text[DIAG_EXCERPT];
	size_t i;
	int err = 0;

	for (i = 0; n->kind == YAML_NODE_MAPPING && i < n->n; i++) {
		size_t len = strspn(n->keys[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");

		if (!len || len > AGENT_NAME_MAX || n->keys[i][len])
			return diag_fail(d, -EINVAL, n->file, n->key_lines[i],
					 "storage: \"%s\" cannot be the name of an option",
					 diag_excerpt(text, n->keys[i]));
	}
	for (i = 0; n->kind != YAML_NODE_SCALAR && i < n->n && !err; i++)
		err = check_options(n->items[i], d);
	return err;
}

static int check_sink(const struct yaml_node *n, size_t i, struct diag *d)
{
	const struct yaml_node *v = n->items[i];
	const char *name = n->keys[i], *meant;
	int sink = find_sink(name);
	char text[DIAG_EXCERPT];
	bool on = true;

	if (sink < 0) {
		meant = conf_did_you_mean(name, sink_names);
		return diag_fail(d, -EINVAL, n->file, n->key_lines[i], "storage: \"%s\" is not known%s%s%s",
				 diag_excerpt(text, name),
				 meant ? "; did you mean \"" : " (expected file, kafka, tmpfs or tsdb)",
				 meant ? meant : "", meant ? "\"?" : "");
	}
	if (v->kind == YAML_NODE_SEQUENCE ||
	    (v->kind == YAML_NODE_SCALAR && (yaml_is_null(v) || conf_parse_bool(v->value, &on) < 0)))
		return diag_fail(d, -EINVAL, v->file, v->line,
				 "storage: %s is neither true nor false nor a mapping of options", name);
	if (on && !sinks[sink].built)
		diag_warn(d, n->file, n->key_lines[i],
			  "storage: %s is not built in this version, so nothing goes there", name);
	return check_options(v, d);
}

int program_check_storage(const struct yaml_node *storage, struct diag *d)
{
	size_t i;
	int err = 0;

	if (!storage)
		return 0;
	if (storage->kind != YAML_NODE_MAPPING)
		return diag_fail(d, -EINVAL, storage->file, storage->line,
				 "storage: expected a mapping such as {file: true, kafka: false}");
	for (i = 0; i < storage->n && !err; i++)
		err = check_sink(storage, i, d);
	return err;
}

/* How a sink is spoken of: on, or with options, or off. */
static int read_said(const struct yaml_node *v, const char *sink, struct storage *ret, struct diag *d)
{
	bool on = true;

	if (v->kind == YAML_NODE_SCALAR && conf_parse_bool(v->value, &on) < 0)
		return diag_fail(d, -EINVAL, v->file, v->line,
				 "storage: %s is neither true nor false nor a mapping of options", sink);
	*ret = (struct storage){
		.sink = sink, .options = v->kind == YAML_NODE_MAPPING ? v : NULL, .off = !on,
	};
	return 0;
}

int program_storage_said(struct arena *a, const struct program *p, const struct program_channel *c,
			 const struct program_event *e, struct storage **ret, size_t *ret_n, struct diag *d)
{
	const struct yaml_node *levels[] = { e ? e->storage : NULL, c ? c->storage : NULL, p->storage };
	struct storage *rows = arena_alloc(a, ARRAY_SIZE(sinks) * sizeof(*rows));
	size_t n = 0, s, level;

	if (!rows)
		return program_out_of_memory(p, d);
	for (s = 0; s < ARRAY_SIZE(sinks); s++) {
		const struct yaml_node *v = NULL;
		int err;

		for (level = 0; level < ARRAY_SIZE(levels) && !v; level++)
			v = yaml_get(levels[level], sinks[s].name);
		err = v ? read_said(v, sinks[s].name, &rows[n], d) : 0;
		if (err < 0)
			return err;
		n += v != NULL;
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

static const struct storage *find_said(const struct storage *said, size_t n, const char *sink)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(said[i].sink, sink))
			return &said[i];
	return NULL;
}

int storage_resolve(struct arena *a, const struct storage *said, size_t n_said, const struct yaml_node *defaults,
		    struct storage **ret, size_t *ret_n, struct diag *d)
{
	struct storage *rows = arena_alloc(a, (n_said + ARRAY_SIZE(sinks)) * sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t s = 0; s < ARRAY_SIZE(sinks); s++) {
		const struct storage *row = find_said(said, n_said, sinks[s].name);
		struct storage one = { .sink = sinks[s].name, .off = !sinks[s].by_default || defaults };
		const struct yaml_node *v = yaml_get(defaults, sinks[s].name);
		int err = row || !v ? 0 : read_said(v, sinks[s].name, &one, d);

		if (err < 0)
			return err;
		if (row)
			one = *row;
		if (!one.off)
			rows[n++] = one;
	}
	/* What this table does not know, whoever said it shall be told. */
	for (size_t i = 0; i < n_said; i++)
		if (find_sink(said[i].sink) < 0 && !said[i].off)
			rows[n++] = said[i];
	*ret = rows;
	*ret_n = n;
	return 0;
}
