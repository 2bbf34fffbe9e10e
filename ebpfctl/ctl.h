/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpfctl: one row per verb (verbs.c), one file per verb. A verb returns the exit status: 0 done, 1 refused or failed,
 * 2 used wrongly. Data goes to stdout, everything else to stderr. */
#ifndef EBPF_AGENT_CTL_H
#define EBPF_AGENT_CTL_H

#include "../common/base.h"

enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

struct ctl {
	const char *bus;		/* --bus; NULL: $DBUS_SYSTEM_BUS_ADDRESS, else the system bus */
	const char *state, *config;	/* run: folders, or NULL */
	uint64_t seconds;		/* run: how long; 0: until Ctrl-C */
	uint64_t timeout;		/* load, unload: seconds; 0: the daemon's own */
	bool json, all, force, strict, artifacts, verbose, openmetrics;
	bool color;			/* stdout is a terminal that wants colour */
};

/* @code (an escape sequence) on terminals, else nothing. */
static inline const char *ctl_paint(const struct ctl *c, const char *code)
{
	return c->color ? code : "";
}
#define PAINT_OFF    "\033[0m"
#define PAINT_BOLD   "\033[1m"
#define PAINT_DIM    "\033[2m"
#define PAINT_RED    "\033[31m"
#define PAINT_GREEN  "\033[32m"
#define PAINT_YELLOW "\033[33m"

/* One line on stderr, "ebpfctl: …". Returns CTL_FAILED. */
int ctl_error(const char *fmt, ...) printf_like(1, 2);
#define CTL_NO_PROGRAM "no program '%s' is loaded"	/* as the daemons say it */
/* "warning: @text", which a daemon said. */
void ctl_warning(const char *text);

/* An RFC 3339 time as local time, "2026-11-25 02:02:03"; what is none as it stands, cut. */
#define CTL_TIME_SIZE 32
void ctl_local_time(const char *rfc3339, char ret[CTL_TIME_SIZE]);

/* @argv: the verb's own arguments, @argc of them, options taken out. */
int verb_load(const struct ctl *c, int argc, char **argv);
int verb_unload(const struct ctl *c, int argc, char **argv);
int verb_list(const struct ctl *c, int argc, char **argv);
int verb_show(const struct ctl *c, int argc, char **argv);
int verb_run(const struct ctl *c, int argc, char **argv);
int verb_tail(const struct ctl *c, int argc, char **argv);
int verb_ledger(const struct ctl *c, int argc, char **argv);
int verb_status(const struct ctl *c, int argc, char **argv);
int verb_config(const struct ctl *c, int argc, char **argv);
int verb_check(const struct ctl *c, int argc, char **argv);
int verb_schema(const struct ctl *c, int argc, char **argv);	/* all that may stand in a file, as commented YAML */
int verb_tables(const struct ctl *c, int argc, char **argv);	/* what the man pages and completion are made of */
int verb_help(const struct ctl *c, int argc, char **argv);

/* The five daemons, in the order in which they are shown and started. */
struct ctl_daemon {
	const char *name;	/* "loaderd" */
	const char *bus;	/* AGENT_BUS_LOADER: bus name and own interface */
	const char *path;	/* D-Bus object */
};
extern const struct ctl_daemon ctl_daemons[];
#define CTL_N_DAEMONS 5

/* By "loaderd", "ebpf-loaderd" or "loader1"; NULL: no such daemon. */
const struct ctl_daemon *ctl_daemon_find(const char *name);

#endif
