// SPDX-License-Identifier: GPL-2.0-or-later
/* Two rings for one call of tests/tools/ticker: one is counted, and the program gives every odd event up again; of the
 * other, as of many an object of others, nobody counts what was produced. */
#include "ticker.bpf.h"
#include "agent.bpf.h"

struct tick {
	__u64 ts_ns;
	__u64 n;
};
AGENT_RING(counted, 1 << 20);
AGENT_EVENT(counted, tick);
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} foreign SEC(".maps");
AGENT_EVENT(foreign, tick);

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	struct tick *t;
	__u32 n;

	if (!ticker_called(ctx, &n))
		return 0;
	t = agent_reserve(counted, sizeof(*t));
	if (t) {
		t->ts_ns = bpf_ktime_get_ns();
		t->n = n;
		if (n & 1)
			bpf_ringbuf_discard(t, 0);
		else
			bpf_ringbuf_submit(t, 0);
	}
	t = bpf_ringbuf_reserve(&foreign, sizeof(*t), 0);
	if (!t)
		return 0;
	t->ts_ns = bpf_ktime_get_ns();
	t->n = n;
	bpf_ringbuf_submit(t, 0);
	return 0;
}
