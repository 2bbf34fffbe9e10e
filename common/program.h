/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program as its YAML says it: parsed, the envelope and the two levels folded into one form, everything that can
 * be known without the artifacts validated. Lies in an arena. */
#ifndef EBPF_AGENT_PROGRAM_H
#define EBPF_AGENT_PROGRAM_H

#include "conf.h"

enum item_type { ITEM_EBPF_OBJECT, ITEM_BPFTRACE, ITEM_USER_SO };
enum prog_attach { ATTACH_DEFAULT, ATTACH_TRUE, ATTACH_FALSE, ATTACH_REQUIRED, ATTACH_OPTIONAL };
enum channel_type { CHANNEL_RING_BUFFER, CHANNEL_PERF_BUFFER, CHANNEL_MAP, CHANNEL_PIPE };
enum function_type {
	FUNCTION_DEFAULT, FUNCTION_INIT, FUNCTION_PRELOAD, FUNCTION_POSTLOAD, FUNCTION_UNLOAD, FUNCTION_HASH,
};

extern const char *const item_type_names[], *const channel_type_names[], *const function_type_names[];

struct program_prog {
	struct conf_item item;		/* key: BPF program name */
	int attach;			/* enum prog_attach */
	const char *target;		/* instead of the ELF section's: "tracepoint/sched/…" */
};

struct program_map {
	struct conf_item item;		/* key: map name */
	uint64_t max_entries, value_size;	/* 0: as the object says */
	int pin;			/* 0 private, 1 shared */
	const struct yaml_node *init;	/* entries; NULL: none */
};

struct program_variable {		/* a global of .rodata, .data or .bss */
	const char *name;
	const struct yaml_node *value;
};

struct program_function {
	struct conf_item item;
	const char *name;
	int type;			/* enum function_type */
	const char *initfile;
};

struct program_item {			/* an entry of programs[] */
	struct conf_item item;
	const char *name;
	int type;			/* enum item_type */
	const char *path;		/* as given; NULL with src */
	unsigned path_line;		/* where it says so; without a path the item's */
	const char *sha256;		/* 64 lower-case hex digits, or NULL */
	const char *src;		/* bpftrace text */
	struct conf_list progs;		/* struct program_prog */
	struct conf_list maps;		/* struct program_map */
	struct program_variable *variables;
	size_t n_variables;
	struct conf_list functions;	/* struct program_function */
};

struct program_field {			/* an entry of fields: */
	struct conf_item item;
	const char *name;
	const char *type;		/* u8 … u128, s8 … s128, bool, char, char[16], char[], u8[6], u32[4], be16,
					 * be32, be64, f32, f64, ptr, hex, ip, ip4, strv; an enum: u32 with `values` */
	uint64_t offset;		/* bytes; UINT64_MAX: right after the one before, naturally aligned */
	struct conf_list values;	/* struct layout_value, for enums */
	const char *length;		/* of one up to the end: the field above that says its bytes; NULL: the rest */
	struct program_when {
		const char *field;	/* one above; NULL: the field is always there */
		int64_t value;
	} when;
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HIST };
enum bucket_scale { BUCKETS_LOG2, BUCKETS_LINEAR };
extern const char *const metric_kind_names[], *const bucket_scale_names[];

struct program_buckets {		/* what the slots of a histogram mean */
	int scale;			/* enum bucket_scale */
	uint64_t step, first;		/* linear: slot i holds first + i * step up to the next */
	const char *unit;		/* "us"; NULL: not said */
};
extern const struct conf_schema program_buckets_schema;

struct program_label {
	const char *label, *field;	/* the label's name; the field of the key (or value) that it has */
};

struct program_poll {			/* how a map is read */
	uint64_t interval_ns;		/* 0: POLL_INTERVAL_NS */
	bool reset;			/* differences since the reading before */
	const char *metric;		/* NULL: the channel's name */
	int kind;			/* enum metric_kind */
	struct conf_list labels;	/* struct program_label */
	bool labels_said;		/* even if there are none */
	struct conf_strs values;	/* n == 0: all numeric ones */
	struct program_buckets buckets;
	bool per_cpu;			/* a sample for each CPU, instead of their sum */
	struct conf_list key, value;	/* struct program_field; n == 0: by BTF, or by their size */
};
#define POLL_INTERVAL_NS (10 * NSEC_PER_SEC)

struct program_channel {
	struct conf_item item;
	const char *name;		/* the key */
	int type;			/* enum channel_type */
	const char *map_item, *map;	/* `map: [ITEM.]MAP`; map_item NULL: whichever has it; map: by default the
					 * channel's own name; a pipe: NULL */
	const char *event;		/* BTF struct, or NULL: infer */
	struct conf_list fields;	/* struct program_field; n == 0: none */
	uint64_t size;			/* `size:` with fields: bytes of the fixed part; 0: to the last field's end */
	const char *ts_field, *pid_field;
	uint64_t buffer;		/* perf_buffer: bytes of each CPU's; 0: BUFFERS_DEFAULT_SIZE */
	const char *pinpath;		/* pipe */
	int writers;			/* pipe: 0 the group, 1 anybody */
	struct program_poll poll;	/* map */
	const struct yaml_node *storage;	/* see struct storage */
};

struct program_event {
	struct conf_item item;
	const char *name;		/* the processor: a user_so item of this file; NULL or no such item: decoded by
					 * layout */
	const char *processor;		/* = name when such an item exists */
	const char *function;		/* target_processor */
	struct conf_strs channels;	/* names; n == 0: all of this file's */
	const char *hash;
	const struct yaml_node *storage;
};

struct program {
	const char *name;
	const char *description, *version, *author;
	const char *file;		/* for messages */
	const char *base;		/* absolute folder that relative paths start from */
	struct conf_list items;		/* struct program_item */
	struct conf_list channels;	/* struct program_channel */
	struct conf_list events;	/* struct program_event */
	const struct yaml_node *storage;
	uint64_t spool_size;		/* spool: {size: …}; 0: channeld.yaml's default */
	int spool_full;			/* spool: {full: …}: enum spool_full */
};

/* What becomes of results that find no room in the spool: they wait, and with them the channels, which then count what
 * they lose; or they are counted at once as spool_full, and what comes after them has its turn. */
enum spool_full { SPOOL_FULL_DEFAULT, SPOOL_FULL_STOP, SPOOL_FULL_DROP_NEWEST };
extern const char *const spool_full_names[];

#define PROGRAM_MAX_ITEMS    16
#define PROGRAM_MAX_CHANNELS 16	/* SPOOL_MAX_CHANNELS */
#define PROGRAM_MAX_EVENTS   16

/* @file: its name, for messages and, without an envelope, for the program's name; @base: see struct program.
 * 0, -EINVAL (see @d), -ENOMEM. What is legal but not built yet is a warning here ("… is not built in this
 * version"), and refused by the load. */
int program_parse(struct arena *a, const char *file, const char *base, const struct yaml_node *root,
		  struct program **ret, struct diag *d);
/* An xdpd list (`- originalTo: …`)? */
bool program_is_xdp_list(const struct yaml_node *root);
/* Is @type (struct program_field) one that fields: may have? */
bool program_field_type_known(const char *type);
int program_check_xdp_list(struct arena *a, const struct yaml_node *root, struct diag *d);

/* The artifact of an item as an absolute path, for file:// and relative ones. *ret lies in @a. -EPROTONOSUPPORT for
 * http, https, ftp (known, not built), -EINVAL otherwise. */
int program_artifact_path(struct arena *a, const struct program *p, const struct program_item *i, const char **ret,
			  struct diag *d);
/* The same for the file that its init functions are handed. -ENOENT: there is none (nothing is said). */
int program_initfile_path(struct arena *a, const struct program *p, const struct program_item *i, const char **ret,
			  struct diag *d);
/* The function that names it (all that name one name the same), or NULL. */
const struct program_function *program_initfile(const struct program_item *i);
#define PROGRAM_INITFILE_MAX (16u << 20)	/* bytes */

/* Where the results of (channel, event) go: the nearest that says anything of a sink, of event, channel, program and
 * sinkd.yaml's defaults. */
struct storage {
	const char *sink;		/* "file", "kafka", … */
	const struct yaml_node *options;	/* NULL for a bare `true` */
	bool off;
};
/* In two steps, for two daemons: what the program itself says of sinks, those that it puts off included (loaderd keeps
 * it in the manifest); and with @defaults (sinkd's; NULL: file alone), those that are on, one entry each. */
int program_storage_said(struct arena *a, const struct program *p, const struct program_channel *c,
			 const struct program_event *e, struct storage **ret, size_t *ret_n, struct diag *d);
int storage_resolve(struct arena *a, const struct storage *said, size_t n_said, const struct yaml_node *defaults,
		    struct storage **ret, size_t *ret_n, struct diag *d);
bool storage_is_built(const char *sink);
/* Is @n (may be NULL) a mapping of sinks, as `storage:` has it? 0, -EINVAL (see @d). */
int program_check_storage(const struct yaml_node *n, struct diag *d);

/* Which (channel, event) pairs there are: one route each. A channel that no event takes is decoded under an
 * implicit event of no processor. */
struct program_route {
	size_t channel;			/* index */
	const struct program_event *event;	/* NULL: implicit */
};
int program_routes(struct arena *a, const struct program *p, struct program_route **ret, size_t *ret_n);

extern const struct conf_schema program_schema, xdp_schema;	/* for `ebpfctl schema` */

#endif
