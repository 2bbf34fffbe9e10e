/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Several functions with one state: each says its name, how many calls there were before, and what it was given. */
#include "tracer.h"

static unsigned calls;

static void say(struct tracer_ctx *ctx, const char *name)
{
	tracer_printf(ctx, "{\"function\":\"%s\",\"calls\":%u,\"len\":%lld,\"data\":", name, calls++,
		      (long long)ctx->ring.data.len);
	tracer_string(ctx, ctx->ring.data.data, ctx->ring.data.len > 32 ? 32 : (size_t)ctx->ring.data.len);
	tracer_printf(ctx, "}");
}

TRACER_EXPORT void first(struct tracer_ctx *ctx)
{
	say(ctx, "first");
}

TRACER_EXPORT void second(struct tracer_ctx *ctx)
{
	say(ctx, "second");
}

/* More than a spool record takes. */
TRACER_EXPORT void much(struct tracer_ctx *ctx)
{
	for (int i = 0; i < 20000; i++)
		tracer_printf(ctx, "%07d\n", i);
}

/* A file is there to be read. */
TRACER_EXPORT void scribble(struct tracer_ctx *ctx)
{
	*(volatile char *)ctx->ring.data.data = 'x';
}

/* A hash function that does with its context what it likes. */
TRACER_EXPORT uint64_t cut(struct tracer_ctx *ctx)
{
	uint64_t len = (uint64_t)ctx->ring.data.len;

	tracer_printf(ctx, "\"nobody reads this\"");
	ctx->ring.data.len = ctx->ring.data.cap = 0;
	ctx->res.data.cap = 1;
	return len;
}
