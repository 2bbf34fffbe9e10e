/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run: starting → loading → running → unloading → stopping. */
#ifndef EBPF_AGENT_RUN_PHASE_H
#define EBPF_AGENT_RUN_PHASE_H

#include "ctl.h"
#include "run_out.h"
#include "run_super.h"

enum phase { STARTING, LOADING, RUNNING, UNLOADING, STOPPING, FINISHED };

struct run {
	const struct ctl *ctl;
	char **files;
	int n_files;
	char *self;			/* this binary */
	enum phase phase;
	int64_t since_ms;		/* of the phase */
	int64_t end_ms;			/* --seconds; 0: none */
	bool force;			/* unload with --force: nobody takes what is left */
	int status;
	pid_t verb;			/* the load or unload under way */
	const char *verb_name;
	bool verb_killed;		/* the last one was, by a signal */
	unsigned verb_deaths;
	bool refused;			/* an unload was, and is asked for again */
	pid_t asked;			/* the loaderd that it speaks to */
	int signal_fd;
	struct run_dir dir;
	struct run_ids ids;
	struct super super;
	struct out out;
};

/* Looks at everything that could have happened, and goes on. */
void run_look(struct run *r, int64_t now);

/* run_verb.c: loading and unloading are the very verbs of those names, as children, so that here nothing ever waits. */
void run_verb_load(struct run *r);
void run_verb_unload(struct run *r);
/* True: it has ended, with *ret_ok, and has said why not. A verb that could not be started has ended badly. */
bool run_verb_ended(struct run *r, bool *ret_ok);
void run_verb_kill(struct run *r);

#endif
