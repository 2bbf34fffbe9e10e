/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What records without a struct of their own look like: the bytes of a polled map's entry, and lines. Keys are by a
 * function. */
#include "tracer.h"

/* tests/bpf/polled.bpf.c: by_index, by_hash */
struct by_index {
	uint32_t key;
	uint64_t value;
} __attribute__((packed));

struct by_hash {
	uint32_t n;
	char comm[16];
	uint64_t calls, sum;
	uint32_t last, pad;
} __attribute__((packed));

TRACER_EXPORT void index_entry(struct tracer_ctx *ctx);
TRACER_EXPORT void hash_entry(struct tracer_ctx *ctx);
TRACER_EXPORT uint64_t first_word(struct tracer_ctx *ctx);
TRACER_EXPORT void length(struct tracer_ctx *ctx);
TRACER_EXPORT uint64_t first_byte(struct tracer_ctx *ctx);

void index_entry(struct tracer_ctx *ctx)
{
	const struct by_index *e = ctx->ring.data.data;

	if (ctx->ring.data.len != sizeof(*e)) {
		tracer_fail(ctx, TRACER_ERR_SHORT);
		return;
	}
	tracer_printf(ctx, "{\"key\":%u,\"value\":%llu}", e->key, (unsigned long long)e->value);
}

void hash_entry(struct tracer_ctx *ctx)
{
	const struct by_hash *e = ctx->ring.data.data;

	if (ctx->ring.data.len != sizeof(*e)) {
		tracer_fail(ctx, TRACER_ERR_SHORT);
		return;
	}
	tracer_printf(ctx, "{\"n\":%u,\"calls\":%llu,\"sum\":%llu,\"comm\":", e->n, (unsigned long long)e->calls,
		      (unsigned long long)e->sum);
	tracer_string(ctx, e->comm, sizeof(e->comm));
	tracer_printf(ctx, "}");
}

uint64_t first_word(struct tracer_ctx *ctx)
{
	const struct by_index *e = ctx->ring.data.data;

	return ctx->ring.data.len >= 4 ? e->key : UINT64_MAX;
}

/* Of lines: whatever they are. */
void length(struct tracer_ctx *ctx)
{
	const char *s = ctx->ring.data.data;
	size_t len = (size_t)ctx->ring.data.len;

	if (len && s[len - 1] == '\n')
		tracer_fail(ctx, TRACER_ERR_SHORT);
	tracer_printf(ctx, "{\"len\":%zu,\"line\":", len);
	tracer_string(ctx, s, len);
	tracer_printf(ctx, "}");
}

uint64_t first_byte(struct tracer_ctx *ctx)
{
	return ctx->ring.data.len > 0 ? *(const unsigned char *)ctx->ring.data.data : 0;
}
