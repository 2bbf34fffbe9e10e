/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of a user_so that are called around a load, and what they ask for. One process per user_so, from its init
 * to its postload, so that what one leaves behind the next one finds. */
#ifndef EBPF_AGENT_LOAD_FUNCTIONS_H
#define EBPF_AGENT_LOAD_FUNCTIONS_H

#include "load.h"
#include "load_sandbox.h"

struct load_function {
	const char *name;
	int type;		/* enum function_type */
	bool initfile;		/* it is handed the item's */
	unsigned line;		/* of the YAML; 0: unknown */
};

struct load_calls {		/* of one user_so */
	const char *item;
	struct load_function *functions;	/* whose places are their numbers in the sandbox */
	size_t n;
	struct load_sandbox *sandbox;	/* NULL: not started */
	struct refusals refusals;	/* of its system calls */
};

/* Starts the sandbox of @i, whose calls are set, and calls its init functions. 0, or as load_fail(). */
int load_calls_start(struct load *l, struct load_item *i);
/* Calls every function of @type of @i with @doc, and takes what it asks for. 0, or as load_fail(). */
int load_calls_run(struct load *l, struct load_item *i, int type, const char *doc, size_t len);

/* load_asked.c: what functions ask for, a line of JSON each. */
struct load_asked {
	struct load_asked *next;
	const struct load_calls *by;
	const struct load_function *function;
	const char *text;		/* the request, for messages */
	struct load_item *item;		/* whose variable or map it is */
	const char *map;		/* NULL: a variable */
	const char *variable;
	const struct yaml_node *key, *value;
};
/* Reads @text, which @f returned. Variables and entries of maps are kept until they can be set; after the load, entries
 * are set at once. 0, or as load_fail(). */
int load_asked_take(struct load *l, const struct load_calls *by, const struct load_function *f, const char *text,
		    size_t len);
/* The first thing that a function that failed had to say, into @ret; empty: nothing. */
void load_asked_excuse(const char *text, size_t len, char ret[256]);

/* load_describe.c: what functions are told of a load, as JSON to be freed. NULL: out of memory. */
char *load_describe(struct load *l, const struct load_item *to, const char *stage, size_t *ret_len);
/* The same of a program that is being unloaded. */
char *load_describe_manifest(const struct manifest *m, const struct manifest_item *to, size_t *ret_len);

#endif
