/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: verbs and options are rows of two tables; help is printed from them. */
#ifndef EBPF_AGENT_CMDLINE_H
#define EBPF_AGENT_CMDLINE_H

#include "ctl.h"

struct verb {
	const char *name, *args, *help;	/* without help: not for users, and not shown */
	const char *options;		/* of its own, besides the ones for all: "all force" */
	int min_args, max_args;		/* -1: any number */
	int (*run)(const struct ctl *c, int argc, char **argv);	/* NULL: not built in this version */
	const char *more;		/* for `help VERB` */
	const char *ignored;		/* of the options for all: what means nothing here */
};
/* verbs.c: the last one has no name. */
extern const struct verb verbs[];
/* NULL: there is none. */
const struct verb *verb_find(const char *name);

struct opt {
	const char *name, *arg, *help;
	int val;
};
/* options.c: first those for all verbs; the last one has no name. */
#define N_GLOBAL_OPTS 4
extern const struct opt opts[];
/* Does the verb take it? */
bool opt_is_of(const struct opt *o, const struct verb *v);

struct cmdline {
	struct ctl ctl;
	bool help, version;
	uint64_t given;		/* bit i: opts[i] was */
};
/* 0, or -EINVAL: said. Sets optind. */
int cmdline_parse(struct cmdline *l, int argc, char **argv);
/* Options and arguments that this verb does not take: -EINVAL, said. */
int cmdline_check(const struct cmdline *l, const struct verb *v, int argc);

#endif
