/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML, by libyaml, as a tree of nodes with their places. What could hurt is refused while it is read: anchors and
 * aliases, tags, duplicate keys, keys that are not scalars, several documents, more than YAML_DEPTH_MAX levels,
 * more than YAML_NODES_MAX nodes, more than YAML_SIZE_MAX bytes, NUL bytes, invalid UTF-8. */
#ifndef EBPF_AGENT_YAML_H
#define EBPF_AGENT_YAML_H

#include "arena.h"
#include "diag.h"

#define YAML_SIZE_MAX  (1u << 20)
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 100000

enum yaml_kind { YAML_NODE_SCALAR, YAML_NODE_SEQUENCE, YAML_NODE_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line, column;		/* from 1 */
	const char *file;		/* as given to yaml_parse() */
	const char *value;		/* scalar: its text; never NULL */
	bool plain;			/* scalar: without quotes; plain and empty, "~" or "null": null */
	size_t n;			/* elements, or pairs */
	const char **keys;		/* mapping: n keys */
	unsigned *key_lines;		/* in the file of the value: a merged mapping's pairs come from several */
	struct yaml_node **items;	/* sequence: elements; mapping: values */
};

/* The tree lies in @a. An empty document gives an empty mapping. 0, -EINVAL (see @d), -EFBIG, -ENOMEM. */
int yaml_parse(struct arena *a, const char *file, const char *text, size_t len, struct yaml_node **ret_root,
	       struct diag *d);
/* The same with bounds of one's own, for documents of our own making. */
struct yaml_limits {
	size_t size, nodes;
	unsigned depth;
};
int yaml_parse_limited(struct arena *a, const char *file, const char *text, size_t len,
		       const struct yaml_limits *limits, struct yaml_node **ret_root, struct diag *d);
/* Reads @fd to its end first; a directory, a FIFO or a device is refused, never waited for. */
int yaml_parse_fd(struct arena *a, const char *file, int fd, struct yaml_node **ret_root, struct diag *d);

/* Opens @path, without ever waiting, and reads it so. -ENOENT, … */
int yaml_parse_path(struct arena *a, const char *path, struct yaml_node **ret_root, struct diag *d);

bool yaml_is_null(const struct yaml_node *n);
/* NULL: not a mapping, or no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

/* Merges @over into *@base (which may be NULL): mappings merge, everything else replaces. */
int yaml_merge(struct arena *a, struct yaml_node **base, struct yaml_node *over);

#endif
