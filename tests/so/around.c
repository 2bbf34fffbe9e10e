/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Functions around a load that ask for nothing, of any object. */
#include "tracer_load.h"

TRACER_EXPORT void preload(struct tracer_ctx *ctx)
{
	tracer_log(ctx, "preload");
}

TRACER_EXPORT void postload(struct tracer_ctx *ctx)
{
	tracer_log(ctx, "postload");
}

TRACER_EXPORT void unload(struct tracer_ctx *ctx)
{
	tracer_log(ctx, "unload");
}
