// SPDX-License-Identifier: GPL-2.0-or-later
/* A source of events that a test controls to the last one: tests/tools/ticker calls getpriority(MAGIC, n), and each
 * call is one event with that n. The YAML sets the magic, so that tests that run side by side do not see each other's.
 * A small ring, so that a test can fill it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 tick_magic = 0x5eed;

struct tick {
	__u64 ts_ns;
	__u64 n;
	__u32 pid, tid;
	char comm[16];
	__u64 twice;
	__u64 half;
	__u64 spare;
};

#ifndef TICK_RING
#define TICK_RING 4096
#endif
AGENT_RING(ticks, TICK_RING);
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
	struct tick *t;

	if (ctx->which != tick_magic)
		return 0;
	t = agent_reserve(ticks, sizeof(*t));
	if (!t)
		return 0;
	t->ts_ns = bpf_ktime_get_ns();
	t->n = (__u32)ctx->who;
	t->pid = id >> 32;
	t->tid = (__u32)id;
	bpf_get_current_comm(t->comm, sizeof(t->comm));
	t->twice = t->n * 2;
	t->half = t->n / 2;
	t->spare = 0;
	bpf_ringbuf_submit(t, 0);
	return 0;
}
