/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Functions around a load, for tests/bpf/functions.bpf.c: each writes down when it was called, from a counter that they
 * share; and functions that do what none should, by the kind that their name begins with. */
#define _GNU_SOURCE
#include "tracer_load.h"

#include <stdlib.h>
#include <unistd.h>

static uint64_t calls;

/* The initfile's first line is the greeting, its second a number. */
TRACER_EXPORT void init(struct tracer_ctx *ctx)
{
	const char *file = ctx->ring.data.data, *end = file ? memchr(file, '\n', (size_t)ctx->ring.data.len) : NULL;

	tracer_request_map_string(ctx, "settings", "init", 16, ++calls);
	if (!end)
		return;
	tracer_request_variable_string(ctx, "greeting", file, (size_t)(end - file));
	tracer_request_map_string(ctx, "settings", "word", 16, strtoull(end + 1, NULL, 10));
}

TRACER_EXPORT void preload(struct tracer_ctx *ctx)
{
	const struct { uint32_t a, b; } pair = { 7, 8 };
	const uint32_t one = 1;

	tracer_request_map_string(ctx, "settings", "preload", 16, ++calls);
	tracer_request_variable_u64(ctx, "main.order", calls);
	tracer_request_variable_s64(ctx, "small", 200);
	tracer_request_map_bytes(ctx, "main.pairs", &one, sizeof(one), &pair, sizeof(pair));
	tracer_log(ctx, "preload was told %.*s", (int)ctx->ring.data.len, (const char *)ctx->ring.data.data);
}

TRACER_EXPORT void postload(struct tracer_ctx *ctx)
{
	tracer_request_map_string(ctx, "settings", "postload", 16, ++calls);
	tracer_log(ctx, "postload was told %.*s", (int)ctx->ring.data.len, (const char *)ctx->ring.data.data);
}

TRACER_EXPORT void unload(struct tracer_ctx *ctx)
{
	tracer_log(ctx, "unload is call %llu of its process, told %.*s", (unsigned long long)++calls,
		   (int)ctx->ring.data.len, (const char *)ctx->ring.data.data);
}

TRACER_EXPORT void process(struct tracer_ctx *ctx)
{
	tracer_printf(ctx, "{\"calls\":%llu}", (unsigned long long)calls);
}

/* ---- bad ones ---------------------------------------------------------------------------------------------------- */

TRACER_EXPORT void crash(struct tracer_ctx *ctx)
{
	static volatile int *volatile nowhere = (int *)8;

	(void)ctx;
	*nowhere = 0;
}

TRACER_EXPORT void leave(struct tracer_ctx *ctx)
{
	(void)ctx;
	_exit(3);
}

TRACER_EXPORT void hang(struct tracer_ctx *ctx)
{
	for (volatile int *i = (volatile int *)&ctx->err.code; *i == 0;)
		;
}

/* What is not touched counts as well. */
TRACER_EXPORT void hoard(struct tracer_ctx *ctx)
{
	static void *volatile last;

	for (size_t i = 0;; i++)
		if (!(last = malloc(1 << 20))) {
			tracer_log(ctx, "no more than %zu MiB", i);
			tracer_fail(ctx, 5);
			return;
		}
}

TRACER_EXPORT void refuse(struct tracer_ctx *ctx)
{
	tracer_log(ctx, "no, thank you");
	tracer_fail(ctx, 42);
}

TRACER_EXPORT void babble(struct tracer_ctx *ctx)
{
	static char much[1 << 16];

	memset(much, ' ', sizeof(much));
	for (int i = 0; i < 65; i++)
		tracer_raw(ctx, much, sizeof(much));
}

/* The initfile is what to ask for. */
TRACER_EXPORT void repeat(struct tracer_ctx *ctx)
{
	tracer_raw(ctx, ctx->ring.data.data, (size_t)ctx->ring.data.len);
}

static char kept[65536];
static size_t n_kept;

TRACER_EXPORT void keep(struct tracer_ctx *ctx)
{
	n_kept = (size_t)ctx->ring.data.len < sizeof(kept) ? (size_t)ctx->ring.data.len : sizeof(kept);
	memcpy(kept, ctx->ring.data.data, n_kept);
}

TRACER_EXPORT void repeat_kept(struct tracer_ctx *ctx)
{
	tracer_raw(ctx, kept, n_kept);
}
