/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What functions ask for: each line is one JSON object, and each is hostile. Whatever is wrong with one fails the load,
 * and the message names the function and quotes the line. */
#include <errno.h>
#include <string.h>

#include "../abi/counts.h"
#include "../common/json.h"
#include "load_functions.h"

#define ASKED_MAX  65536	/* variables and entries in one load */
#define LOGGED_MAX 100		/* lines in one load */

static int take_variable(struct load *l, struct load_asked *asked, const struct yaml_node *n);
static int take_map(struct load *l, struct load_asked *asked, const struct yaml_node *n);
static int take_log(struct load *l, struct load_asked *asked, const struct yaml_node *n);

static const struct kind {
	const char *keys[4];
	int (*read)(struct load *l, struct load_asked *asked, const struct yaml_node *n);
} kinds[] = {
	{ { "variable", "value" }, take_variable },
	{ { "map", "key", "value" }, take_map },
	{ { "log" }, take_log },
};

static bool has_keys(const struct yaml_node *n, const struct kind *k)
{
	size_t found = 0;

	while (found < ARRAY_SIZE(k->keys) && k->keys[found])
		if (!yaml_get(n, k->keys[found++]))
			return false;
	return found == n->n;
}

typedef bool has_it(const struct load_item *i, const char *name);

/* The object that @said begins with, if it is ITEM.NAME; then *name is moved on. */
static const struct load_item *find_prefix(const struct load *l, const char *said, const char **name)
{
	const char *dot = strchr(said, '.');

	for (size_t k = 0; k < l->n_items && dot; k++) {
		const struct load_item *i = &l->items[k];
		size_t len = strlen(i->decl->name);

		if (i->obj && len == (size_t)(dot - said) && !memcmp(i->decl->name, said, len)) {
			*name = dot + 1;
			return i;
		}
	}
	return NULL;
}

/* ITEM.NAME or NAME. Every object that can be meant is open already. */
static int find_object(struct load *l, const char *said, const char *what, has_it *has, struct load_item **ret,
		       const char **ret_name)
{
	const char *name = said;
	const struct load_item *only = find_prefix(l, said, &name);
	struct load_item *found = NULL;

	for (size_t k = 0; k < l->n_items; k++) {
		struct load_item *i = &l->items[k];

		if (!i->obj || (only && i != only) || !has(i, name))
			continue;
		if (found)
			return load_fail(l, 0, "both '%s' and '%s' have a %s '%s': say ITEM.%s", found->decl->name,
					 i->decl->name, what, name, name);
		found = i;
	}
	if (!found)
		return load_fail(l, 0, "no object of this program has a %s '%s'", what, said);
	*ret = found;
	*ret_name = name;
	return 0;
}

static const char *text_of(const struct yaml_node *n, const char *key)
{
	const struct yaml_node *v = yaml_get(n, key);

	return v->kind == YAML_NODE_SCALAR && !v->plain && v->value[0] ? v->value : NULL;
}

static int keep(struct load *l, struct load_asked *asked)
{
	struct load_asked *copy;

	if (l->n_asked == ASKED_MAX)
		return load_fail(l, 0, "more than %d variables and entries in one load", ASKED_MAX);
	copy = arena_alloc(l->arena, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *asked;
	if (!l->asked)
		l->asked_end = &l->asked;
	*l->asked_end = copy;
	l->asked_end = &copy->next;
	l->n_asked++;
	return 0;
}

static int take_variable(struct load *l, struct load_asked *asked, const struct yaml_node *n)
{
	const char *name = text_of(n, "variable");
	int err;

	if (l->unloading)
		return load_fail(l, 0, "there is nothing left to set when a program is unloaded");
	if (l->loaded)
		return load_fail(l, 0, "variables are set before the load, by init and preload functions");
	if (!name)
		return load_fail(l, 0, "expected the variable's name, in quotes");
	err = find_object(l, name, "variable", load_has_variable, &asked->item, &asked->variable);
	asked->value = yaml_get(n, "value");
	return err ? err : keep(l, asked);
}

static bool has_map(const struct load_item *i, const char *name)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(i->obj, name);

	return m && !bpf_map__is_internal(m);
}

/* What the ledger believes the kernel's side of. */
static bool is_counts(const struct load_item *i, const char *name)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(i->obj, name);
	size_t len = strlen(name), suffix = strlen(AGENT_COUNTS_SUFFIX);

	return len > suffix && !strcmp(name + len - suffix, AGENT_COUNTS_SUFFIX) &&
	       bpf_map__type(m) == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int put_entry(struct load *l, const struct load_asked *asked)
{
	return load_maps_put(l, asked->item, asked->map, asked->key, asked->value);
}

static int take_map(struct load *l, struct load_asked *asked, const struct yaml_node *n)
{
	const char *name = text_of(n, "map");
	int err;

	if (l->unloading)
		return load_fail(l, 0, "there is nothing left to set when a program is unloaded");
	if (!name)
		return load_fail(l, 0, "expected the map's name, in quotes");
	err = find_object(l, name, "map", has_map, &asked->item, &asked->map);
	if (err)
		return err;
	if (is_counts(asked->item, asked->map))
		return load_fail(l, 0, "map '%s' counts what programs produce: nobody else writes it", asked->map);
	asked->key = yaml_get(n, "key");
	asked->value = yaml_get(n, "value");
	return l->loaded ? put_entry(l, asked) : keep(l, asked);
}

static int take_log(struct load *l, struct load_asked *asked, const struct yaml_node *n)
{
	const char *text = text_of(n, "log");

	if (!text)
		return load_fail(l, 0, "expected a text");
	if (l->n_logged++ < LOGGED_MAX)
		load_tell_log(l, arena_printf(l->arena, "%s function '%s' of %s: %s",
					      function_type_names[asked->function->type], asked->function->name,
					      asked->by->item, text));
	return 0;
}

static int take_line(struct load *l, struct load_asked *asked, size_t len)
{
	struct yaml_node *n;
	int err = json_check(asked->text, len);

	if (err)
		return load_fail(l, 0, "it is no JSON");
	err = yaml_parse(l->arena, "a request", asked->text, len, &n, &l->diag);
	if (err)
		return err;
	for (size_t k = 0; k < ARRAY_SIZE(kinds) && n->kind == YAML_NODE_MAPPING; k++)
		if (has_keys(n, &kinds[k]))
			return kinds[k].read(l, asked, n);
	return load_fail(l, 0, "expected {\"variable\":…,\"value\":…}, {\"map\":…,\"key\":…,\"value\":…} or "
			 "{\"log\":…}");
}

/* The next line of *text, which is moved on; NULL: there is none. */
static const char *next_line(const char **text, size_t *left, size_t *ret_len)
{
	const char *line = *text, *end;

	if (!*left)
		return NULL;
	end = memchr(line, '\n', *left);
	*ret_len = end ? (size_t)(end - line) : *left;
	*text += *ret_len + (end != NULL);
	*left -= *ret_len + (end != NULL);
	return line;
}

int load_asked_take(struct load *l, const struct load_calls *by, const struct load_function *f, const char *text,
		    size_t len)
{
	const char *line;
	int err = 0;
	size_t n;

	if (l->unloading && f->type == FUNCTION_INIT)
		return 0;	/* was done when it was loaded */
	while (!err && (line = next_line(&text, &len, &n))) {
		struct load_asked asked = { .by = by, .function = f };

		if (!n)
			continue;
		asked.text = arena_strndup(l->arena, line, n);
		if (!asked.text)
			return -ENOMEM;
		l->asking = &asked;
		err = take_line(l, &asked, n);
		l->asking = NULL;
	}
	return err;
}

void load_asked_excuse(const char *text, size_t len, char ret[256])
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct diag d = { 0 };
	const char *line;
	size_t n;

	ret[0] = '\0';
	while (a && !ret[0] && (line = next_line(&text, &len, &n))) {
		struct yaml_node *node;

		if (!json_check(line, n) && !yaml_parse(a, "a request", line, n, &node, &d) &&
		    node->kind == YAML_NODE_MAPPING && has_keys(node, &kinds[2]) && text_of(node, "log"))
			snprintf(ret, 256, "%s", text_of(node, "log"));
	}
	diag_make_line(ret);
	diag_fini(&d);
}

int load_asked_variables(struct load *l, struct load_item *i)
{
	int err = 0;

	for (struct load_asked *a = l->asked; a && !err; a = a->next) {
		const struct program_variable v = { a->variable, a->value };

		if (a->item != i || !a->variable)
			continue;
		l->asking = a;
		err = load_variable(l, i, &v);
		l->asking = NULL;
	}
	return err;
}

int load_asked_maps(struct load *l)
{
	int err = 0;

	for (struct load_asked *a = l->asked; a && !err; a = a->next) {
		if (!a->map)
			continue;
		l->asking = a;
		err = put_entry(l, a);
		l->asking = NULL;
	}
	return err;
}
