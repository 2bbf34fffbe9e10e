/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manifest of a loaded program: what loaderd tells everybody else about it, in one JSON file, replaced atomically.
 * It is state, not a message: whoever starts later reads it and knows all. */
#ifndef EBPF_AGENT_MANIFEST_H
#define EBPF_AGENT_MANIFEST_H

#include "layout.h"
#include "program.h"

#define MANIFEST_VERSION 1

enum manifest_state { MANIFEST_LOADED, MANIFEST_DRAINING };

struct manifest_prog {
	const char *name, *type, *section;
	const char *state;		/* "attached", "loaded" (attach: false), "dropped" */
	const char *cause;		/* dropped: why */
	uint64_t prog_id, link_id;
};

struct manifest_map {
	const char *name;		/* as in the object */
	const char *type;
	uint64_t id, key_size, value_size, max_entries;
};

struct manifest_function {
	const char *name;
	int type;			/* enum function_type */
	bool initfile;			/* it is handed the item's */
};

struct manifest_item {
	const char *name, *type, *path, *sha256;
	const char *artifact;		/* absolute path of the cached bytes (user_so) */
	const char *initfile, *initfile_sha256, *initfile_artifact;	/* the same three of its initfile; or NULL */
	struct conf_list functions;	/* struct manifest_function */
	struct conf_list progs;		/* struct manifest_prog */
	struct conf_list maps;		/* struct manifest_map */
};

struct manifest_value {			/* a number of a polled map's value, or the slots of a histogram */
	const char *metric;		/* its sample's name */
	uint64_t offset, bytes;		/* within the value; of one number: 1, 2, 4 or 8 */
	bool is_signed;
	uint64_t slots;			/* numbers in a row that make a histogram; 0: a single one, which is none */
};
#define MANIFEST_SLOTS_MAX 4096

struct manifest_poll {			/* how a map is read. Its records are the key's bytes and the value's */
	uint64_t interval_ns;
	bool reset, per_cpu;		/* see struct program_poll */
	int kind;			/* enum metric_kind, of what is no histogram */
	uint64_t key_size, value_size;	/* bytes, of one CPU */
	struct layout labels;		/* members of the record, called like the labels */
	struct conf_list values;	/* struct manifest_value; n == 0: only processors can say anything */
	struct program_buckets buckets;
};

struct manifest_channel {
	const char *name;
	int type;			/* enum channel_type */
	const char *item, *map;		/* where its map is pinned */
	uint64_t map_id;
	uint64_t size;			/* bytes of the ring; perf_buffer: of each CPU's; pipe: that the FIFO holds */
	uint64_t cpus;			/* perf_buffer: how many have one */
	bool lost_unknown;		/* perf_buffer, pipe: some were lost with what was in them */
	const char *counts;		/* map with its struct agent_counts, same item; NULL: foreign, unknown */
	struct layout layout;
	bool has_layout;		/* false: only processors take it */
	int64_t ts_offset, pid_offset;	/* bytes within the record, -1: none */
	uint64_t ts_bytes, pid_bytes;	/* 8; 4 or 8 */
	const char *ts_field, *pid_field;	/* names, for `show` */
	struct manifest_poll poll;	/* CHANNEL_MAP */
	const char *path;		/* CHANNEL_PIPE: of its FIFO */
	bool made, writers;		/* it is ours, and goes with the program; anybody may write into it */
	uint64_t inode;
};

struct manifest_sink {
	const char *sink;
	const struct yaml_node *options;	/* NULL: none */
	bool off;			/* the program says no, whatever sinkd.yaml says */
};

struct manifest_route {			/* = a row of the spool's commit; index is its number */
	uint64_t channel;		/* index */
	uint64_t event;			/* number that goes into event ids */
	const char *event_name;		/* as in the line */
	const char *processor;		/* item, or NULL: by layout */
	const char *function;
	const char *hash_item, *hash_function;	/* user_so whose function gives the key; NULL: none does */
	int64_t key_offset;		/* bytes: where the key field lies; -1: the process id */
	uint64_t key_bytes;		/* 1, 2, 4, 8, or a text's length */
	const char *key;		/* what `show` says of it */
	struct conf_list sinks;		/* struct manifest_sink: those that the program speaks of; of others, and of
					 * file, sinkd decides (storage_resolve()) */
};

/* The user_so whose sandbox events of this route go through; NULL: none. */
static inline const char *manifest_route_asks(const struct manifest_route *r)
{
	return r->processor ? r->processor : r->hash_item;
}

struct manifest {
	uint64_t version, generation;
	const char *program;
	int state;			/* enum manifest_state */
	const char *file;		/* where the YAML came from */
	const char *description;
	const char *loaded_at;		/* RFC 3339 */
	const char *boot_id;
	struct conf_strs degraded;	/* what is not as asked for, a sentence each */
	struct conf_strs warnings;
	uint64_t spool_size;		/* 0: channeld's default */
	int spool_full;			/* enum spool_full (program.h) */
	struct conf_list items, channels, routes;
};

/* The first route that asks the same user_so as route @i, and whose row tells of their sandbox; @i if it asks none. */
size_t manifest_sandbox_row(const struct manifest *m, size_t i);

extern const struct conf_schema manifest_schema;

/* Reads RUNTIME/manifest/<program>.json, or a text. Everything lies in @a. -ENOENT, -EINVAL (see @d). Besides what the
 * table checks: indices are within bounds. */
int manifest_read(struct arena *a, const char *program, struct manifest **ret, struct diag *d);
int manifest_parse(struct arena *a, const char *text, size_t len, struct manifest **ret, struct diag *d);

/* As JSON, to be freed by the caller. NULL: out of memory. */
char *manifest_format(const struct manifest *m);
/* Atomically: written beside, fsynced, renamed. */
int manifest_write(const struct manifest *m);
int manifest_remove(const char *program);
/* Calls @each with every program that has a manifest, sorted by name. */
int manifest_each(int (*each)(const char *program, void *arg), void *arg);

#endif
