/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Schema tables: one row per key says its type, its place in a struct, its default, its bounds and what it is for.
 * The walker fills the struct from a YAML tree and refuses what the table does not know, with file, line and cause.
 * The same rows print `--check`, `ebpfctl schema` and the man pages. Daemon configuration, programs and manifests
 * are all read this way. */
#ifndef EBPF_AGENT_CONF_H
#define EBPF_AGENT_CONF_H

#include "yaml.h"

enum conf_type {
	CONF_BOOL,	/* bool: true|false|yes|no|on|off */
	CONF_UINT,	/* uint64_t: decimal or 0x…, within min..max */
	CONF_INT,	/* int64_t, within (int64_t)min..max */
	CONF_SIZE,	/* uint64_t bytes: 4096, 64K, 16M, 1G */
	CONF_TIME,	/* uint64_t nanoseconds: 100ms, 5s, 10m, 1h, 1d; a bare number is seconds */
	CONF_STR,	/* const char *, in the arena; null gives NULL. min..max bound its length if max is set */
	CONF_NAME,	/* const char *: [A-Za-z0-9_-]{1,63}; null gives NULL */
	CONF_ENUM,	/* int: index in choices */
	CONF_STRS,	/* struct conf_strs: a sequence of scalars, or one scalar */
	CONF_STRUCT,	/* a nested struct, by sub */
	CONF_LIST,	/* struct conf_list of structs: a sequence of mappings */
	CONF_DICT,	/* struct conf_list of structs: a mapping; each struct begins with struct conf_item */
	CONF_NODE,	/* const struct yaml_node *: taken as it is; null gives NULL */
	CONF_CUSTOM,	/* by the row's own parse() */
};

/* What a struct that is read by CONF_LIST or CONF_DICT begins with, unless its schema says `bare`: where it stands, and
 * its key (CONF_DICT). */
struct conf_item {
	const char *key;
	const char *file;
	unsigned line;
};

struct conf_strs {
	const char **s;
	size_t n;
};

struct conf_list {
	void *items;	/* n structs of the row's sub->size */
	size_t n;
};

struct conf_schema;

struct conf_key {
	const char *name;
	enum conf_type type;
	size_t offset;
	const char *def;	/* as it would stand in YAML; NULL: zero, or NULL for strings */
	uint64_t min, max;	/* max 0: no bound */
	const char *const *choices;	/* CONF_ENUM: ends with NULL */
	const struct conf_schema *sub;	/* STRUCT, LIST, DICT; CUSTOM: a DICT's, to be shown */
	unsigned flags;
	const char *help;
	/* CONF_CUSTOM: fills @field, which lies in zeroed memory; writes it for conf_print() (NULL: left out). */
	int (*parse)(struct arena *a, const struct yaml_node *n, void *field, struct diag *d);
	void (*print)(const void *field, FILE *f);
};
#define CONF_REQUIRED  1u
#define CONF_NULL_OK   2u	/* "key:" with nothing behind it: as if it were absent */
#define CONF_HIDDEN    4u	/* not shown by schema (internal keys of manifests) */
#define CONF_BRIEF     8u	/* shown by schema in one line: described elsewhere */
#define CONF_SECRET   16u	/* its value is never printed, nor quoted in a message */
#define CONF_SECRET_TEXT "(hidden)"	/* what stands in its place; rows that print themselves use it too */

struct conf_schema {
	const char *name;	/* for messages and headings: "a channel" */
	size_t size;
	const struct conf_key *keys;	/* ends with a NULL name */
	/* After all keys: what a table cannot say. May be NULL. */
	int (*check)(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d);
	bool bare;	/* in a CONF_LIST: the structs do not begin with struct conf_item */
};

/* Fills zeroed @obj with defaults only. */
int conf_defaults(struct arena *a, const struct conf_schema *s, void *obj);
/* Fills zeroed @obj: defaults, then what @n says. @obj is of no use after an error. 0, -EINVAL, -ENOMEM. */
int conf_parse(struct arena *a, const struct conf_schema *s, const struct yaml_node *n, void *obj, struct diag *d);
/* One row alone: fills its field of @obj from @n. For parse() hooks that accept something besides. */
int conf_parse_key(struct arena *a, const struct conf_key *k, const struct yaml_node *n, void *obj, struct diag *d);

/* Scalars, for parse() hooks. 0 or -EINVAL, -ERANGE. */
int conf_parse_size(const char *s, uint64_t *ret);
int conf_parse_time(const char *s, uint64_t *ret_ns);
int conf_parse_u64(const char *s, uint64_t *ret);
int conf_parse_bool(const char *s, bool *ret);
bool conf_name_valid(const char *s);
/* What was probably meant by @s: that of @choices (ends with NULL) which differs by a slip of the finger; or NULL. */
const char *conf_did_you_mean(const char *s, const char *const *choices);

/* The effective configuration as YAML, every key with its value, to @f. Secrets are not shown. */
void conf_print(const struct conf_schema *s, const void *obj, FILE *f);
/* The same with where each value comes from as a comment behind it: "# FILE:LINE", or "# default". @root: what @obj
 * was parsed from. 0, -ENOMEM. */
int conf_print_origins(const struct conf_schema *s, const void *obj, const struct yaml_node *root, FILE *f);
/* The same as one JSON object: {"file.rotate-size": {"value": "100M", "file": "/etc/x.yaml", "line": 3}}. Of a default,
 * file and line are null; of a secret the value is, and it has "secret": true. 0, -ENOMEM. */
int conf_print_origins_json(const struct conf_schema *s, const void *obj, const struct yaml_node *root, FILE *f);
/* The table itself, as commented YAML: each key with type, default, bounds and help. */
void conf_print_schema(const struct conf_schema *s, FILE *f);
/* The table itself in mdoc(7), for the man pages: a list, and for each table in it a subsection. -EINVAL: a row has no
 * help (*@ret_row is its name). */
int conf_print_mdoc(const struct conf_schema *s, FILE *f, const char **ret_row);

/* Daemon configuration: <daemon>.yaml in the directories @dirs (a colon list, lowest first), then their <daemon>.d/
 * (*.yaml) sorted by file name, merged. Same name, the main file's included: the highest directory wins, so that an
 * empty file or a link to /dev/null masks. What cannot be read is an error with its name; nobody is waited for.
 * No file at all: an empty mapping. */
int conf_read_dirs(struct arena *a, const char *dirs, const char *daemon, struct yaml_node **ret_root, struct diag *d);

/* A drop-in folder alone, for programs.d: calls @each with the path of every file that counts, in order. */
int conf_each_file(const char *dirs, const char *folder, int (*each)(const char *path, void *arg), void *arg,
		   struct diag *d);

#endif
