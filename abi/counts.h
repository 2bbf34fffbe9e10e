/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a shipped program counts in the kernel, so that the ledger knows what was produced and what never got out.
 *
 * By convention the ring buffer or perf event array R of an object is accompanied by a per-CPU array R_counts with one
 * entry of this type. bpf/agent.bpf.h declares and fills it; channeld sums it over the CPUs. */
#ifndef EBPF_AGENT_ABI_COUNTS_H
#define EBPF_AGENT_ABI_COUNTS_H

#include "types.h"

#define AGENT_COUNTS_SUFFIX "_counts"

/* Unit: events. produced = submitted + ring_full + nmi + lost, at rest; of a perf buffer, also what its own counters
 * (PERF_FORMAT_LOST) say found no room, which ring_full leaves out. */
struct agent_counts {
	__u64 produced;		/* every attempt, whether or not it got a place */
	__u64 ring_full;	/* no room: the consumer was too slow, or the ring too small */
	__u64 nmi;		/* no room taken although there was some: the ring's lock was held (NMI context); perf:
				 * more nested contexts than the kernel has room for */
	__u64 lost;		/* perf: this CPU has no buffer, or the kernel took the record for another reason not */
};
#ifndef __bpf__
_Static_assert(sizeof(struct agent_counts) == 32, "counts.h is ABI");
#endif

#endif
