// SPDX-License-Identifier: GPL-2.0-or-later
/* AGENT_EVENT() with a slip of the finger: there is no struct openedx. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct opened {
	__u64 a;
};

AGENT_RING(events, 4096);
AGENT_EVENT(events, openedx);

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	struct opened *o = agent_reserve(events, sizeof(*o));

	if (o)
		bpf_ringbuf_submit(o, 0);
	return 0;
}
