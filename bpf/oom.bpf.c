// SPDX-License-Identifier: GPL-2.0-or-later
/* oom: every process that the kernel chose to kill because memory ran out, and who was asking for memory then. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "agent.bpf.h"
#include "oom.h"

char LICENSE[] SEC("license") = "GPL";

AGENT_RING(oom_events, 64 << 10);
AGENT_EVENT(oom_events, oom_event);

SEC("tracepoint/oom/mark_victim")
int on_mark_victim(struct trace_event_raw_mark_victim *ctx)
{
	struct oom_event *e = agent_reserve(oom_events, sizeof(*e));

	if (!e)
		return 0;
	e->ts_ns = bpf_ktime_get_ns();
	e->cgroup_id = bpf_get_current_cgroup_id();
	e->pid = ctx->pid;
	e->trigger_pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(e->trigger_comm, sizeof(e->trigger_comm));
	bpf_ringbuf_submit(e, 0);
	return 0;
}
