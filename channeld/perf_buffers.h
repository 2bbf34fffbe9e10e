/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's side of perf buffers: has them mapped, so that they outlive worker and loaderd, gets them from
 * loaderd and offers them to the next one, gives them to workers, looks into them for the ledger. */
#ifndef EBPF_AGENT_PERF_BUFFERS_H
#define EBPF_AGENT_PERF_BUFFERS_H

#include "../common/buffers.h"
#include "channeld.h"

/* Connects, if it is not. */
void perf_buffers_look(struct channeld *c);
/* Gives up those of programs that are gone. */
void perf_buffers_sweep(struct channeld *c);
void perf_buffers_stop(struct channeld *c);

/* Are all there that the program needs? *ret_fd: a socket in which they lie, for a worker; -1: it needs none.
 * -EAGAIN: loaderd has not handed them over yet. */
int perf_buffers_for_worker(const struct manifest *m, int *ret_fd);

static inline uint32_t perf_source_id(uint64_t event_id)
{
	return SPOOL_SOURCE_PERF | (event_id & (SPOOL_SOURCE_PIPE - SPOOL_SOURCE_PERF - 1));
}

/* See struct transport. */
int perf_buffers_count(const struct manifest *m, const struct manifest_channel *c, const struct spool_commit *commit,
		       uint64_t *ret_pending, uint64_t *ret_discarded);
uint64_t perf_buffers_lost(const struct manifest *m, const struct manifest_channel *c,
			   const struct spool_commit *commit);

#endif
