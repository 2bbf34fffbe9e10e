/* SPDX-License-Identifier: GPL-2.0-or-later */
/* channeld: a supervisor, and a worker process for each loaded program. The supervisor never touches an event. */
#ifndef EBPF_AGENT_CHANNELD_H
#define EBPF_AGENT_CHANNELD_H

#include <uv.h>

#include "../abi/spool.h"
#include "../common/bus.h"
#include "../common/manifest.h"
#include "../common/program.h"
#include "../common/svc.h"
#include "../common/wire.h"
#include "processor_status.h"

struct channeld_conf {
	struct {
		uint64_t size;		/* bytes of a spool whose program does not say */
		int full, spare;	/* enum spool_full - 1, of the same */
	} spool;
	struct {
		uint64_t delay_min, delay_max;	/* ns between a worker's death and the next start */
		uint64_t failed_after;	/* quick deaths in a row */
		uint64_t retry;		/* ns between starts of a failed one */
	} restart;
	struct processor_conf {
		struct processor_limits limits;	/* letters_for: see conf_limits() */
		struct conf_strs letters_for;
	} processor;
};

/* What goes to the workers. */
struct processor_limits conf_limits(const struct channeld_conf *conf);

/* A program and its worker. */
struct supervised {
	struct channeld *channeld;
	struct supervised *next;
	char *program;
	struct arena *arena;		/* the manifest's */
	struct manifest *manifest;	/* NULL: could not be read yet */
	ino_t inode;			/* of the manifest as it was read */
	struct timespec mtime;
	bool listed;			/* while looking: its manifest is there */
	bool gone;			/* no manifest any more: goes when its worker is dead */

	pid_t pid;			/* 0: no worker */
	bool killed;			/* by us: its death blames nobody */
	bool told_drain;
	struct control *control;	/* the socket to it */
	uint64_t started_ns, retry_at_ns;	/* CLOCK_MONOTONIC */
	uint64_t delay_ns;
	uint64_t quick_deaths, restarts;
	bool failed;			/* too many quick deaths: tried again seldom */
	struct watch *watch;		/* for losses */
	int pipes[SPOOL_MAX_CHANNELS];	/* FIFOs, held open for when loaderd is away; -1: none */
	int processors_fd;		/* of the area below; -1: none */
	struct processor_area *processors;	/* shared with the workers, one after the other; NULL: none yet */
	uint64_t processors_said;	/* a bit for each route whose processor is said to be failed */
	uint64_t letters_said;		/* so many lost ones */
	char last_end[96];		/* how the last worker ended; empty: none did */
};

struct channeld {
	struct svc *svc;
	struct supervised *children;		/* sorted by name */
	uv_signal_t sigchld;
	uv_timer_t timer;		/* the next delayed start */
	int n_handles;			/* of the two above that are not closed yet */
	struct wire *to_sinkd, *to_loaderd;
	bool stopping, swept;
};

extern const struct conf_schema channeld_schema;
extern const sd_bus_vtable channeld_methods[];

int channeld_start(struct svc *s, void **ret_self);
void channeld_look(void *self);
int channeld_reload(void *self, const void *conf);
void channeld_stop(void *self);
struct supervised *channeld_find(const struct channeld *c, const char *program);

/* supervised.c: one program's worker, from its start to its end. */
struct supervised *supervised_new(struct channeld *c, const char *program);
/* There is no worker any more. */
void supervised_free(struct supervised *child);
/* Reads the manifest if it changed; a new generation wants a new worker. */
void supervised_refresh(struct supervised *child);
/* Starts the worker if it is time, tells it what it has to know. */
void supervised_look(struct supervised *child, uint64_t now);
/* Says what it loses. */
void supervised_watch(struct supervised *child, uint64_t now);
void supervised_kill(struct supervised *child);
/* What its worker needs is there, or another one: a new worker takes it, at the next look. */
void supervised_hurry(struct supervised *child);
void supervised_ended(struct supervised *child, int status);
/* Over the control socket, with a descriptor; -ENOTCONN: there is no worker. */
int supervised_tell(struct supervised *child, char what, int fd);
const char *supervised_state(const struct supervised *child);
/* The program is unloaded: nobody needs its spool any more. */
void supervised_remove_spool(const char *program);

/* The rows of all sources of channel @index in a commit, added up; `next` only tells whether one moved. */
struct spool_source commit_channel(const struct spool_commit *commit, size_t index);
/* One program's share of the ledger, appended to @rows. */
void ledger_append(const struct manifest *m, struct bus_rows *rows);

#endif
