/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The processor ABI: what a user's shared object (`type: user_so`) sees of an event.
 *
 *   void process(struct tracer_ctx *ctx);
 *
 * is called once per record, always from one and the same thread, inside a process that has nothing else: no files,
 * no network, no bpf(). It reads ctx->ring.data, writes one JSON value (UTF-8) to ctx->res.data and its length to
 * ctx->res.len. Length 0 means "nothing to say": the event is counted as filtered. A non-zero ctx->err.code alone says
 * that it failed (so_error); a length beyond res.data.cap is an error as well (oversize). What it wrote is checked
 * before it goes anywhere.
 *
 * The layout is how Go lays out the nested structs RingCtx{Data []byte}, ResCtx{Data []byte; ResLen uint32} and
 * ErrCtx{ErrCode int32}: a slice is {pointer, length, capacity}, and ResCtx is padded to 32 bytes. */
#ifndef EBPF_AGENT_ABI_PROCESSOR_H
#define EBPF_AGENT_ABI_PROCESSOR_H

#include <stdint.h>

struct tracer_slice {
	void *data;
	int64_t len, cap;	/* bytes */
};

struct tracer_ctx {
	struct {
		struct tracer_slice data;	/* the record as the kernel submitted it; do not write */
	} ring;
	struct {
		struct tracer_slice data;	/* room for the result: len == cap */
		uint32_t len;			/* out: bytes written */
	} res;
	struct {
		int32_t code;			/* out: 0, or why it failed */
	} err;
};
#if __SIZEOF_POINTER__ == 8 && !defined(__cplusplus)
_Static_assert(sizeof(struct tracer_ctx) == 64, "processor.h is ABI");
_Static_assert(__builtin_offsetof(struct tracer_ctx, err) == 56, "ErrCtx follows a ResCtx padded to 32 bytes");
#endif

typedef void (*tracer_process_fn)(struct tracer_ctx *ctx);

#endif
