/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row per option. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "../common/conf.h"
#include "cmdline.h"

enum {
	OPT_ALL = 256, OPT_FORCE, OPT_STRICT, OPT_OPENMETRICS, OPT_ARTIFACTS, OPT_STATE, OPT_CONFIG, OPT_SECONDS,
	OPT_TIMEOUT,
};

const struct opt opts[] = {
	{ "json",      NULL,      "machine-readable output on stdout",                              'j' },
	{ "bus",       "ADDRESS", "the bus to use, e.g. unix:path=/tmp/ebpf-agent.XXXXXX/bus; without it "
				  "$DBUS_SYSTEM_BUS_ADDRESS, else the system bus",                  'b' },
	{ "help",      NULL,      "this text; after a verb: more about it",                         'h' },
	{ "version",   NULL,      "print the version",                                              'V' },
	{ "all",       NULL,      "every program",                                                  OPT_ALL },
	{ "force",     NULL,      "discard what cannot be delivered",                               OPT_FORCE },
	{ "timeout",   "SECONDS", "how long to wait for the drain",                                 OPT_TIMEOUT },
	{ "strict",    NULL,      "exit status 1 unless everything balances",                       OPT_STRICT },
	{ "openmetrics", NULL,    "as metrics, in the text format that Prometheus and others read",  OPT_OPENMETRICS },
	{ "artifacts", NULL,      "an artifact that is absent is an error",                         OPT_ARTIFACTS },
	{ "state",     "DIR",     "keep logs and cached artifacts here (default: /tmp, then removed)", OPT_STATE },
	{ "config",    "DIR",     "the daemons' configuration (loaderd.yaml, programs.d/…)", OPT_CONFIG },
	{ "seconds",   "N",       "stop by itself after that time, counted from `ready`",           OPT_SECONDS },
	{ "verbose",   NULL,      "-v: what the daemons log, not only their warnings",              'v' },
	{ NULL },
};

/* Is @name one of the words in @words? */
static bool has_word(const char *words, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = words; (p = strstr(p, name)); p += len)
		if ((p == words || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' '))
			return true;
	return false;
}

/* An option for all verbs is ignored by those it means nothing to, and not shown. */
bool opt_is_of(const struct opt *o, const struct verb *v)
{
	return o - opts < N_GLOBAL_OPTS - 1 ? !has_word(v->ignored ?: "", o->name) : has_word(v->options, o->name);
}

/* A positive number of seconds. */
static int parse_seconds(const char *name, const char *text, uint64_t *ret)
{
	uint64_t value;

	if (conf_parse_u64(text, &value) < 0 || value == 0 || value > 10 * 365 * 86400ULL) {
		ctl_error("--%s takes a number of seconds from 1 up, not `%s`", name, text);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

static int take_option(struct ctl *c, int val)
{
	switch (val) {
	case 'j': c->json = true; return 0;
	case 'b': c->bus = optarg; return 0;
	case 'v': c->verbose = true; return 0;
	case OPT_ALL: c->all = true; return 0;
	case OPT_FORCE: c->force = true; return 0;
	case OPT_STRICT: c->strict = true; return 0;
	case OPT_OPENMETRICS: c->openmetrics = true; return 0;
	case OPT_ARTIFACTS: c->artifacts = true; return 0;
	case OPT_STATE: c->state = optarg; return 0;
	case OPT_CONFIG: c->config = optarg; return 0;
	case OPT_SECONDS: return parse_seconds("seconds", optarg, &c->seconds);
	case OPT_TIMEOUT: return parse_seconds("timeout", optarg, &c->timeout);
	}
	return -EINVAL;
}

/* GNU getopt moves the arguments behind the options, so that options may stand anywhere. */
int cmdline_parse(struct cmdline *l, int argc, char **argv)
{
	struct option table[ARRAY_SIZE(opts)] = {};
	int val;

	for (size_t i = 0; opts[i].name; i++)
		table[i] = (struct option){ opts[i].name, opts[i].arg ? required_argument : no_argument, NULL,
					    opts[i].val };
	while ((val = getopt_long(argc, argv, "hvV", table, NULL)) != -1) {
		if (val == '?')
			return -EINVAL;	/* getopt has said why */
		for (size_t i = 0; opts[i].name; i++)
			if (opts[i].val == val)
				l->given |= 1ULL << i;
		if (val == 'h')
			l->help = true;
		else if (val == 'V')
			l->version = true;
		else if (take_option(&l->ctl, val) < 0)
			return -EINVAL;
	}
	return 0;
}

int cmdline_check(const struct cmdline *l, const struct verb *v, int argc)
{
	for (size_t i = N_GLOBAL_OPTS; opts[i].name; i++)
		if (l->given & 1ULL << i && !opt_is_of(&opts[i], v)) {
			ctl_error("`%s` takes no option --%s; see `ebpfctl help %s`", v->name, opts[i].name, v->name);
			return -EINVAL;
		}
	if (argc < v->min_args || (v->max_args >= 0 && argc > v->max_args)) {
		ctl_error("usage: ebpfctl %s%s%s", v->name, v->args[0] ? " " : "", v->args);
		return -EINVAL;
	}
	return 0;
}
