/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a shipped program counts in the kernel, so that the ledger knows what was produced and what never got out.
 *
 * By convention the ring buffer map R of an object is accompanied by a per-CPU array R_counts with one entry of this
 * type. bpf/agent.bpf.h declares and fills it; channeld sums it over the CPUs. */
#ifndef EBPF_AGENT_ABI_COUNTS_H
#define EBPF_AGENT_ABI_COUNTS_H

#include "types.h"

#define AGENT_COUNTS_SUFFIX "_counts"

/* Unit: events. produced = submitted + ring_full + nmi, at rest. */
struct agent_counts {
	__u64 produced;		/* every attempt, whether or not it got a place */
	__u64 ring_full;	/* no room: the consumer was too slow, or the ring too small */
	__u64 nmi;		/* no room taken although there was some: the ring's lock was held (NMI context) */
	__u64 spare;
};
#ifndef __bpf__
_Static_assert(sizeof(struct agent_counts) == 32, "counts.h is ABI");
#endif

#endif
