/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An effective configuration with where each value comes from. What conf_print() prints is read back as a tree and laid
 * beside the tree that was read from the files; so rows that print themselves need to know nothing of it. */
#include <errno.h>
#include <string.h>

#include "conf_text.h"
#include "json.h"
#include "utf8.h"
#include "yaml_json.h"

#define ORIGIN_COLUMN 40
#define PATH_LEN 1024

/* Where a value stands. @node: the same place in the files' tree, NULL without one; @line 0: nowhere, a default. */
struct origin {
	const struct yaml_node *node;
	const char *file;
	unsigned line;
};

static struct origin origin_of_key(struct origin up, const char *key)
{
	size_t i;

	if (!up.node || up.node->kind != YAML_NODE_MAPPING)
		return (struct origin){ NULL, up.file, up.line };	/* said in short, by what stands there */
	for (i = 0; i < up.node->n; i++)
		if (!strcmp(up.node->keys[i], key))
			return (struct origin){ up.node->items[i], up.node->items[i]->file, up.node->key_lines[i] };
	return (struct origin){ 0 };
}

static struct origin origin_of_item(struct origin up, size_t i)
{
	const struct yaml_node *n = up.node;

	if (!n || n->kind != YAML_NODE_SEQUENCE || i >= n->n)
		return (struct origin){ NULL, up.file, up.line };
	return (struct origin){ n->items[i], n->items[i]->file, n->items[i]->line };
}

/* Shown in one line. */
static bool is_leaf(const struct yaml_node *n)
{
	if (n->kind == YAML_NODE_SEQUENCE)
		return !n->n || n->items[0]->kind != YAML_NODE_MAPPING;
	return n->kind == YAML_NODE_SCALAR || !n->n;
}

/* The effective configuration as a tree in @a. */
static int read_back(struct arena *a, const struct conf_schema *s, const void *obj, struct yaml_node **ret)
{
	static const struct yaml_limits limits = { .size = SIZE_MAX, .nodes = SIZE_MAX, .depth = 2 * YAML_DEPTH_MAX };
	cleanup(freep) char *text = NULL;
	struct diag d = { 0 };
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int err;

	if (!f)
		return -ENOMEM;
	conf_print(s, obj, f);
	if (fclose(f))
		return -ENOMEM;
	err = yaml_parse_limited(a, s->name, text, len, &limits, ret, &d);
	diag_fini(&d);
	return err;
}

/* ---- as YAML ------------------------------------------------------------------------------------------------ */

static int print_block(const struct yaml_node *n, struct origin o, int indent, bool first_inline, FILE *f);

/* A file's name is anybody's text, and makes no lines. */
static int print_origin(struct origin o, FILE *f)
{
	cleanup(freep) char *name = NULL;

	if (!o.line) {
		fputs("# default\n", f);
		return 0;
	}
	name = strdup(o.file);
	if (!name)
		return -ENOMEM;
	diag_make_printable(name);
	for (char *c = name; (c = strpbrk(c, "\n\t"));)
		*c = '?';
	fprintf(f, "# %s:%u\n", name, o.line);
	return 0;
}

static int print_leaf(const struct yaml_node *n, struct origin o, int used, FILE *f)
{
	cleanup(freep) char *text = NULL;
	size_t len, columns = 0;
	FILE *value = open_memstream(&text, &len);

	if (!value)
		return -ENOMEM;
	conf_print_node(n, value);
	if (fclose(value))
		return -ENOMEM;
	for (const char *c = text; *c; c++)
		columns += (*c & 0xc0) != 0x80;
	fprintf(f, " %s%*s", text, MAX(1, ORIGIN_COLUMN - used - 1 - (int)columns), "");
	return print_origin(o, f);
}

static int print_items(const struct yaml_node *n, struct origin o, int indent, FILE *f)
{
	int err = 0;

	for (size_t i = 0; i < n->n && err == 0; i++) {
		fprintf(f, "%*s-", indent, "");
		if (is_leaf(n->items[i])) {
			err = print_leaf(n->items[i], origin_of_item(o, i), indent + 1, f);
			continue;
		}
		fputc(' ', f);
		err = print_block(n->items[i], origin_of_item(o, i), indent + 2, true, f);
	}
	return err;
}

static int print_block(const struct yaml_node *n, struct origin o, int indent, bool first_inline, FILE *f)
{
	int err = 0;

	if (n->kind == YAML_NODE_SEQUENCE)
		return print_items(n, o, indent, f);
	for (size_t i = 0; i < n->n && err == 0; i++) {
		struct origin at = origin_of_key(o, n->keys[i]);

		if (!first_inline)
			fprintf(f, "%*s", indent, "");
		first_inline = false;
		conf_print_text(f, n->keys[i]);
		fputc(':', f);
		if (is_leaf(n->items[i])) {
			err = print_leaf(n->items[i], at, indent + (int)strlen(n->keys[i]) + 1, f);
			continue;
		}
		fputc('\n', f);
		err = print_block(n->items[i], at, indent + 2, false, f);
	}
	return err;
}

int conf_print_origins(const struct conf_schema *s, const void *obj, const struct yaml_node *root, FILE *f)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct yaml_node *n;
	int err = a ? read_back(a, s, obj, &n) : -ENOMEM;

	if (err < 0)
		return err;
	err = print_block(n, (struct origin){ root, root->file, 0 }, 0, false, f);
	return err < 0 ? err : ferror(f) ? -ENOMEM : 0;
}

/* ---- as JSON ------------------------------------------------------------------------------------------------ */

static void add_leaf(struct json *j, const char *path, const struct yaml_node *n, struct origin o)
{
	bool secret = n->kind == YAML_NODE_SCALAR && !strcmp(n->value, CONF_SECRET_TEXT);

	json_open_object(j, path);
	if (secret) {
		json_raw(j, "value", "null", 4);
		json_bool(j, "secret", true);
	} else {
		yaml_to_json(n, j, "value");
	}
	json_str(j, "file", o.line ? o.file : NULL);
	if (o.line)
		json_u64(j, "line", o.line);
	else
		json_raw(j, "line", "null", 4);
	json_close_object(j);
}

static void add_tree(struct json *j, const char *path, const struct yaml_node *n, struct origin o)
{
	if (*path && is_leaf(n)) {
		add_leaf(j, path, n, o);
		return;
	}
	for (size_t i = 0; i < n->n; i++) {
		char below[PATH_LEN];

		if (n->kind == YAML_NODE_SEQUENCE) {
			snprintf(below, sizeof(below), "%s[%zu]", path, i);
			add_tree(j, below, n->items[i], origin_of_item(o, i));
		} else {
			snprintf(below, sizeof(below), "%s%s%s", path, *path ? "." : "", n->keys[i]);
			add_tree(j, below, n->items[i], origin_of_key(o, n->keys[i]));
		}
	}
}

int conf_print_origins_json(const struct conf_schema *s, const void *obj, const struct yaml_node *root, FILE *f)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	cleanup(json_fini) struct json j = { 0 };
	cleanup(freep) char *text = NULL;
	struct yaml_node *n;
	int err = a ? read_back(a, s, obj, &n) : -ENOMEM;

	if (err < 0)
		return err;
	json_open_object(&j, NULL);
	add_tree(&j, "", n, (struct origin){ root, root->file, 0 });
	json_close_object(&j);
	text = json_finish(&j, NULL);
	if (!text)
		return -ENOMEM;
	fprintf(f, "%s\n", text);
	return 0;
}
