/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Event of the `oom` program: the kernel chose a process to kill because memory ran out. */
#ifndef EBPF_AGENT_ABI_OOM_H
#define EBPF_AGENT_ABI_OOM_H

#include "types.h"

struct oom_event {
	__u64 ts_ns;		/* CLOCK_MONOTONIC */
	__u64 cgroup_id;	/* of whoever asked for memory, default hierarchy */
	__u32 pid;		/* the victim (tracepoint oom:mark_victim) */
	__u32 trigger_pid;	/* process whose allocation found no memory; often the victim itself */
	char trigger_comm[16];
};
#ifndef __bpf__
_Static_assert(sizeof(struct oom_event) == 40, "oom.h is ABI");
#endif

#endif
