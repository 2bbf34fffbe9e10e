/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "../common/program.h"
#include "sinkd.h"

static const char *const fsync_names[] = {
	[FILE_FSYNC_NEVER] = "never",
	[FILE_FSYNC_ROTATE] = "rotate",
	[FILE_FSYNC_BATCH] = "batch",
	[FILE_FSYNC_INTERVAL] = "interval",
	NULL,
};

static const char *const when_full_names[] = { [FILE_HOLD] = "hold", [FILE_DROP] = "drop", NULL };

#define FILE_RULES(place)                                                                                    \
	{ "rotate-size", CONF_SIZE, place + offsetof(struct file_rules, rotate_size), "100M",                    \
	  .help = "a file is not made longer than this (unless one line is); 0: no limit" },                     \
	{ "rotate-time", CONF_TIME, place + offsetof(struct file_rules, rotate_time_ns), "0",                    \
	  .help = "a file is not written to for longer than this (1h, 1d); 0: no limit" },                       \
	{ "keep", CONF_UINT, place + offsetof(struct file_rules, keep), "5", .min = 1, .max = 1000,              \
	  .help = "rotated files that are kept, PATH.1 being the newest" },                                      \
	{ "fsync", CONF_ENUM, place + offsetof(struct file_rules, fsync), "interval", .choices = fsync_names,    \
	  .help = "when written lines are forced to the disk: never, rotate (a file that is full), batch "       \
		  "(before a line counts as delivered), interval" },                                             \
	{ "fsync-interval", CONF_TIME, place + offsetof(struct file_rules, fsync_interval_ns), "1s",             \
	  .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC, .help = "how often with fsync: interval" },           \
	{ "when-full", CONF_ENUM, place + offsetof(struct file_rules, when_full), "hold",                        \
	  .choices = when_full_names,                                                                            \
	  .help = "what happens when the disk is full: hold (nothing is given up; when the spool is full, all "  \
		  "sinks of the program wait, and then the kernel's ring fills) or drop (lines that find no "        \
		  "room in the file are given up and counted as disk_full; other sinks go on; a file that cannot "   \
		  "be made or forced to the disk is waited for all the same)" }

static const struct conf_key file_keys[] = {
	FILE_RULES(offsetof(struct file_conf, rules)),
	{ "roots", CONF_STRS, offsetof(struct file_conf, roots),
	  .help = "folders beneath which a program may have its lines written; default: the log and the state "
		  "directory" },
	{ NULL },
};

static int check_roots(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct yaml_node *at = yaml_get(n, "roots") ?: n;
	const struct file_conf *f = obj;
	char text[DIAG_EXCERPT];

	(void)a;
	for (size_t i = 0; i < f->roots.n; i++)
		if (f->roots.s[i][0] != '/')
			return diag_fail(d, -EINVAL, at->file, at->line, "roots: \"%s\" is not an absolute path",
					 diag_excerpt(text, f->roots.s[i]));
	return 0;
}

static const struct conf_schema file_schema = {
	"the file sink", sizeof(struct file_conf), file_keys, .check = check_roots,
};

static const struct conf_key tail_keys[] = {
	{ "clients", CONF_UINT, offsetof(struct tail_conf, clients), "64", .max = 1024,
	  .help = "how many may read along at once" },
	{ "buffer", CONF_SIZE, offsetof(struct tail_conf, buffer), "1M", .min = 2 * SPOOL_REC_MAX, .max = 64 << 20,
	  .help = "kept for each before lines are skipped" },
	{ NULL },
};
static const struct conf_schema tail_schema = { "the live view", sizeof(struct tail_conf), tail_keys };

static int check_storage(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d);

static const struct conf_key sinkd_keys[] = {
	{ "file", CONF_STRUCT, offsetof(struct sinkd_conf, file), .sub = &file_schema,
	  .help = "how files are written where a program does not say otherwise" },
	{ "kafka", CONF_STRUCT, offsetof(struct sinkd_conf, kafka), .sub = &kafka_schema,
	  .help = "where and how records go to Kafka where a program does not say otherwise" },
	{ "storage", CONF_NODE, offsetof(struct sinkd_conf, storage),
	  .help = "{file: …, kafka: …}: where the records of programs go that do not say so themselves, each true, "
		  "false or options as in a program's storage; default: {file: true}" },
	{ "tail", CONF_STRUCT, offsetof(struct sinkd_conf, tail), .sub = &tail_schema, .help = "ebpfctl tail" },
	{ NULL },
};
const struct conf_schema sinkd_schema = {
	"sinkd.yaml", sizeof(struct sinkd_conf), sinkd_keys, .check = check_storage,
};

static const struct conf_key route_keys[] = {
	{ "path", CONF_STR, offsetof(struct file_route, path), .min = 1, .max = PATH_MAX - 1,
	  .help = "absolute, or beneath the first of the roots; default: PROGRAM.jsonl in the log directory" },
	FILE_RULES(offsetof(struct file_route, rules)),
	{ NULL },
};
static const struct conf_schema route_schema = { "storage: file", sizeof(struct file_route), route_keys };

static int check_storage(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct sinkd_conf *conf = obj;
	const struct {
		const char *sink;
		const struct conf_schema *schema;
	} rows[] = { { "file", &route_schema }, { "kafka", &kafka_route_schema } };
	union {
		struct file_route file;
		struct kafka_conf kafka;
	} said;
	int r = program_check_storage(conf->storage, d);

	(void)n;
	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++) {
		const struct yaml_node *options = yaml_get(conf->storage, rows[i].sink);

		memset(&said, 0, sizeof(said));
		if (options && options->kind == YAML_NODE_MAPPING)
			r = conf_parse(a, rows[i].schema, options, &said, d);
	}
	return r;
}

int file_route_parse(struct arena *a, const struct yaml_node *n, const struct file_rules *defaults,
		     struct file_route *ret, struct diag *d)
{
	struct file_route route = { .rules = *defaults };
	int r;

	if (n && n->kind == YAML_NODE_MAPPING) {
		struct file_route said = {};

		r = conf_parse(a, &route_schema, n, &said, d);
		if (r < 0)
			return r;
		route.path = said.path;
#define SAID(key, field) if (yaml_get(n, key)) route.rules.field = said.rules.field
		SAID("rotate-size", rotate_size);
		SAID("rotate-time", rotate_time_ns);
		SAID("keep", keep);
		SAID("fsync", fsync);
		SAID("fsync-interval", fsync_interval_ns);
		SAID("when-full", when_full);
#undef SAID
	}
	*ret = route;
	return 0;
}
