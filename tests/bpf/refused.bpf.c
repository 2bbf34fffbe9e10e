// SPDX-License-Identifier: GPL-2.0-or-later
/* The verifier refuses one of them. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct event {
	__u64 ts_ns;
};
AGENT_RING(events, 4096);
AGENT_EVENT(events, event);

SEC("raw_tp/sys_enter")
int unchecked(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	e->ts_ns = 1;	/* may be NULL */
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("raw_tp/sys_exit")
int sound(void *ctx)
{
	return 0;
}
