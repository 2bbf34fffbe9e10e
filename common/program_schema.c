/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may stand in a program's YAML: this is the whole of it, and what `ebpfctl schema` prints. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "buffers.h"
#include "layout.h"
#include "program_doc.h"
#include "../abi/names.h"
#include "../abi/spool.h"

const char *const item_type_names[] = {
	[ITEM_EBPF_OBJECT] = "ebpf_object", [ITEM_BPFTRACE] = "bpftrace", [ITEM_USER_SO] = "user_so", NULL,
};
static const char *const prog_attach_names[] = {
	[ATTACH_DEFAULT] = "default", [ATTACH_TRUE] = "true", [ATTACH_FALSE] = "false", [ATTACH_REQUIRED] = "required",
	[ATTACH_OPTIONAL] = "optional", NULL,
};
const char *const channel_type_names[] = {
	[CHANNEL_RING_BUFFER] = "ring_buffer", [CHANNEL_PERF_BUFFER] = "perf_buffer", [CHANNEL_MAP] = "map",
	[CHANNEL_PIPE] = "pipe", NULL,
};
const char *const function_type_names[] = {
	[FUNCTION_DEFAULT] = "default", [FUNCTION_INIT] = "init", [FUNCTION_PRELOAD] = "preload",
	[FUNCTION_POSTLOAD] = "postload", [FUNCTION_UNLOAD] = "unload", [FUNCTION_HASH] = "hash", NULL,
};
static const char *const writers_names[] = { "group", "all", NULL };
static const char *const pin_names[] = { "private", "shared", NULL };
#define NOT_BUILT "; not built in this version"
static const char *const kind_names[] = { "ebpfprogram", NULL };

/* The slides write "progs: xxxx" where a mapping belongs. */
static bool is_placeholder(const struct yaml_node *n, const char *key, struct diag *d)
{
	char text[DIAG_EXCERPT];

	if (n->kind != YAML_NODE_SCALAR)
		return false;
	if (yaml_is_null(n))
		diag_warn(d, n->file, n->line, "%s: is empty, so nothing is set", key);
	else
		diag_warn(d, n->file, n->line,
			  "%s: \"%s\" is a placeholder and is passed over (expected a mapping of names)", key,
			  diag_excerpt(text, n->value));
	return true;
}

/* ---- progs ------------------------------------------------------------------------------------- */

static const struct conf_key prog_keys[] = {
	{ "attach", CONF_ENUM, offsetof(struct program_prog, attach), .choices = prog_attach_names,
	  .help = "false: loaded, not attached. required: the load fails if it cannot be. optional: it is left out, "
		  "and `show` says why. default: required, except where this kernel lacks the hook. `NAME: false` says "
		  "the same in short" },
	{ "target", CONF_STR, offsetof(struct program_prog, target), .min = 1, .max = 1024,
	  .help = "what it attaches to, instead of what its ELF section says: \"tracepoint/sched/sched_switch\"" },
	{ 0 },
};
static const struct conf_schema prog_schema = { "a prog", sizeof(struct program_prog), prog_keys };

/* A mapping of mappings, in which a scalar stands for its `attach`. */
static int parse_progs(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	struct conf_list *list = field;
	struct program_prog *progs;
	size_t i;
	int err;

	if (is_placeholder(n, "progs", d))
		return 0;
	if (n->kind != YAML_NODE_MAPPING)
		return diag_fail(d, -EINVAL, n->file, n->line, "progs: is a list (expected a mapping of names)");
	progs = arena_alloc(a, n->n * sizeof(*progs));
	if (!progs)
		return -ENOMEM;
	for (i = 0; i < n->n; i++) {
		progs[i].item = (struct conf_item){ n->keys[i], n->file, n->key_lines[i] };
		if (n->items[i]->kind == YAML_NODE_SCALAR)
			err = conf_parse_key(a, &prog_keys[0], n->items[i], &progs[i], d);
		else
			err = conf_parse(a, &prog_schema, n->items[i], &progs[i], d);
		if (err < 0)
			return err;
	}
	*list = (struct conf_list){ progs, n->n };
	return 0;
}

/* ---- maps, variables --------------------------------------------------------------------------- */

static const struct conf_key map_keys[] = {
	{ "max_entries", CONF_UINT, offsetof(struct program_map, max_entries), .min = 1, .max = UINT32_MAX,
	  .help = "instead of the object's; for a ring buffer its bytes" },
	{ "value_size", CONF_UINT, offsetof(struct program_map, value_size), .min = 1, .max = UINT32_MAX,
	  .help = "bytes, instead of the object's" },
	{ "pin", CONF_ENUM, offsetof(struct program_map, pin), "private", .choices = pin_names,
	  .help = "shared: one map for all programs that name it so" },
	{ "init", CONF_NODE, offsetof(struct program_map, init),
	  .help = "entries set before anything attaches: {KEY: VALUE, …} or, for an array, [VALUE, …]; scalars, "
		  "{field: value} by BTF, or hex bytes" },
	{ 0 },
};
static const struct conf_schema map_schema = { "a map", sizeof(struct program_map), map_keys };

static int parse_maps(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	static const struct conf_key row = { "maps", CONF_DICT, 0, .sub = &map_schema };

	return is_placeholder(n, "maps", d) ? 0 : conf_parse_key(a, &row, n, field, d);
}

static int parse_variables(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	struct doc_properties *p = container_of(field, struct doc_properties, variables);
	size_t i;

	if (is_placeholder(n, "variables", d))
		return 0;
	if (n->kind != YAML_NODE_MAPPING)
		return diag_fail(d, -EINVAL, n->file, n->line, "variables: is a list (expected NAME: VALUE, by name)");
	p->variables = arena_alloc(a, n->n * sizeof(*p->variables));
	if (!p->variables)
		return -ENOMEM;
	for (i = 0; i < n->n; i++)
		p->variables[i] = (struct program_variable){ n->keys[i], n->items[i] };
	p->n_variables = n->n;
	return 0;
}

/* ---- functions --------------------------------------------------------------------------------- */

static int parse_initfile(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	static const struct conf_key row = { "initfile", CONF_STR, 0, .min = 1, .max = 4095 };

	if (yaml_is_null(n)) {
		diag_warn(d, n->file, n->line, "initfile: is empty, so no file is handed to init");
		return 0;
	}
	return conf_parse_key(a, &row, n, field, d);
}

static const struct conf_key function_keys[] = {
	{ "name", CONF_STR, offsetof(struct program_function, name), .min = 1, .max = 127, .flags = CONF_REQUIRED,
	  .help = "the symbol in the shared object" },
	{ "type", CONF_ENUM, offsetof(struct program_function, type), "default", .choices = function_type_names,
	  .help = "default: takes events. init: called once in each process of the object, before anything else. "
		  "preload, postload: called before and after a load. unload: called when the program is unloaded. "
		  "hash: gives an event's key" },
	{ "initfile", CONF_CUSTOM, offsetof(struct program_function, initfile), .parse = parse_initfile,
	  .help = "a file of up to 16 MiB whose bytes are handed to init; the same for all of this object" },
	{ 0 },
};

static int check_function(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct program_function *f = obj;
	char text[DIAG_EXCERPT];
	const char *s;

	(void)a;
	for (s = f->name; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_.$", *s))
			return diag_fail(d, -EINVAL, n->file, n->line, "name: \"%s\" cannot be a function's name",
					 diag_excerpt(text, f->name));
	return 0;
}
static const struct conf_schema function_schema = {
	"a function", sizeof(struct program_function), function_keys, check_function,
};

static const struct conf_key properties_keys[] = {
	{ "progs", CONF_CUSTOM, offsetof(struct doc_properties, progs), .parse = parse_progs, .sub = &prog_schema,
	  .help = "the object's BPF programs, by their names" },
	{ "maps", CONF_CUSTOM, offsetof(struct doc_properties, maps), .parse = parse_maps, .sub = &map_schema,
	  .help = "the object's maps, by their names" },
	{ "variables", CONF_CUSTOM, offsetof(struct doc_properties, variables), .parse = parse_variables,
	  .help = "NAME: VALUE, globals of .rodata, .data and .bss: numbers, booleans, texts, lists" },
	{ "functions", CONF_LIST, offsetof(struct doc_properties, functions), .sub = &function_schema, .max = 64,
	  .flags = CONF_NULL_OK, .help = "user_so: the functions in it that are used" },
	{ "initfile", CONF_CUSTOM, offsetof(struct doc_properties, initfile), .parse = parse_initfile,
	  .help = "user_so: a file handed to its init functions" },
	{ "src", CONF_STR, offsetof(struct doc_properties, src), .min = 1, .max = YAML_SIZE_MAX,
	  .help = "bpftrace: the script itself, instead of a path" NOT_BUILT },
	{ 0 },
};
static const struct conf_schema properties_schema = {
	"properties", sizeof(struct doc_properties), properties_keys,
};

/* ---- channels ---------------------------------------------------------------------------------- */

static int parse_values(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	static const struct conf_key row = { "values", CONF_INT, offsetof(struct layout_value, value) };
	struct conf_list *list = field;
	struct layout_value *values;
	size_t i;
	int err;

	if (n->kind != YAML_NODE_MAPPING)
		return diag_fail(d, -EINVAL, n->file, n->line, "values: expected a mapping, NAME: NUMBER");
	values = arena_alloc(a, n->n * sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (i = 0; i < n->n; i++) {
		values[i].name = n->keys[i];
		err = conf_parse_key(a, &row, n->items[i], &values[i], d);
		if (err < 0)
			return err;
	}
	*list = (struct conf_list){ values, n->n };
	return 0;
}

static int parse_when(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	static const struct conf_key row = { "when", CONF_INT, offsetof(struct program_when, value) };
	struct program_when *when = field;

	if (n->kind != YAML_NODE_MAPPING || n->n != 1)
		return diag_fail(d, -EINVAL, n->file, n->line, "when: expected one FIELD: NUMBER");
	when->field = n->keys[0];
	return conf_parse_key(a, &row, n->items[0], when, d);
}

static const struct conf_key field_keys[] = {
	{ "name", CONF_STR, offsetof(struct program_field, name), .min = 1, .max = 127, .flags = CONF_REQUIRED,
	  .help = "the key that it has in the event's JSON" },
	{ "type", CONF_STR, offsetof(struct program_field, type), .min = 1, .max = 63, .flags = CONF_REQUIRED,
	  .help = "u8 … u128, s8 … s128, bool, char, be16 … be64, f32, f64, ptr, hex, ip, ip4, strv; char[16] is "
		  "a text, u8[6] hex bytes, u32[4] a list, ip an IPv6 or mapped IPv4 address, ip4 one of 4 "
		  "bytes; char[] goes up to the record's end, and so does strv, a list of texts that end with NUL" },
	{ "offset", CONF_UINT, offsetof(struct program_field, offset), .max = SPOOL_REC_MAX,
	  .help = "bytes; default: behind the field before it, naturally aligned" },
	{ "values", CONF_CUSTOM, offsetof(struct program_field, values), .parse = parse_values,
	  .help = "NAME: NUMBER, an enum's names" },
	{ "length", CONF_STR, offsetof(struct program_field, length), .min = 1, .max = 127,
	  .help = "of a field that goes up to the record's end: the field above it that says how many bytes it has; a "
		  "perf buffer's records have up to 7 meaningless bytes behind them" },
	{ "when", CONF_CUSTOM, offsetof(struct program_field, when), .parse = parse_when,
	  .help = "FIELD: NUMBER, the field is there only if that one, above it, is this number; fields for different "
		  "numbers may have one name" },
	{ 0 },
};

static int check_field(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	struct program_field *f = obj;
	char text[DIAG_EXCERPT];

	(void)a;
	if (!yaml_get(n, "offset"))
		f->offset = UINT64_MAX;
	if (!program_field_type_known(f->type))
		return diag_fail(d, -EINVAL, n->file, n->line, "type: \"%s\" is not known (expected %s)",
				 diag_excerpt(text, f->type), field_keys[1].help);
	return 0;
}
static const struct conf_schema field_schema = {
	"a field", sizeof(struct program_field), field_keys, check_field,
};

#define POLL(member) offsetof(struct program_channel, poll.member)
static const struct conf_key channel_keys[] = {
	{ "type", CONF_ENUM, offsetof(struct program_channel, type), .choices = channel_type_names,
	  .flags = CONF_REQUIRED,
	  .help = "how events come" },
	{ "map", CONF_STR, offsetof(struct program_channel, map), .min = 1, .max = 127,
	  .help = "[ITEM.]MAP, the map that events come through; default: the one called like the channel" },
	{ "event", CONF_STR, offsetof(struct program_channel, event), .min = 1, .max = 127,
	  .help = "the struct that events are; default: what AGENT_EVENT() in the object says, else its only struct "
		  "event" },
	{ "fields", CONF_LIST, offsetof(struct program_channel, fields), .sub = &field_schema,
	  .max = LAYOUT_FIELDS_MAX, .help = "the event's fields, for an object that does not describe them" },
	{ "size", CONF_SIZE, offsetof(struct program_channel, size), .max = SPOOL_REC_MAX,
	  .help = "with fields: bytes that each event has at least; default: up to the last field's end" },
	{ "ts_field", CONF_STR, offsetof(struct program_channel, ts_field), .min = 1, .max = 127,
	  .help = "a u64 of CLOCK_MONOTONIC; default: ts_ns, ktime_ns or timestamp_ns" },
	{ "pid_field", CONF_STR, offsetof(struct program_channel, pid_field), .min = 1, .max = 127,
	  .help = "the process id; default: tgid, else pid" },
	{ "buffer", CONF_SIZE, offsetof(struct program_channel, buffer), .min = 4096, .max = BUFFERS_MAX_SIZE,
	  .help = "perf_buffer: bytes of each CPU's buffer, a power of two; default: 256K" },
	{ "pinpath", CONF_STR, offsetof(struct program_channel, pinpath), .min = 1, .max = 4095,
	  .help = "pipe: where the FIFO lies; made if there is none; default: pipe/PROGRAM.CHANNEL in the state "
		  "directory, of a bpftrace program bpftrace/PROGRAM.ITEM/output" },
	{ "writers", CONF_ENUM, offsetof(struct program_channel, writers), "group", .choices = writers_names,
	  .help = "pipe: who may write into a FIFO that is made: group: root and the group ebpf-agent; all: anybody" },
	{ "interval", CONF_TIME, POLL(interval_ns), .min = NSEC_PER_MSEC, .max = 86400 * NSEC_PER_SEC,
	  .help = "map: how often it is read; default: 10s" },
	{ "reset", CONF_BOOL, POLL(reset),
	  .help = "map: true: values are what was added since the reading before, and entries to which nothing was "
		  "are passed over; nothing is deleted in the map" },
	{ "metric", CONF_STR, POLL(metric), .min = 1, .max = 127,
	  .help = "map: the samples' name, to which _FIELD is added if an entry has several values; default: the "
		  "channel's name" },
	{ "kind", CONF_ENUM, POLL(kind), "counter", .choices = metric_kind_names,
	  .help = "map: what the values are; an array called slots is a histogram in any case" },
	{ "labels", CONF_CUSTOM, POLL(labels), .parse = program_parse_labels,
	  .help = "map: {LABEL: FIELD, …}, which fields of the key become labels, a list if they keep their names; "
		  "default: all" },
	{ "values", CONF_STRS, POLL(values), .help = "map: which fields of the value become samples; default: all "
						     "integers in it" },
	{ "buckets", CONF_STRUCT, POLL(buckets), .sub = &program_buckets_schema,
	  .help = "map: what the slots of a histogram mean" },
	{ "per_cpu", CONF_BOOL, POLL(per_cpu),
	  .help = "map: of a per-CPU map true gives a sample for each CPU instead of their sum, with a label cpu, as "
		  "no other may be called" },
	{ "key", CONF_LIST, POLL(key), .sub = &field_schema, .max = LAYOUT_FIELDS_MAX, .flags = CONF_BRIEF,
	  .help = "map: the fields of the key, as in fields:, for an object that does not describe it; default: by "
		  "BTF, else an integer, else hex bytes" },
	{ "value", CONF_LIST, POLL(value), .sub = &field_schema, .max = LAYOUT_FIELDS_MAX, .flags = CONF_BRIEF,
	  .help = "map: the same of the value" },
	{ "storage", CONF_NODE, offsetof(struct program_channel, storage), .help = "as in spec, for this channel" },
	{ 0 },
};

static int check_channel_name(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	struct program_channel *c = obj;
	char text[DIAG_EXCERPT];

	(void)a;
	(void)n;
	if (!conf_name_valid(c->item.key))
		return diag_fail(d, -EINVAL, c->item.file, c->item.line,
				 "channels: \"%s\" is no name (expected 1 to %d characters of " AGENT_NAME_CHARS ")",
				 diag_excerpt(text, c->item.key), AGENT_NAME_MAX);
	c->name = c->item.key;
	return 0;
}
static const struct conf_schema channel_schema = {
	"a channel", sizeof(struct program_channel), channel_keys, check_channel_name,
};

/* ---- events, storage, the whole ---------------------------------------------------------------- */

static const struct conf_key event_keys[] = {
	{ "name", CONF_NAME, offsetof(struct program_event, name),
	  .help = "a user_so of this file, that takes the events; any other name is just what the events are called" },
	{ "target_processor", CONF_STR, offsetof(struct program_event, function), .min = 1, .max = 127,
	  .help = "the function in it; default: process" },
	{ "channels", CONF_STRS, offsetof(struct program_event, channels), .help = "default: all of this file's" },
	{ "hash", CONF_STR, offsetof(struct program_event, hash), .min = 1, .max = 127,
	  .help = "the function or the field that gives an event's key: same key, same order; default: the process "
		  "id" },
	{ "storage", CONF_NODE, offsetof(struct program_event, storage), .help = "as in spec, for these events" },
	{ 0 },
};
static const struct conf_schema event_schema = { "an event", sizeof(struct program_event), event_keys };

static const struct conf_key item_keys[] = {
	{ "name", CONF_NAME, offsetof(struct doc_item, name), .flags = CONF_REQUIRED,
	  .help = "by which the rest of this file speaks of it" },
	{ "type", CONF_ENUM, offsetof(struct doc_item, type), .choices = item_type_names, .flags = CONF_REQUIRED,
	  .help = "a BPF object, a script, a processor; bpftrace is not built in this version" },
	{ "path", CONF_STR, offsetof(struct doc_item, path), .min = 1, .max = 4095,
	  .help = "file:///…, http://…, https://…, ftp://…, or a path, which is relative to this file; http, "
		  "https and ftp are not built in this version" },
	{ "sha256", CONF_STR, offsetof(struct doc_item, sha256), .min = 64, .max = 64,
	  .help = "of the file, in hex: it is checked" },
	{ "src", CONF_STR, offsetof(struct doc_item, src), .min = 1, .max = YAML_SIZE_MAX,
	  .help = "as in properties: it may stand here too" },
	{ "properties", CONF_STRUCT, offsetof(struct doc_item, properties), .sub = &properties_schema,
	  .flags = CONF_NULL_OK, .help = "what is set in it before it is loaded" },
	{ "channels", CONF_DICT, offsetof(struct doc_item, channels), .sub = &channel_schema,
	  .max = PROGRAM_MAX_CHANNELS, .flags = CONF_NULL_OK | CONF_BRIEF,
	  .help = "as in spec: they may stand here too" },
	{ "events", CONF_LIST, offsetof(struct doc_item, events), .sub = &event_schema, .max = PROGRAM_MAX_EVENTS,
	  .flags = CONF_NULL_OK | CONF_BRIEF, .help = "as in spec" },
	{ "storage", CONF_NODE, offsetof(struct doc_item, storage),
	  .help = "as in spec, for this program's channels and events" },
	{ 0 },
};

static int check_item(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	struct doc_item *i = obj;
	const struct yaml_node *path = yaml_get(n, "path");
	char *lower, *s;

	i->path_line = path ? path->line : n->line;
	if (i->src && i->properties.src)
		return diag_fail(d, -EINVAL, n->file, yaml_get(n, "src")->line,
				 "src: stands in properties as well (expected one of them)");
	if (!i->sha256)
		return 0;
	lower = arena_strdup(a, i->sha256);
	if (!lower)
		return -ENOMEM;
	for (s = lower; *s; s++) {
		if (!isxdigit((unsigned char)*s))
			return diag_fail(d, -EINVAL, n->file, yaml_get(n, "sha256")->line,
					 "sha256: has other characters than hex digits");
		*s = (char)tolower((unsigned char)*s);
	}
	i->sha256 = lower;
	return 0;
}
static const struct conf_schema item_schema = {
	"an entry of programs", sizeof(struct doc_item), item_keys, check_item,
};

const char *const spool_full_names[] = {
	[SPOOL_FULL_DEFAULT] = "default", [SPOOL_FULL_STOP] = "stop", [SPOOL_FULL_DROP_NEWEST] = "drop_newest", NULL
};

static const struct conf_key spool_keys[] = {
	{ "size", CONF_SIZE, offsetof(struct doc_spool, size), .min = SPOOL_MIN_SIZE, .max = SPOOL_MAX_SIZE,
	  .help = "default: channeld.yaml's" },
	{ "full", CONF_ENUM, offsetof(struct doc_spool, full), .choices = spool_full_names,
	  .help = "when a sink lets it fill. stop: events wait in their channels, which count what they lose. "
		  "drop_newest: no channel fills because of a sink; results that find no room are counted as "
		  "spool_full. default: as channeld.yaml says" },
	{ 0 },
};
static const struct conf_schema spool_schema = { "spool", sizeof(struct doc_spool), spool_keys };

/* Once inside spec:, once at the top of a file without it. */
#define SPEC_ROWS(place)                                                                                           \
	{ "programs", CONF_LIST, (place) + offsetof(struct doc_spec, programs), .sub = &item_schema,               \
	  .max = PROGRAM_MAX_ITEMS, .flags = CONF_REQUIRED,                                                        \
	  .help = "what is loaded: objects, scripts, processors" },                                                \
	{ "channels", CONF_DICT, (place) + offsetof(struct doc_spec, channels), .sub = &channel_schema,            \
	  .max = PROGRAM_MAX_CHANNELS, .flags = CONF_NULL_OK, .help = "by name: where events come from" },         \
	{ "events", CONF_LIST, (place) + offsetof(struct doc_spec, events), .sub = &event_schema,                  \
	  .max = PROGRAM_MAX_EVENTS, .flags = CONF_NULL_OK,                                                        \
	  .help = "what becomes of them; a channel without one is decoded by its layout" },                        \
	{ "storage", CONF_NODE, (place) + offsetof(struct doc_spec, storage),                                      \
	  .help = "where results go: {file: true, kafka: false, …}, each true, false or a mapping of options; "    \
		  "the nearest wins: event, channel, spec; default: file; tmpfs and tsdb are not built in this "   \
		  "version" },                                                                                     \
	{ "spool", CONF_STRUCT, (place) + offsetof(struct doc_spec, spool), .sub = &spool_schema,                  \
	  .help = "the memory between channeld and sinkd" }
#define HEAD_ROWS                                                                                                  \
	{ "name", CONF_NAME, offsetof(struct doc, name),                                                           \
	  .help = "of the program; default: the file's, without .yaml" },                                          \
	{ "description", CONF_STR, offsetof(struct doc, description), .help = "for people: what it is for" },      \
	{ "version", CONF_STR, offsetof(struct doc, version), .help = "for people: of the file" },                 \
	{ "author", CONF_STR, offsetof(struct doc, author), .help = "for people: who wrote it" }

static const struct conf_key spec_keys[] = { SPEC_ROWS(0), { 0 } };
static const struct conf_schema spec_schema = { "spec", sizeof(struct doc_spec), spec_keys };

static const struct conf_key program_keys[] = {
	{ "kind", CONF_ENUM, offsetof(struct doc, kind), "ebpfprogram", .choices = kind_names,
	  .help = "what this document is" },
	HEAD_ROWS,
	{ "spec", CONF_STRUCT, offsetof(struct doc, spec), .sub = &spec_schema, .flags = CONF_REQUIRED,
	  .help = "what it holds may also stand at the top of the file, without kind and spec" },
	{ 0 },
};
const struct conf_schema program_schema = { "a program file", sizeof(struct doc), program_keys };

static const struct conf_key bare_keys[] = { HEAD_ROWS, SPEC_ROWS(offsetof(struct doc, spec)), { 0 } };
const struct conf_schema program_bare_schema = { "a program file", sizeof(struct doc), bare_keys };
