// SPDX-License-Identifier: GPL-2.0-or-later
/* Records with a variable part at their end: ticker's n is its length in bytes. */
#include "ticker.bpf.h"
#include "agent.bpf.h"

struct tail {
	__u32 len;
	__u16 values[];
};

AGENT_RING(events, 1 << 20);
AGENT_EVENT(events, tail);

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	char buf[64];
	struct tail *t = (struct tail *)buf;
	__u32 len;

	if (!ticker_called(ctx, &len) || len > 60)
		return 0;
	for (int i = 0; i < 30; i++)
		((__u16 *)(buf + 4))[i] = i * 1000;
	t->len = len;
	agent_output(events, buf, 4 + len);
	return 0;
}
