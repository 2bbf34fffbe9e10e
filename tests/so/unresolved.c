/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Needs a function that nobody has. */
#include "tracer.h"

void process(struct tracer_ctx *ctx);
void nobody_has_this_function(void);

void process(struct tracer_ctx *ctx)
{
	nobody_has_this_function();
	tracer_printf(ctx, "{}");
}
