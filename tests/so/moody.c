/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A processor for tests/bpf/tick.bpf.c whose mood is the event's number. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "tracer.h"

struct tick {
	uint64_t ts_ns, n;
};

void process(struct tracer_ctx *ctx);

static void say(struct tracer_ctx *ctx, const char *text)
{
	ctx->res.len = strlen(text);
	memcpy(ctx->res.data.data, text, ctx->res.len);
}

void process(struct tracer_ctx *ctx)
{
	const struct tick *t = ctx->ring.data.data;
	char text[64];

	switch (t->n % 100) {
	case 10:
		ctx->err.code = 7;
		return;
	case 20:
		ctx->res.len = ctx->res.data.cap + 1;
		return;
	case 30:
		say(ctx, "{\"n\":\"\xff\xfe\"}");
		return;
	case 40:
		say(ctx, "{\"n\":1");
		return;
	case 50:
		return;
	}
	if (t->n == 777)
		raise(SIGSEGV);
	snprintf(text, sizeof(text), "{\"n\":%llu}", (unsigned long long)t->n);
	say(ctx, text);
}
