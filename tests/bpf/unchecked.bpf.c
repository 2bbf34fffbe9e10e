// SPDX-License-Identifier: GPL-2.0-or-later
/* A program that the verifier refuses: it reads memory that it has not checked. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct event {
	__u64 n;
};
AGENT_RING(ticks, 4096);
AGENT_EVENT(ticks, event);

SEC("tracepoint/syscalls/sys_enter_getpriority")
int on_getpriority(void *ctx)
{
	struct event *e = agent_reserve(ticks, sizeof(*e));

	e->n = 1;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
