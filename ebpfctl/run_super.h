/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The children, supervised: run_super.c is their life, run_start.c begins it, run_notify.c hears what they say. */
#ifndef EBPF_AGENT_RUN_SUPER_H
#define EBPF_AGENT_RUN_SUPER_H

#include <poll.h>

#include "run.h"

struct child {
	const struct run_def *def;
	pid_t pid;			/* 0: not running */
	int pidfd;
	bool ready, once_ready;		/* this one said READY=1; any one ever did */
	bool stopping, killed;		/* told to stop; SIGKILLed after that, or for its silence */
	int64_t started_ms, last_ping_ms;
	int64_t start_at_ms;		/* not running: when to start it again; 0: never */
	int64_t stop_by_ms;		/* SIGKILL then */
	unsigned backoff_ms, early_deaths;
	char cause[32];			/* of its last death */
	char status[128];		/* its last STATUS= */
};

struct super {
	const struct run_dir *dir;
	const struct run_ids *ids;
	struct child children[RUN_N];
	int notify_fd, bus_socket, null_fd;
	bool config;			/* there is a --config folder */
	bool verbose;			/* the daemons log as they are configured; else warnings and what is worse */
	bool stopping;
	bool failed;			/* one was not well when it stopped */
	char *gave_up;			/* a child that cannot be started: why, for the user */
	int (*console)(void *arg);	/* a new sinkd: the fd to write events to; taken */
	void *arg;
};
int super_start(struct super *s, char why[256]);
/* Descriptors to poll: RUN_N + 1 at most. Returns how many. */
size_t super_poll(const struct super *s, struct pollfd *ret);
/* Looks at everything that could have happened; returns in how many milliseconds to call again at the latest. */
int super_look(struct super *s, int64_t now_ms);
bool super_all_ready(const struct super *s);
/* Stops them one after the other; goes on in super_look(). */
void super_stop(struct super *s);
bool super_all_stopped(const struct super *s);
/* Kills what is left, and waits for it. */
void super_fini(struct super *s);
/* The environment of children, to be freed by strv_free(). */
char **super_env(const struct super *s, const char *notify);
void strv_free(char **v);

int64_t now_ms(void);

/* ---- among these files ---------------------------------------------------------------------------------- */

/* As users know it. */
const char *child_name(const struct child *c);
/* run_start.c. Starts it; if that fails, it is due again later. */
void child_start(struct super *s, struct child *c, int64_t now);
/* It died, or could not be started: when again, or never. */
void child_schedule(struct super *s, struct child *c, int64_t now);
/* run_notify.c */
int notify_bind(struct super *s);
/* Takes all that was said since. */
void notify_hear(struct super *s, int64_t now);

#endif
