/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "../abi/spool.h"
#include "channeld.h"

static const char *const full_names[] = { "stop", "drop_newest", NULL };

static const struct conf_key spool_keys[] = {
	{ "size", CONF_SIZE, offsetof(struct channeld_conf, spool.size) - offsetof(struct channeld_conf, spool), "16M",
	  .min = SPOOL_MIN_SIZE, .max = SPOOL_MAX_SIZE,
	  .help = "memory that holds a program's events until its sinks have them" },
	{ "full", CONF_ENUM, offsetof(struct channeld_conf, spool.full) - offsetof(struct channeld_conf, spool), "stop",
	  .choices = full_names,
	  .help = "when a sink lets it fill. stop: events wait in their channels, which count what they lose. "
		  "drop_newest: results that find no room are counted as spool_full" },
	{ NULL },
};
static const struct conf_schema spool_schema = { "the spool", sizeof(((struct channeld_conf *)0)->spool), spool_keys };

#define RESTART(field) (offsetof(struct channeld_conf, restart.field) - offsetof(struct channeld_conf, restart))
static const struct conf_key restart_keys[] = {
	{ "delay-min", CONF_TIME, RESTART(delay_min), "10ms", .min = NSEC_PER_MSEC, .max = 60 * NSEC_PER_SEC,
	  .help = "before a worker that died is started again; doubled with every quick death" },
	{ "delay-max", CONF_TIME, RESTART(delay_max), "5s", .min = NSEC_PER_MSEC, .max = 600 * NSEC_PER_SEC,
	  .help = "the longest such delay" },
	{ "failed-after", CONF_UINT, RESTART(failed_after), "10", .min = 1, .max = 1000,
	  .help = "quick deaths (within a second) in a row that make a worker count as failed" },
	{ "retry", CONF_TIME, RESTART(retry), "30s", .min = NSEC_PER_SEC, .max = 3600 * NSEC_PER_SEC,
	  .help = "how often a failed worker is tried again" },
	{ NULL },
};
static const struct conf_schema restart_schema = {
	"restarts of workers", sizeof(((struct channeld_conf *)0)->restart), restart_keys,
};

/* ---- processors ------------------------------------------------------------------------------------------ */

static const char *const drop_names[] = {
#define X(upper, lower, help) #lower,
	SPOOL_DROP_LIST(X)
#undef X
	NULL
};

/* SPOOL_N_DROPS: none of that name. */
static enum spool_drop find_drop(const char *name)
{
	int i = 0;

	while (drop_names[i] && strcmp(drop_names[i], name) != 0)
		i++;
	return (enum spool_drop)i;
}

static int check_processor(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct processor_conf *c = obj;

	(void)a;
	for (size_t i = 0; i < c->letters_for.n; i++)
		if (find_drop(c->letters_for.s[i]) == SPOOL_N_DROPS)
			return diag_fail(d, -EINVAL, n->file, n->line,
					 "dead-letter-for: '%s' is none of decode, so_error, so_crash, so_timeout, "
					 "filtered, oversize", c->letters_for.s[i]);
	if (c->limits.delay_min_ns > c->limits.delay_max_ns)
		return diag_fail(d, -EINVAL, n->file, n->line, "processor: delay-min is more than delay-max");
	return 0;
}

struct processor_limits conf_limits(const struct channeld_conf *conf)
{
	struct processor_limits l = conf->processor.limits;

	l.letters_for = 0;
	for (size_t i = 0; i < conf->processor.letters_for.n; i++)
		l.letters_for |= 1ULL << find_drop(conf->processor.letters_for.s[i]);
	return l;
}

#define LIMIT(field) offsetof(struct processor_conf, limits.field)
static const struct conf_key processor_keys[] = {
	{ "memory", CONF_SIZE, LIMIT(memory), "256M", .min = 16 << 20, .max = 1ULL << 40,
	  .help = "private writable memory of a sandbox, from its next start on; what needs more does not get it, and "
		  "ends by its own doing" },
	{ "deadline", CONF_TIME, LIMIT(deadline_ns), "1s", .min = 10 * NSEC_PER_MSEC, .max = 600 * NSEC_PER_SEC,
	  .help = "for a batch (at most 256 records), from the next one on; the record in flight is then tried once "
		  "more, alone, and counted as so_timeout if that fails too" },
	{ "background", CONF_TIME, LIMIT(background_ns), "500ms", .min = 10 * NSEC_PER_MSEC, .max = 1000 * NSEC_PER_SEC,
	  .help = "CPU time that a processor's threads may use per second between batches; three seconds in a row "
		  "with more make it failed" },
	{ "delay-min", CONF_TIME, LIMIT(delay_min_ns), "10ms", .min = NSEC_PER_MSEC, .max = 60 * NSEC_PER_SEC,
	  .help = "before a sandbox is started after the second record in a row that ended it twice; doubled with "
		  "every end" },
	{ "delay-max", CONF_TIME, LIMIT(delay_max_ns), "5s", .min = NSEC_PER_MSEC, .max = 600 * NSEC_PER_SEC,
	  .help = "the longest such delay" },
	{ "failed-after", CONF_UINT, LIMIT(failed_after), "10", .min = 2, .max = 1000,
	  .help = "deaths or failed starts in a row, with no record done between, that make a processor failed: its "
		  "events are counted as so_crash without a try, and all others go on" },
	{ "retry", CONF_TIME, LIMIT(retry_ns), "30s", .min = NSEC_PER_SEC, .max = 86400 * NSEC_PER_SEC,
	  .help = "how often a failed processor is tried again" },
	{ "dead-letter-for", CONF_STRS, offsetof(struct processor_conf, letters_for), "[so_crash, so_timeout]",
	  .help = "reasons for which an event is kept in its program's dead-letter file, with its bytes: decode, "
		  "so_error, so_crash, so_timeout, filtered, oversize" },
	{ "dead-letter-size", CONF_SIZE, LIMIT(letters_size), "8M", .min = 4 << 20, .max = 64 << 20,
	  .help = "of a program's dead-letter file; one older one is kept besides" },
	{ NULL },
};
static const struct conf_schema processor_schema = {
	"processors", sizeof(struct processor_conf), processor_keys, check_processor,
};

static const struct conf_key channeld_keys[] = {
	{ "spool", CONF_STRUCT, offsetof(struct channeld_conf, spool), .sub = &spool_schema,
	  .help = "where a program does not say otherwise" },
	{ "restart", CONF_STRUCT, offsetof(struct channeld_conf, restart), .sub = &restart_schema,
	  .help = "of workers that died" },
	{ "processor", CONF_STRUCT, offsetof(struct channeld_conf, processor), .sub = &processor_schema,
	  .help = "what processors (user_so) may use, and what becomes of those that crash or hang" },
	{ NULL },
};
const struct conf_schema channeld_schema = { "channeld.yaml", sizeof(struct channeld_conf), channeld_keys };
