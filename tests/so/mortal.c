/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A processor for tests/bpf/tick.bpf.c: dies of every fiftieth event, hangs on one, fails on others. */
#include "tracer.h"

#include <stdlib.h>

struct tick {
	uint64_t ts_ns, n;
};

TRACER_EXPORT void process(struct tracer_ctx *ctx)
{
	const struct tick *t = ctx->ring.data.data;

	if (t->n % 50 == 7)
		abort();
	if (t->n == 123)
		for (;;)
			__asm__ volatile("");
	if (t->n % 50 == 8)
		tracer_fail(ctx, 1);
	else
		tracer_printf(ctx, "{\"n\":%llu}", (unsigned long long)t->n);
}

TRACER_EXPORT void refuse(struct tracer_ctx *ctx)
{
	tracer_fail(ctx, 2);
}

TRACER_EXPORT void die(struct tracer_ctx *ctx)
{
	(void)ctx;
	abort();
}
