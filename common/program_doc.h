/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program's YAML as it stands, before program.c folds its two levels into struct program. Private to program*.c. */
#ifndef EBPF_AGENT_PROGRAM_DOC_H
#define EBPF_AGENT_PROGRAM_DOC_H

#include "program.h"

struct doc_properties {
	struct conf_list progs, maps;
	struct program_variable *variables;
	size_t n_variables;
	struct conf_list functions;
	const char *src;
	const char *initfile;
};

struct doc_item {
	struct conf_item item;
	const char *name;
	int type;
	const char *path, *sha256, *src;
	unsigned path_line;
	struct doc_properties properties;
	struct conf_list channels, events;
	const struct yaml_node *storage;
};

struct doc_spool {
	uint64_t size;
	int full;
};

struct doc_spec {
	struct conf_list programs;	/* struct doc_item */
	struct conf_list channels, events;
	const struct yaml_node *storage;
	struct doc_spool spool;
};

struct doc {
	int kind;
	const char *name, *description, *version, *author;
	struct doc_spec spec;
};

extern const struct conf_schema program_bare_schema;	/* the same struct doc, without kind and spec */

/* program_check.c: what no table can say. */
int program_check(struct arena *a, struct program *p, struct diag *d);
/* fields:, and what goes with them: all that needs no object to be seen. */
int program_check_fields(const struct program_channel *c, struct diag *d);
/* A list of fields that is no whole record: none may be open at its end. @key: what it is called. */
int program_check_part(const struct conf_list *fields, const char *key, struct diag *d);
/* program_map.c: rows of a channel that polls a map, and what no table can say of it. */
int program_parse_labels(struct arena *a, const struct yaml_node *n, void *field, struct diag *d);
int program_check_poll(const struct program_channel *c, struct diag *d);
/* program_fold.c */
int program_fold(struct arena *a, const struct doc *doc, struct program *p, struct diag *d);

const struct program_item *program_find_item(const struct program *p, const char *name);
/* The only item of @type; NULL: none, or several. */
struct program_item *program_sole_item(const struct program *p, int type);
size_t program_count_items(const struct program *p, int type);
int program_out_of_memory(const struct program *p, struct diag *d);

#define EACH(type_, it, list) \
	(struct type_ *it = (list)->items; it < (struct type_ *)(list)->items + (list)->n; it++)

#endif
