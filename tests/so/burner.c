/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Answers at once, and leaves a thread behind that never rests. */
#include "tracer.h"

#include <pthread.h>

void process(struct tracer_ctx *ctx);

static void *burn(void *arg)
{
	for (;;)
		__asm__ volatile("");
	return arg;
}

void process(struct tracer_ctx *ctx)
{
	static pthread_t thread;

	if (!thread)
		pthread_create(&thread, NULL, burn, NULL);
	tracer_printf(ctx, "1");
}
