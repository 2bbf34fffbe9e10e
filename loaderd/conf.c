/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "broker.h"
#include "loaderd.h"

static const char *default_roots[] = {
	"/usr/lib/ebpf-agent", "/etc/ebpf-agent", "/var/lib/ebpf-agent", "/opt", "/srv", "/root", "/home",
};

static int check(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct yaml_node *said = yaml_get(yaml_get(n, "artifacts"), "roots"), *at = said ?: n;
	struct conf_strs *roots = &((struct loaderd_conf *)obj)->artifacts.roots;

	(void)a;
	if (!said)	/* a table has no defaults for lists */
		*roots = (struct conf_strs){ default_roots, ARRAY_SIZE(default_roots) };
	if (roots->n > BROKER_ROOTS_MAX)
		return diag_fail(d, -EINVAL, at->file, at->line, "artifacts: more than %d roots", BROKER_ROOTS_MAX);
	for (size_t i = 0; i < roots->n; i++)
		if (roots->s[i][0] != '/')
			return diag_fail(d, -EINVAL, at->file, at->line,
					 "artifacts: the root '%s' is not an absolute folder", roots->s[i]);
	return 0;
}

static const struct conf_key artifacts_keys[] = {
	{ "roots", CONF_STRS, 0,
	  .help = "folders that artifacts may lie beneath; a change needs a restart; default: /usr/lib/ebpf-agent, "
		  "/etc/ebpf-agent, /var/lib/ebpf-agent, /opt, /srv, /root, /home" },
	{ 0 },
};

static const struct conf_schema artifacts_schema = {
	.name = "where artifacts come from",
	.size = sizeof(((struct loaderd_conf *)0)->artifacts),
	.keys = artifacts_keys,
};

#define FUNCTIONS(field) (offsetof(struct loaderd_conf, functions.field) - offsetof(struct loaderd_conf, functions))
static const struct conf_key functions_keys[] = {
	{ "memory", CONF_SIZE, FUNCTIONS(memory), "256M", .min = 1 << 20, .max = 64ULL << 30,
	  .help = "private memory that the process of one object may have" },
	{ "deadline", CONF_TIME, FUNCTIONS(deadline_ns), "5s", .min = 10 * NSEC_PER_MSEC, .max = 600 * NSEC_PER_SEC,
	  .help = "how long one call may take; load-timeout bounds all of a load" },
	{ 0 },
};

static const struct conf_schema functions_schema = {
	.name = "a user_so's functions that are called around a load",
	.size = sizeof(((struct loaderd_conf *)0)->functions),
	.keys = functions_keys,
};

static const struct conf_key keys[] = {
	{ "artifacts", CONF_STRUCT, offsetof(struct loaderd_conf, artifacts), .sub = &artifacts_schema,
	  .help = "what may be loaded" },
	{ "functions", CONF_STRUCT, offsetof(struct loaderd_conf, functions), .sub = &functions_schema,
	  .help = "bounds of functions of type init, preload, postload and unload" },
	{ "load-timeout", CONF_TIME, offsetof(struct loaderd_conf, load_timeout_ns), "30s", .min = NSEC_PER_SEC,
	  .max = 600 * NSEC_PER_SEC, .help = "a load that takes longer is ended, and leaves nothing behind" },
	{ "drain-timeout", CONF_TIME, offsetof(struct loaderd_conf, drain_timeout_ns), "10s",
	  .max = 3600 * NSEC_PER_SEC, .help = "how long an unload waits for a program's last events to be delivered" },
	{ 0 },
};

const struct conf_schema loaderd_schema = {
	.name = "loaderd", .size = sizeof(struct loaderd_conf), .keys = keys, .check = check,
};
