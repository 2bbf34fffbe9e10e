// SPDX-License-Identifier: GPL-2.0-or-later
/* Ticks (tick.bpf.c) as events of the system's first example (oom_slide.h), for processors in Go. */
#include "ticker.bpf.h"
#include "agent.bpf.h"
#include "oom_slide.h"

AGENT_RING(oom_events, 8 << 20);
AGENT_EVENT(oom_events, slide_event);

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct slide_event *e;
	__u32 n;

	if (!ticker_called(ctx, &n))
		return 0;
	e = agent_reserve(oom_events, sizeof(*e));
	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->ts_ns = bpf_ktime_get_ns();
	e->delta_time = n;
	e->pid = (__u32)id;
	e->tgid = id >> 32;
	e->ppid = 1;
	e->state = n % 3;
	e->exit_code = n % 128;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	__builtin_memcpy(e->message, "Out of memory", 13);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
