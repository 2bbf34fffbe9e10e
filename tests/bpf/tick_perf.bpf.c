// SPDX-License-Identifier: GPL-2.0-or-later
/* tick.bpf.c's events through a perf event array. A record of 72 bytes: the kernel makes 76 of it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 tick_magic = 0x5eed;

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

struct sys_enter_getpriority {
	__u64 common;
	long nr;
	long which, who;
};

SEC("tracepoint/syscalls/sys_enter_getpriority")
int on_getpriority(struct sys_enter_getpriority *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tick t = {};

	if (ctx->which != tick_magic)
		return 0;
	t.n = (__u32)ctx->who;
	t.pid = id >> 32;
	t.tid = (__u32)id;
	bpf_get_current_comm(t.comm, sizeof(t.comm));
	t.cpu = bpf_get_smp_processor_id();
	t.twice = (__u32)t.n * 2;
	agent_perf_output(ctx, ticks, &t, sizeof(t));
	return 0;
}
