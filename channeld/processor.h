/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A user's processor (`type: user_so`), as the worker sees it: records in, checked results out, in order. The code
 * itself runs in a process of its own (sandbox.c), behind a batch area (abi/batch.h), started by ebpf-launcher.
 *
 * Blame: when the sandbox dies or outlasts its deadline, the record that was in flight is tried once more, alone, in a
 * new sandbox; only a second death counts it (so_crash, so_timeout) and goes on behind it. A SIGKILL that did not come
 * from here (the machine ran out of memory, an administrator) blames no record: it is simply tried again. */
#ifndef EBPF_AGENT_PROCESSOR_H
#define EBPF_AGENT_PROCESSOR_H

#include "../abi/spool.h"
#include "../common/diag.h"
#include "../common/manifest.h"

struct processor;

#define PROCESSOR_ENV_DEADLINE "EBPF_AGENT_PROCESSOR_DEADLINE_MS"	/* per batch; default 1000 */
#define PROCESSOR_ENV_MEMORY   "EBPF_AGENT_PROCESSOR_MEMORY"		/* bytes, RLIMIT_DATA; default 256 MiB */

/* Opens everything that is needed ever after (the artifact, the batch area, a connection of its own to the launcher
 * behind @launcher_sock, which stays the caller's), and starts the sandbox; whether it could load the processor is
 * known at the first run. Call it before rights_apply(). -ENOENT, -EINVAL, … (see @d). */
int processor_new(const struct manifest *m, const struct manifest_route *route, int launcher_sock,
		  struct processor **ret, struct diag *d);

/* Copies a record into the batch. -ENOSPC: the batch is full, run it first; -EMSGSIZE: no batch can hold it. */
int processor_add(struct processor *p, const void *data, uint32_t len, uint64_t cookie);

/* Runs what was added, and calls @on_result for each record in the order of adding: @drop == SPOOL_N_DROPS is a
 * result, one valid JSON value in @json, readable until the callback returns; any other @drop says why there is none.
 * Blocks for at most the deadline per batch and per death. 0, or -errno with processor_error() saying why: the records
 * that had no @on_result stay in the batch, and another run goes on with them. */
int processor_run(struct processor *p, void (*on_result)(void *arg, uint64_t cookie, enum spool_drop drop,
							 const char *json, size_t len), void *arg);

/* Why the last run failed, in a sentence; "" if it did not. */
const char *processor_error(const struct processor *p);
/* How often a new sandbox had to be started. */
uint64_t processor_restarts(const struct processor *p);
/* Its process, 0: none at the moment. For status and tests. */
pid_t processor_pid(const struct processor *p);

/* Accepts NULL. The sandbox is killed. */
void processor_free(struct processor *p);

#endif
