// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks that some kernels lack beside one that all have. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct event {
	__u64 ts_ns;
};
AGENT_RING(events, 4096);
AGENT_EVENT(events, event);

static __always_inline int send(void)
{
	struct event *e = agent_reserve(events, sizeof(*e));

	if (!e)
		return 0;
	e->ts_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("kprobe/no_such_function_at_all")
int no_kprobe(void *ctx)
{
	return send();
}

SEC("fentry/no_such_function_at_all")
int no_fentry(void *ctx)
{
	return send();
}

SEC("tp_btf/no_such_tracepoint")
int no_tp_btf(void *ctx)
{
	return send();
}

SEC("tp/nowhere/no_such_tracepoint")
int no_tracepoint(void *ctx)
{
	return send();
}

SEC("raw_tp/no_such_tracepoint")
int no_raw_tp(void *ctx)
{
	return send();
}

SEC("xdp")
int no_target(void *ctx)
{
	return 2;
}

SEC("?tp/sched/sched_switch")
int on_demand(void *ctx)
{
	return send();
}

SEC("tp/sched/sched_process_exit")
int on_exit(void *ctx)
{
	return send();
}
