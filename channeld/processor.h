/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user's processor (`type: user_so`), as the worker sees it: records in, checked results out, in order. The code
 * itself, with all its functions that take events, runs in a process of its own (sandbox.c), behind a batch area
 * (abi/batch.h), started by ebpf-launcher.
 *
 * Blame: when the sandbox dies or outlasts its deadline, the record that was in flight is tried once more, alone, in a
 * new sandbox; only a second death counts it (so_crash, so_timeout) and goes on behind it. A SIGKILL that did not come
 * from here (the machine ran out of memory, an administrator) blames no record: it is simply tried again.
 *
 * After too many deaths in a row it is failed (processor_health.h): its records are counted as so_crash at once, and
 * what else the program does goes on. One that cannot be loaded fails by the same count: to wait for it would hold up
 * all other routes of its program, for ever, and its events are lost all the same once the ring is full. */
#ifndef EBPF_AGENT_PROCESSOR_H
#define EBPF_AGENT_PROCESSOR_H

#include "../abi/spool.h"
#include "../common/batch.h"
#include "../common/diag.h"
#include "../common/manifest.h"
#include "processor_status.h"

struct processor;

/* Opens everything that is needed ever after (the artifact, the batch area, a connection of its own to the launcher
 * behind @launcher_sock, which stays the caller's), and starts the sandbox; whether it could load the processor is
 * known at the first run. @limits (NULL: the defaults) are read whenever they are needed, and may change; @row (may be
 * NULL) is kept up to date, and what it says of earlier deaths counts. Both stay the caller's. Call it before
 * rights_apply(). -ENOENT, -EINVAL, … (see @d). */
int processor_new(const struct manifest *m, const char *item, int launcher_sock,
		  const struct processor_limits *limits, struct processor_row *row, struct processor **ret,
		  struct diag *d);

/* The number of a function that a route of the manifest names, for struct batch_call. */
uint16_t processor_function(const struct processor *p, const char *name);

/* Copies a record into the batch. -ENOSPC: the batch is full, run it first; -EMSGSIZE: no batch can hold it. */
int processor_add(struct processor *p, const struct batch_call *call, const void *data, uint32_t len, uint64_t cookie);

/* Runs what was added, and calls @on_result for each record in the order of adding: @drop == SPOOL_N_DROPS:
 * @text is valid results (common/results.h), readable until the callback returns; any other @drop says why there are
 * none, and @text how the sandbox ended, if the record was tried and ended it. @key: of a record whose call asked for
 * one and got it, else NULL; one for which nothing else was asked is SPOOL_DROP_FILTERED besides.
 *
 * Blocks for at most the deadline per batch and per death. 0, or -errno: no sandbox can be had at the moment (-EAGAIN:
 * it was started too often just before; else processor_error() says why). The records that had no @on_result stay in
 * the batch, and another run goes on with them, after processor_wait_ms() at the earliest. */
typedef void processor_on_result(void *arg, uint64_t cookie, enum spool_drop drop, const char *text, size_t len,
				 const uint64_t *key);
int processor_run(struct processor *p, processor_on_result *on_result, void *arg);
int processor_wait_ms(const struct processor *p);	/* 1 to 1000 */

/* While its sandbox is being loaded and no batch is run: answers what it asks, and returns what is readable when it
 * asks again; -1: it is loaded, or takes too long, or is gone, which the next batch will find. */
int processor_loading(struct processor *p);
/* About once a second, between batches: one that has died meanwhile is known to be dead, and no record is blamed; one
 * whose threads use too much CPU time is ended, and failed. */
void processor_look(struct processor *p, uint64_t now);

/* Why the last run failed, in a sentence; "" if it did not. */
const char *processor_error(const struct processor *p);
/* How often a new sandbox had to be started. */
uint64_t processor_restarts(const struct processor *p);
/* Its process, 0: none at the moment. For status and tests. */
pid_t processor_pid(const struct processor *p);

/* Accepts NULL. The sandbox is killed. */
void processor_free(struct processor *p);

#endif
