/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program's processors may use, and how they are: a memfd that channeld's supervisor shares with the worker, and
 * keeps when that one dies, so that neither a back-off nor a count begins anew with the next.
 *
 * `limits` are the supervisor's to write, at any time: each is read when it is needed, so that a new configuration
 * holds from a sandbox's next start or next batch on. All else is the worker's, one row per route (the index is that of
 * the manifest); the supervisor only shows it. Another load of the program has an area of its own. */
#ifndef EBPF_AGENT_PROCESSOR_STATUS_H
#define EBPF_AGENT_PROCESSOR_STATUS_H

#include <sys/types.h>

#include "../abi/spool.h"
#include "../common/base.h"
#include "../common/refusals.h"

struct processor_limits {
	uint64_t memory;		/* bytes of private writable memory of a sandbox (RLIMIT_DATA) */
	uint64_t deadline_ns;		/* per batch */
	uint64_t background_ns;		/* of CPU time per second, between batches */
	uint64_t delay_min_ns, delay_max_ns;	/* between a sandbox's end and the next start: processor_health.h */
	uint64_t failed_after;		/* ends in a row, no record done between */
	uint64_t retry_ns;		/* between tries of a failed one */
	uint64_t letters_for;		/* a bit for each enum spool_drop that is written to the dead-letter file */
	uint64_t letters_size;		/* bytes of that file; there may be one older one */
};

#define PROCESSOR_STATE_LIST(X)                                          \
	X(STARTING, starting, "its sandbox loads it")                    \
	X(RUNNING,  running,  "it answers, or waits for records")        \
	X(WAITING,  waiting,  "its next start waits; so do its events")  \
	X(FAILED,   failed,   "its events are counted without a try")
enum processor_state {
#define X(upper, lower, help) PROCESSOR_##upper,
	PROCESSOR_STATE_LIST(X)
#undef X
	PROCESSOR_N_STATES
};
extern const char *const processor_state_names[PROCESSOR_N_STATES];

struct processor_row {
	uint32_t used;			/* there is a processor on this route */
	uint32_t state;			/* enum processor_state */
	int32_t pid;			/* of its sandbox; 0: none */
	uint32_t uid;
	uint64_t starts;		/* of sandboxes */
	uint64_t deaths;		/* of those that ended, or were ended, by their own fault */
	uint64_t in_row;		/* of these, those judged since a record was done: processor_health.h */
	uint64_t retry_at_ns;		/* CLOCK_MONOTONIC: waiting or failed, till then */
	uint64_t letters;		/* written to the dead-letter file */
	struct refusals refusals;	/* of its sandboxes' system calls */
	char last_end[136];		/* how the last one ended; empty: none did */
};

struct processor_area {
	struct processor_limits limits;
	uint64_t letters_lost;		/* had no place: the disk was full */
	uint64_t letters_gone;		/* went with an older file */
	struct processor_row rows[SPOOL_MAX_ROUTES];
};

/* What holds where nobody says otherwise; channeld.yaml's rows begin with these, too. */
extern const struct processor_limits processor_default_limits;

/* The supervisor's: 0 and the memfd with its mapping, -errno. */
int processor_area_new(int *ret_fd, struct processor_area **ret);
/* The worker's. -EBADMSG: that is none. */
int processor_area_map(int fd, struct processor_area **ret);
void processor_area_free(struct processor_area *a);

/* The worker changes it at any time: a copy whose text ends and whose state exists. */
void processor_row_read(const struct processor_row *row, struct processor_row *ret);

#endif
