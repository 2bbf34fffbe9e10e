// SPDX-License-Identifier: GPL-2.0-or-later
/* The verifier refuses it: what bpf_ringbuf_reserve() gives is not checked. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct tick {
	__u64 ts_ns;
};
AGENT_RING(ticks, 4096);
AGENT_EVENT(ticks, tick);

SEC("tracepoint/syscalls/sys_enter_getpriority")
int on_getpriority(void *ctx)
{
	struct tick *t = bpf_ringbuf_reserve(&ticks, sizeof(*t), 0);

	t->ts_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(t, 0);
	return 0;
}
