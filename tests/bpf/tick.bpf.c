// SPDX-License-Identifier: GPL-2.0-or-later
/* One event for each of ticker's calls, with its n. A small ring, so that a test can fill it. */
#include "ticker.bpf.h"
#include "agent.bpf.h"

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

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tick *t;
	__u32 n;

	if (!ticker_called(ctx, &n))
		return 0;
	t = agent_reserve(ticks, sizeof(*t));
	if (!t)
		return 0;
	t->ts_ns = bpf_ktime_get_ns();
	t->n = n;
	t->pid = id >> 32;
	t->tid = (__u32)id;
	bpf_get_current_comm(t->comm, sizeof(t->comm));
	t->twice = t->n * 2;
	t->half = t->n / 2;
	t->spare = 0;
	bpf_ringbuf_submit(t, 0);
	return 0;
}
