/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with a tree once it is read. */
#include <errno.h>
#include <string.h>

#include "yaml.h"

bool yaml_is_null(const struct yaml_node *n)
{
	if (n->kind != YAML_NODE_SCALAR || !n->plain)
		return false;
	return !n->value[0] || !strcmp(n->value, "~") || !strcmp(n->value, "null") || !strcmp(n->value, "Null") ||
	       !strcmp(n->value, "NULL");
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
	size_t i;

	if (!mapping || mapping->kind != YAML_NODE_MAPPING)
		return NULL;
	for (i = 0; i < mapping->n; i++)
		if (!strcmp(mapping->keys[i], key))
			return mapping->items[i];
	return NULL;
}

struct slot {
	const char *key;
	size_t index;
};

static int compare_slots(const void *a, const void *b)
{
	return strcmp(((const struct slot *)a)->key, ((const struct slot *)b)->key);
}

/* A copy of @base with room for the pairs of @over. */
static struct yaml_node *copy_mapping(struct arena *a, const struct yaml_node *base, const struct yaml_node *over)
{
	struct yaml_node *n = arena_alloc(a, sizeof(*n));
	size_t room = base->n + over->n;

	if (!n)
		return NULL;
	*n = *base;
	n->keys = arena_alloc(a, room * sizeof(*n->keys));
	n->key_lines = arena_alloc(a, room * sizeof(*n->key_lines));
	n->items = arena_alloc(a, room * sizeof(*n->items));
	if (!n->keys || !n->key_lines || !n->items)
		return NULL;
	if (base->n) {
		memcpy(n->keys, base->keys, base->n * sizeof(*n->keys));
		memcpy(n->key_lines, base->key_lines, base->n * sizeof(*n->key_lines));
		memcpy(n->items, base->items, base->n * sizeof(*n->items));
	}
	return n;
}

static int merge_mappings(struct arena *a, struct yaml_node **base, struct yaml_node *over)
{
	cleanup(freep) struct slot *slots = calloc((*base)->n + 1, sizeof(*slots));
	struct yaml_node *n = copy_mapping(a, *base, over);
	size_t i;
	int err;

	if (!n || !slots)
		return -ENOMEM;
	for (i = 0; i < (*base)->n; i++)
		slots[i] = (struct slot){ .key = n->keys[i], .index = i };
	qsort(slots, (*base)->n, sizeof(*slots), compare_slots);

	for (i = 0; i < over->n; i++) {
		struct slot want = { .key = over->keys[i] };
		struct slot *found = bsearch(&want, slots, (*base)->n, sizeof(*slots), compare_slots);
		size_t at = found ? found->index : n->n++;

		if (found) {
			err = yaml_merge(a, &n->items[at], over->items[i]);
			if (err < 0)
				return err;
		} else {
			n->keys[at] = over->keys[i];
			n->items[at] = over->items[i];
		}
		/* A merged mapping stands where its first part does, and so does its key. */
		if (n->items[at] == over->items[i])
			n->key_lines[at] = over->key_lines[i];
	}
	*base = n;
	return 0;
}

int yaml_merge(struct arena *a, struct yaml_node **base, struct yaml_node *over)
{
	if (*base && (*base)->kind == YAML_NODE_MAPPING && over->kind == YAML_NODE_MAPPING)
		return merge_mappings(a, base, over);	/* as deep as a document may be */
	*base = over;
	return 0;
}
