/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Well-behaved processors: the cheapest, one that shows its input, one that counts its calls. */
#include "tracer.h"

void process(struct tracer_ctx *ctx);
void echo(struct tracer_ctx *ctx);
void count(struct tracer_ctx *ctx);

/* {"n":N} of a record that begins with a u32, by hand: what is measured is the way, not printf. */
void process(struct tracer_ctx *ctx)
{
	const uint32_t *ev = tracer_event(ctx, sizeof(*ev));
	char *out = ctx->res.data.data, digits[10];
	uint32_t n = 0, v, k = 0;

	if (!ev)
		return;
	memcpy(out, "{\"n\":", 5);
	n = 5;
	v = *ev;
	do
		digits[k++] = (char)('0' + v % 10);
	while (v /= 10);
	while (k)
		out[n++] = digits[--k];
	out[n++] = '}';
	ctx->res.len = n;
}

void echo(struct tracer_ctx *ctx)
{
	tracer_string(ctx, ctx->ring.data.data, (size_t)ctx->ring.data.len);
}

void count(struct tracer_ctx *ctx)
{
	static unsigned calls;

	tracer_printf(ctx, "%u", ++calls);
}
