/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What takes time and was asked for on the bus is an object there, AGENT_BUS_PATH/loader1/job/N: bus_job.c has its
 * life, bus_job_object.c what of it can be seen and called. It runs, ends once, and is seen for JOB_KEEP_MS yet, or
 * until JOBS_KEPT others have ended after it. */
#ifndef EBPF_AGENT_LOADERD_BUS_JOB_H
#define EBPF_AGENT_LOADERD_BUS_JOB_H

#include "../common/bus.h"
#include "loaderd.h"

#define BUS_JOB_PREFIX AGENT_BUS_PATH "/loader1/job"
#define BUS_JOB_PATH_MAX (sizeof(BUS_JOB_PREFIX) + 24)

#define JOB_KEEP_MS   60000
#define JOBS_KEPT     64	/* that have ended */
#define JOBS_RUNNING  256	/* no more at the same time */
#define JOB_CALLS_MAX 64	/* of Wait, of those who did not start it */

enum bus_job_kind { BUS_JOB_LOAD, BUS_JOB_UNLOAD, BUS_JOB_UNLOAD_ALL };
enum bus_job_state { BUS_JOB_RUNNING, BUS_JOB_DONE, BUS_JOB_FAILED, BUS_JOB_CANCELLED };

struct texts {
	char **s;
	size_t n;
};

/* Somebody waits for the end. */
struct bus_call {
	struct bus_call *next;
	sd_bus_message *call;
};

struct bus_job {
	struct bus_job *next;
	struct loaderd *d;
	uint64_t number;
	enum bus_job_kind kind;
	enum bus_job_state state;
	bool announced;
	char program[AGENT_NAME_MAX + 1];	/* empty: all, or not known yet */
	char phase[128];
	unsigned percent;
	uint64_t started_at;		/* µs, CLOCK_REALTIME */
	uint64_t until;			/* of uv_now(), ms: it has ended, and is gone then */
	uint64_t ended;			/* the how-manieth it was to end */
	struct outcome outcome;		/* why it did not go well */
	struct texts programs, warnings;
	char *owner;			/* unique name of who started it */
	struct bus_call *calls;
	size_t n_calls;			/* of others than its owner */

	/* of unloads */
	size_t missing;			/* programs that are under way */
	size_t failed;
	uint64_t most, told_at;		/* records left; when that was told, ms */
};

/* A job that @call asks for; nobody sees it yet. NULL: there are too many, or no memory (said in @error). */
struct bus_job *bus_job_new(struct loaderd *d, enum bus_job_kind kind, sd_bus_message *call, sd_bus_error *error);
/* It was begun: from here on it is seen, and @call is answered with its path. */
int bus_job_reply(struct bus_job *j, sd_bus_message *call);
/* It could not be begun; frees it. */
void bus_job_drop(struct bus_job *j);

void bus_job_tell(struct bus_job *j, unsigned percent, const char *fmt, ...) printf_like(3, 4);
void bus_job_add_program(struct bus_job *j, const char *name);
void bus_job_add_warnings(struct bus_job *j, const struct conf_strs *warnings);
/* Its end; what is wrong is said in j->outcome. Everybody who waits is told. */
void bus_job_end(struct bus_job *j);

/* Those whose time is over go. */
void bus_job_look(struct loaderd *d);
void bus_job_free_all(struct loaderd *d);

/* bus_job_object.c */
void bus_job_path(const struct bus_job *j, char ret[BUS_JOB_PATH_MAX]);
int bus_job_offer(struct loaderd *d, sd_bus *bus);
void bus_job_announce(struct bus_job *j);
void bus_job_announce_all(struct loaderd *d);
void bus_job_changed(const struct bus_job *j, char **properties);
void bus_job_removed(const struct bus_job *j);
/* Those who waited are told, and forgotten. */
void bus_job_answer(struct bus_job *j);

#endif
