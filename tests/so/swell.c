/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The number of a tick (tests/bpf/tick.bpf.c); ticks 1000, 1001 and 2500 become results of 50,000 bytes. */
#include "tracer.h"

#include <string.h>

void process(struct tracer_ctx *ctx);

void process(struct tracer_ctx *ctx)
{
	static char pad[50001];
	uint64_t n;

	memcpy(&n, (const char *)ctx->ring.data.data + 8, sizeof(n));
	if (!pad[0])
		memset(pad, 'x', sizeof(pad) - 1);
	tracer_printf(ctx, "{\"n\":%llu,\"pad\":\"%s\"}", (unsigned long long)n,
		      n == 1000 || n == 1001 || n == 2500 ? pad : "");
}
