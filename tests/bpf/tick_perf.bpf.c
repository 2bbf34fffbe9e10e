// SPDX-License-Identifier: GPL-2.0-or-later
/* tick.bpf.c's events through a perf event array. A record of 72 bytes: the kernel makes 76 of it. */
#include "ticker.bpf.h"
#include "agent.bpf.h"

struct tick {
	__u64 n;
	__u32 pid, tid;
	char comm[16];
	__u32 cpu;
	__u32 twice;
	__u32 spare[7];
};

AGENT_PERF(ticks);
AGENT_EVENT(ticks, tick);

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tick t = {};
	__u32 n;

	if (!ticker_called(ctx, &n))
		return 0;
	t.n = n;
	t.pid = id >> 32;
	t.tid = (__u32)id;
	bpf_get_current_comm(t.comm, sizeof(t.comm));
	t.cpu = bpf_get_smp_processor_id();
	t.twice = n * 2;
	agent_perf_output(ctx, ticks, &t, sizeof(t));
	return 0;
}
