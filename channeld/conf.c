/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "../abi/spool.h"
#include "channeld.h"

static const struct conf_key spool_keys[] = {
	{ "size", CONF_SIZE, offsetof(struct channeld_conf, spool.size) - offsetof(struct channeld_conf, spool), "16M",
	  .min = SPOOL_MIN_SIZE, .max = SPOOL_MAX_SIZE,
	  .help = "memory that holds a program's events until its sinks have them" },
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

static const struct conf_key channeld_keys[] = {
	{ "spool", CONF_STRUCT, offsetof(struct channeld_conf, spool), .sub = &spool_schema,
	  .help = "where a program does not say otherwise" },
	{ "restart", CONF_STRUCT, offsetof(struct channeld_conf, restart), .sub = &restart_schema,
	  .help = "of workers that died" },
	{ NULL },
};
const struct conf_schema channeld_schema = { "channeld.yaml", sizeof(struct channeld_conf), channeld_keys };
