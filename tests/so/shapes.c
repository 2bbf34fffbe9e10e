/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For ticks (tests/bpf/tick.bpf.c): what n % 8 says of results, samples and errors, and keys by a function. */
#include "tracer.h"

struct tick {
	uint64_t ts_ns, n;
	uint32_t pid, tid;
};

void process(struct tracer_ctx *ctx);
uint64_t parity(struct tracer_ctx *ctx);
void second(struct tracer_ctx *ctx);
void prepare(struct tracer_ctx *ctx);

static uint64_t seen;		/* by both functions: they share the process */

static const struct tracer_bucket buckets[] = { { 1, 0 }, { 3, 2 }, { 7, 1 } };

TRACER_EXPORT void process(struct tracer_ctx *ctx)
{
	const struct tick *t = ctx->ring.data.data;
	char text[24];

	seen++;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)t->n);
	switch (t->n % 8) {
	case 0: break;
	case 1: tracer_printf(ctx, "{\"n\":%s}", text); break;
	case 2: tracer_printf(ctx, "{\"n\":%s}\n{\"again\":%s}", text, text); break;
	case 3:
		tracer_printf(ctx, "{\"n\":%s}", text);
		tracer_counter(ctx, "ticks", 1, "n", text, "quote", "\"\\\n", NULL);
		break;
	case 4:
		tracer_gauge(ctx, "load", 0.25, NULL);
		tracer_histogram(ctx, "sizes", buckets, 3, "n", text, NULL);
		break;
	case 5: tracer_printf(ctx, "@{\"name\":\"9\",\"type\":\"counter\",\"value\":1}"); break;	/* no name */
	case 6: tracer_printf(ctx, "{\"n\":%s}\n{", text); break;			/* one bad, all bad */
	case 7: tracer_printf(ctx, "{\"channel\":\"%s\",\"n\":%s}", tracer_channel(ctx), text); break;
	}
}

TRACER_EXPORT uint64_t parity(struct tracer_ctx *ctx)
{
	const struct tick *t = ctx->ring.data.data;

	tracer_printf(ctx, "goes nowhere");
	return t->n & 1;
}

static char prepared[64];	/* by what the initfile says */

TRACER_EXPORT void prepare(struct tracer_ctx *ctx)
{
	if (ctx->ring.data.len >= (int64_t)sizeof(prepared))
		tracer_fail(ctx, 7);
	else if (ctx->ring.data.len > 0)
		memcpy(prepared, ctx->ring.data.data, (size_t)ctx->ring.data.len);
}

TRACER_EXPORT void second(struct tracer_ctx *ctx)
{
	tracer_printf(ctx, "{\"seen\":%s,\"prepared\":", seen ? "true" : "false");
	tracer_string(ctx, prepared, sizeof(prepared));
	tracer_printf(ctx, "}");
}
