/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "yaml_json.h"

static void scalar(const struct yaml_node *n, struct json *j, const char *key)
{
	size_t len = strlen(n->value);

	if (yaml_is_null(n))
		json_raw(j, key, "null", 4);
	else if (n->plain && n->value[0] != '"' && json_check(n->value, len) == 0)
		json_raw(j, key, n->value, len);
	else
		json_str(j, key, n->value);
}

void yaml_to_json(const struct yaml_node *n, struct json *j, const char *key)
{
	switch (n->kind) {
	case YAML_NODE_SCALAR:
		scalar(n, j, key);
		return;
	case YAML_NODE_SEQUENCE:
		json_open_array(j, key);
		for (size_t i = 0; i < n->n; i++)
			yaml_to_json(n->items[i], j, NULL);
		json_close_array(j);
		return;
	case YAML_NODE_MAPPING:
		json_open_object(j, key);
		for (size_t i = 0; i < n->n; i++)
			yaml_to_json(n->items[i], j, n->keys[i]);
		json_close_object(j);
		return;
	}
}
