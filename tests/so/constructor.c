/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Dies while it is loaded. */
#include "tracer.h"

void process(struct tracer_ctx *ctx);

static volatile int *volatile nowhere = (int *)16;

__attribute__((constructor)) static void crash(void)
{
	*nowhere = 1;
}

void process(struct tracer_ctx *ctx)
{
	tracer_printf(ctx, "{}");
}
