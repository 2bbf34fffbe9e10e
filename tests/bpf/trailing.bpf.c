// SPDX-License-Identifier: GPL-2.0-or-later
/* Records with a variable part at their end: ticker's n is its length in bytes. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 tick_magic = 0x5eed;

struct tail {
	__u32 len;
	__u16 values[];
};

AGENT_RING(events, 1 << 20);
AGENT_EVENT(events, tail);

struct sys_enter_getpriority {
	__u64 common;
	long nr;
	long which, who;
};

SEC("tracepoint/syscalls/sys_enter_getpriority")
int on_getpriority(struct sys_enter_getpriority *ctx)
{
	char buf[64];
	struct tail *t = (struct tail *)buf;
	__u64 len = ctx->who;

	if (ctx->which != tick_magic || len > 60)
		return 0;
	for (int i = 0; i < 30; i++)
		((__u16 *)(buf + 4))[i] = i * 1000;
	t->len = len;
	agent_output(events, buf, 4 + len);
	return 0;
}
