/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loaderd: what is loaded, what is being loaded, what is draining. It never loads by itself: one load, one child. */
#ifndef EBPF_AGENT_LOADERD_H
#define EBPF_AGENT_LOADERD_H

#include "../abi/names.h"
#include "../abi/spool.h"
#include "../common/manifest.h"
#include "../common/program.h"
#include "../common/svc.h"
#include "../common/wire.h"

struct loaderd_conf {
	struct {
		struct conf_strs roots;		/* folders that artifacts may lie beneath */
	} artifacts;
	struct {
		uint64_t memory, deadline_ns;
	} functions;
	uint64_t load_timeout_ns;
	uint64_t drain_timeout_ns;
};

extern const struct conf_schema loaderd_schema;
extern const sd_bus_vtable loaderd_methods[];

struct loaderd;
struct job;
struct broker_client;
struct buffers_keeper;
struct declared;
struct bus_job;
struct farewell;

/* What became of a request, for a D-Bus error or a log line. */
struct outcome {
	const char *error;	/* AGENT_ERR_…; NULL: it went well */
	char *text;		/* freed by outcome_fini() */
};
/* outcome.c */
void outcome_fini(struct outcome *o);
/* Sets @o unless it is set. Returns -EINVAL. */
int outcome_fail(struct outcome *o, const char *error, const char *fmt, ...) printf_like(3, 4);

enum entry_state { ENTRY_LOADING, ENTRY_LOADED, ENTRY_DRAINING };
extern const char *const entry_state_names[];

/* Somebody waits for an unload: told once. */
struct waiter {
	struct waiter *next;
	uint64_t deadline;	/* of uv_now(), ms */
	bool keep;		/* is told when it is drained; what it counted can then be read for KEEP_MS yet */
	void (*done)(void *arg, const char *program, const struct outcome *o);
	void *arg;
};

/* A program that is loaded, or about to be, or about to go. */
struct entry {
	struct entry *next;
	struct loaderd *d;
	char name[AGENT_NAME_MAX + 1];
	enum entry_state state;
	struct arena *arena;		/* of the manifest */
	struct manifest *manifest;	/* NULL while loading */
	int manifest_err;		/* -errno: its file says something older yet; tried again each second */
	char *refused;			/* adopted, but it does not fit together: why */
	struct job *job;		/* LOADING */
	struct waiter *waiters;		/* DRAINING */
	int pipes[SPOOL_MAX_CHANNELS];	/* held open; -1: none */
	struct farewell *farewell;	/* DRAINING: its unload functions are being called */
	bool said_farewell;		/* or there was nothing to call */
	bool forced;			/* DRAINING: what is left in it is discarded */
	uint64_t keep_until;		/* of uv_now(): drained, but it stays so long unless it is unloaded again */
	const void *kept_for;		/* of one who was told, and waits for others yet: it stays meanwhile, too */
};

struct loaderd {
	struct svc *svc;
	uv_loop_t *loop;
	const struct loaderd_conf *conf;
	struct broker_client *broker;
	struct buffers_keeper *buffers;
	struct wire *to_channeld, *to_sinkd;
	struct entry *entries;
	struct declared *declared;
	struct job *jobs;
	unsigned n_farewells;		/* going on */
	struct bus_job *bus_jobs;	/* the newest first */
	uint64_t last_bus_job;		/* its number */
	uint64_t bus_jobs_ended;
	uint64_t generation;		/* of the last load, over restarts */
	uv_timer_t drain_timer;		/* runs while somebody waits for a drain */
	bool declared_due;		/* programs.d is read at the next look */
	bool stopping;
};

/* loaderd.c */
int loaderd_start(struct svc *s, void **ret_self);
int loaderd_reload(void *self, const void *conf);
void loaderd_look(void *self);
void loaderd_stop(void *self);

/* bus.c: what is on the bus besides loaderd_methods. */
int loaderd_offer(void *self, sd_bus *bus);
void loaderd_named(void *self);

/* channeld and sinkd look again. */
void loaderd_hint(struct loaderd *d, const char *program);

/* entry.c: whatever changes about a program changes here. */
struct entry *entry_find(const struct loaderd *d, const char *name);
struct entry *entry_add(struct loaderd *d, const char *name);	/* LOADING. NULL: out of memory */
void entry_remove(struct entry *e);				/* frees it */
void entry_set_state(struct entry *e, enum entry_state state);
/* Takes @arena, in which @m lies; both may be those that it has, changed. */
void entry_set_manifest(struct entry *e, struct arena *arena, struct manifest *m);
/* Writes into its manifest that @what of channel @c, which lived by whoever held them, are gone with their contents. */
int entry_say_lost(struct entry *e, struct manifest_channel *c, const char *what);
/* Writes it to its file, and tells channeld and sinkd to look. An error is said as the daemon's state, too. */
int entry_write_manifest(struct entry *e);
/* Once a second: what could not be written. */
void entry_look(struct loaderd *d);

/* generation.c: a number that no load of this boot had before. */
uint64_t generation_next(struct loaderd *d);
void generation_read(struct loaderd *d);	/* at start: goes on behind the last one */

/* shared.c: maps that no loaded program uses any more are unpinned. */
void shared_sweep(struct loaderd *d);

/* refuse.c: what is legal in a document, but not built yet. 0 or -EINVAL (said in @o). */
int refuse_not_built(const struct program *p, struct outcome *o);

/* job.c: one load. @text is copied. @done is called once, now or later, unless an error is returned (said in @o): then
 * nothing has happened. */
struct load_request {
	const char *text;
	size_t len;
	const char *file, *base;
	/* How far it is: may be called before job_start() returns. May be NULL. */
	void (*progress)(void *arg, const struct entry *e, unsigned percent, const char *phase);
	void (*done)(void *arg, const struct entry *e, const struct outcome *o);	/* @e: NULL if it failed */
	void *arg;
};
int job_start(struct loaderd *d, const struct load_request *r, struct outcome *o);
/* May one more be started now? */
bool job_room(const struct loaderd *d);
/* Kills the child; the load fails with @why. */
void job_abort(struct job *j, const char *why);
void job_abort_all(struct loaderd *d, const char *why);
/* The load that was started with @arg, if it has not ended, is aborted; it fails as AGENT_ERR_CANCELLED. */
void job_cancel(struct loaderd *d, const void *arg);
/* At stop: kills and cleans up; each load fails. Handles close asynchronously. */
void job_drop_all(struct loaderd *d);

/* unload.c. @done as in struct waiter; it may be called before this returns. */
enum unload_how { UNLOAD_DRAIN, UNLOAD_FORCE, UNLOAD_KEEP };
void unload_start(struct entry *e, enum unload_how how, uint64_t timeout_ms,
		  void (*done)(void *, const char *, const struct outcome *), void *arg);
/* Whoever waited with @arg has been told of all: what was kept for him stays KEEP_MS from now on. */
void unload_kept(struct loaderd *d, const void *arg);
/* Whoever waits with @arg waits no more, and is not told; what is draining goes on. */
void unload_forget(struct loaderd *d, const void *arg);
/* Does somebody wait with @arg for @e? */
bool unload_waits(const struct entry *e, const void *arg);
/* About how many records of a program that is draining are not delivered to every sink yet. False: more may come. */
bool unload_left(const struct entry *e, uint64_t *ret_records);
/* Looks whether draining programs ran empty, and finishes those that did. */
void unload_look(struct loaderd *d);
void unload_init(struct loaderd *d);
/* At stop: whoever waits is told. */
void unload_drop_all(struct loaderd *d);

/* farewell.c: the unload functions of a program that is detached. 0: they are being called, and @done follows, once;
 * -ENOENT: there are none; -EAGAIN: later, too many programs are at it; else it cannot be done (said). */
int farewell_start(struct entry *e, void (*done)(struct entry *e));
/* Kills what is going on; nobody is told. Accepts NULL. */
void farewell_drop(struct farewell *f);

/* adopt.c: at start, what an earlier loaderd left. */
int adopt_all(struct loaderd *d);

/* declared.c: programs.d. */
/* Reads the folders, loads and unloads what changed. @again: tries again what failed, too. */
void declared_look(struct loaderd *d, bool again);
void declared_free(struct loaderd *d);

#endif
