/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "yaml.h"

/* A sequence or mapping whose end has not been seen yet. */
struct frame {
	struct yaml_node *node;
	const char *key;		/* mapping: read, its value is awaited */
	unsigned key_line;
	size_t n, cap;
	const char **keys;
	unsigned *key_lines;
	struct yaml_node **items;
};

struct reader {
	struct arena *a;
	const char *file;
	const struct yaml_limits *limits;
	struct diag *d;
	struct frame *stack;		/* limits->depth of them */
	unsigned depth;
	size_t nodes;
	struct yaml_node *root;
	yaml_parser_t parser;
};

static int out_of_memory(struct reader *r, unsigned line)
{
	return diag_fail(r->d, -ENOMEM, r->file, line, "the document needs too much memory");
}

static void frame_fini(struct frame *f)
{
	free(f->keys);
	free(f->key_lines);
	free(f->items);
	*f = (struct frame){0};
}

static int frame_grow(struct frame *f)
{
	size_t cap = f->cap ? 2 * f->cap : 8;
	void *p;

	if (f->n < f->cap)
		return 0;
	p = reallocarray(f->items, cap, sizeof(*f->items));
	if (!p)
		return -ENOMEM;
	f->items = p;
	p = reallocarray(f->keys, cap, sizeof(*f->keys));
	if (!p)
		return -ENOMEM;
	f->keys = p;
	p = reallocarray(f->key_lines, cap, sizeof(*f->key_lines));
	if (!p)
		return -ENOMEM;
	f->key_lines = p;
	f->cap = cap;
	return 0;
}

static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind, const yaml_event_t *e)
{
	unsigned line = (unsigned)e->start_mark.line + 1;
	struct yaml_node *n;

	if (++r->nodes > r->limits->nodes) {
		diag_fail(r->d, -EFBIG, r->file, line, "the document has more than %zu values", r->limits->nodes);
		return NULL;
	}
	n = arena_alloc(r->a, sizeof(*n));
	if (!n) {
		out_of_memory(r, line);
		return NULL;
	}
	n->kind = kind;
	n->line = line;
	n->column = (unsigned)e->start_mark.column + 1;
	n->file = r->file;
	return n;
}

/* Hands a whole node to whoever awaits one. */
static int place(struct reader *r, struct yaml_node *n)
{
	struct frame *f;

	if (!r->depth) {
		r->root = n;
		return 0;
	}
	f = &r->stack[r->depth - 1];
	if (frame_grow(f) < 0)
		return out_of_memory(r, n->line);
	f->keys[f->n] = f->key;
	f->key_lines[f->n] = f->key_line;
	f->items[f->n++] = n;
	f->key = NULL;
	return 0;
}

static bool awaits_key(const struct reader *r)
{
	const struct frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;

	return f && f->node->kind == YAML_NODE_MAPPING && !f->key;
}

static int on_scalar(struct reader *r, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	unsigned line = (unsigned)e->start_mark.line + 1;
	size_t len = e->data.scalar.length;
	struct yaml_node *n;
	char *copy;

	if (memchr(text, 0, len))	/* "\0" in double quotes */
		return diag_fail(r->d, -EINVAL, r->file, line, "a text contains a NUL character");
	copy = arena_strndup(r->a, text, len);
	if (!copy)
		return out_of_memory(r, line);
	if (awaits_key(r)) {
		r->stack[r->depth - 1].key = copy;
		r->stack[r->depth - 1].key_line = line;
		return 0;
	}
	n = new_node(r, YAML_NODE_SCALAR, e);
	if (!n)
		return -EINVAL;
	n->value = copy;
	n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return place(r, n);
}

static int on_open(struct reader *r, enum yaml_kind kind, const yaml_event_t *e)
{
	unsigned line = (unsigned)e->start_mark.line + 1;
	struct yaml_node *n;

	if (awaits_key(r))
		return diag_fail(r->d, -EINVAL, r->file, line, "a key must be a plain text, not a list or a mapping");
	if (r->depth == r->limits->depth)
		return diag_fail(r->d, -EINVAL, r->file, line, "nested deeper than %u levels", r->limits->depth);
	n = new_node(r, kind, e);
	if (!n)
		return -EINVAL;
	r->stack[r->depth++] = (struct frame){ .node = n };
	return 0;
}

struct key_place {
	const char *key;
	size_t index;
};

static int compare_places(const void *a, const void *b)
{
	const struct key_place *x = a, *y = b;
	int c = strcmp(x->key, y->key);

	return c ? c : (x->index > y->index) - (x->index < y->index);
}

/* Sorted, since a mapping of 100,000 keys must not take a minute. */
static struct key_place *sort_keys(const char *const *keys, size_t n)
{
	struct key_place *p = calloc(n ? n : 1, sizeof(*p));
	size_t i;

	if (!p)
		return NULL;
	for (i = 0; i < n; i++)
		p[i] = (struct key_place){ .key = keys[i], .index = i };
	qsort(p, n, sizeof(*p), compare_places);
	return p;
}

static int refuse_duplicates(struct reader *r, const struct frame *f)
{
	cleanup(freep) struct key_place *p = NULL;
	size_t i, first = 0;
	char key[DIAG_EXCERPT];

	p = sort_keys(f->keys, f->n);
	if (!p)
		return out_of_memory(r, f->node->line);
	for (i = 1; i < f->n; i++)	/* the one that stands first in the file */
		if (!strcmp(p[i].key, p[i - 1].key) && (!first || p[i].index < p[first].index))
			first = i;
	if (!first)
		return 0;
	return diag_fail(r->d, -EINVAL, r->file, f->key_lines[p[first].index],
			 "%s: this key is there twice (first in line %u)", diag_excerpt(key, p[first].key),
			 f->key_lines[p[first - 1].index]);
}

/* The arrays move from the heap to the arena. */
static int on_close(struct reader *r)
{
	struct frame *f = &r->stack[r->depth - 1];
	struct yaml_node *n = f->node;
	bool is_mapping = n->kind == YAML_NODE_MAPPING;
	int err;

	if (is_mapping) {
		err = refuse_duplicates(r, f);
		if (err < 0)
			return err;
		n->keys = arena_alloc(r->a, f->n * sizeof(*n->keys));
		n->key_lines = arena_alloc(r->a, f->n * sizeof(*n->key_lines));
	}
	n->items = arena_alloc(r->a, f->n * sizeof(*n->items));
	if (!n->items || (is_mapping && (!n->keys || !n->key_lines)))
		return out_of_memory(r, n->line);
	n->n = f->n;
	if (f->n) {
		memcpy(n->items, f->items, f->n * sizeof(*n->items));
		if (is_mapping) {
			memcpy(n->keys, f->keys, f->n * sizeof(*n->keys));
			memcpy(n->key_lines, f->key_lines, f->n * sizeof(*n->key_lines));
		}
	}
	frame_fini(f);
	r->depth--;
	return place(r, n);
}

static int refuse_anchor_and_tag(struct reader *r, const yaml_event_t *e, const yaml_char_t *anchor,
				 const yaml_char_t *tag)
{
	unsigned line = (unsigned)e->start_mark.line + 1;
	char text[DIAG_EXCERPT];

	if (anchor)
		return diag_fail(r->d, -EINVAL, r->file, line,
				 "&%s: anchors and aliases are not accepted; write it out",
				 diag_excerpt(text, (const char *)anchor));
	if (tag)
		return diag_fail(r->d, -EINVAL, r->file, line, "%s: tags are not accepted",
				 diag_excerpt(text, (const char *)tag));
	return 0;
}

static int on_event(struct reader *r, const yaml_event_t *e)
{
	unsigned line = (unsigned)e->start_mark.line + 1;
	char text[DIAG_EXCERPT];
	int err;

	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->root)
			return diag_fail(r->d, -EINVAL, r->file, line,
					 "a second document (---): one per file is accepted");
		return 0;
	case YAML_ALIAS_EVENT:
		return diag_fail(r->d, -EINVAL, r->file, line,
				 "*%s: anchors and aliases are not accepted; write it out",
				 diag_excerpt(text, (const char *)e->data.alias.anchor));
	case YAML_SCALAR_EVENT:
		err = refuse_anchor_and_tag(r, e, e->data.scalar.anchor, e->data.scalar.tag);
		return err < 0 ? err : on_scalar(r, e);
	case YAML_SEQUENCE_START_EVENT:
		err = refuse_anchor_and_tag(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
		return err < 0 ? err : on_open(r, YAML_NODE_SEQUENCE, e);
	case YAML_MAPPING_START_EVENT:
		err = refuse_anchor_and_tag(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		return err < 0 ? err : on_open(r, YAML_NODE_MAPPING, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(r);
	default:
		return 0;
	}
}

/* libyaml says where in one of two ways: a mark, or, for bytes that it cannot decode, an offset. */
static int syntax_error(struct reader *r, const char *text, size_t len)
{
	const yaml_parser_t *p = &r->parser;
	unsigned line = (unsigned)p->problem_mark.line + 1;
	size_t i;

	if (p->error == YAML_MEMORY_ERROR)
		return out_of_memory(r, 0);
	if (p->error == YAML_READER_ERROR) {
		for (i = 0, line = 1; i < len && i < p->problem_offset; i++)
			line += text[i] == '\n';
		return diag_fail(r->d, -EINVAL, r->file, line, "%s (byte 0x%x)",
				 p->problem ? p->problem : "cannot be read", (unsigned)p->problem_value & 0xffffff);
	}
	return diag_fail(r->d, -EINVAL, r->file, line, "not YAML: %s%s%s", p->problem ? p->problem : "syntax error",
			 p->context ? " " : "", p->context ? p->context : "");
}

static int read_events(struct reader *r, const char *text, size_t len)
{
	yaml_event_t e;
	bool end = false;
	int err = 0;

	while (!end && !err) {
		if (!yaml_parser_parse(&r->parser, &e))
			return syntax_error(r, text, len);
		err = on_event(r, &e);
		end = e.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	return err;
}

static int empty_mapping(struct arena *a, const char *file, struct yaml_node **ret)
{
	struct yaml_node *n = arena_alloc(a, sizeof(*n));

	if (!n)
		return -ENOMEM;
	*n = (struct yaml_node){ .kind = YAML_NODE_MAPPING, .line = 1, .column = 1, .file = file };
	*ret = n;
	return 0;
}

static int check_bytes(const char *file, const char *text, size_t len, const struct yaml_limits *limits, struct diag *d)
{
	const char *nul;
	unsigned line = 1;
	const char *s;

	if (len > limits->size)
		return diag_fail(d, -EFBIG, file, 0, "%zu bytes: larger than the %zu that are accepted", len,
				 limits->size);
	nul = memchr(text, 0, len);	/* libyaml would take it for the end */
	if (!nul)
		return 0;
	for (s = text; s < nul; s++)
		line += *s == '\n';
	return diag_fail(d, -EINVAL, file, line, "contains a NUL byte: not a text file");
}

int yaml_parse_limited(struct arena *a, const char *file, const char *text, size_t len,
		       const struct yaml_limits *limits, struct yaml_node **ret_root, struct diag *d)
{
	struct reader r = { .a = a, .limits = limits, .d = d };
	int err;

	r.file = arena_strdup(a, file);
	if (!r.file)
		return -ENOMEM;
	err = check_bytes(r.file, text, len, limits, d);
	if (err < 0)
		return err;
	r.stack = calloc(limits->depth, sizeof(*r.stack));
	if (!r.stack || !yaml_parser_initialize(&r.parser)) {
		free(r.stack);
		return -ENOMEM;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);	/* or a BOM would choose UTF-16 */
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	err = read_events(&r, text, len);
	yaml_parser_delete(&r.parser);
	while (r.depth)
		frame_fini(&r.stack[--r.depth]);
	free(r.stack);
	if (err < 0)
		return err;

	if (!r.root || yaml_is_null(r.root))
		return empty_mapping(a, r.file, ret_root);
	*ret_root = r.root;
	return 0;
}

int yaml_parse(struct arena *a, const char *file, const char *text, size_t len, struct yaml_node **ret_root,
	       struct diag *d)
{
	static const struct yaml_limits limits = { YAML_SIZE_MAX, YAML_NODES_MAX, YAML_DEPTH_MAX };

	return yaml_parse_limited(a, file, text, len, &limits, ret_root, d);
}
