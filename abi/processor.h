/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The processor ABI: what a user's shared object (`type: user_so`) sees of an event.
 *
 *   void process(struct tracer_ctx *ctx);
 *
 * is called once per record, always from one and the same thread, inside a process that has nothing else: no files,
 * no network, no bpf(). It reads ctx->ring.data, writes one JSON value (UTF-8, no line feed) to ctx->res.data and its
 * length to ctx->res.len; or several results, with a line feed between each two. A result that begins with
 * TRACER_SAMPLE is a metric sample. Length 0 means "nothing to say": the event is counted as filtered. A non-zero
 * ctx->err.code alone says that it failed (so_error); a length beyond res.data.cap is an error as well (oversize). What
 * it wrote is checked before it goes anywhere.
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

/* A function of type `hash`: the key of the event in ctx->ring.data. Events of one key stay in order, and go to one
 * partition. It is called before process(), for the same record; what it writes to ctx goes nowhere, except for
 * ctx->err.code. */
typedef uint64_t (*tracer_hash_fn)(struct tracer_ctx *ctx);

/* What lies behind the tracer_ctx that a function is given. */
struct tracer_call {
	struct tracer_ctx ctx;
	const char *channel;		/* the name of the channel that the record came through; "" around a load */
};

/* A metric sample: this character, then an object.
 *
 *   @{"name":"requests","type":"counter","labels":{"path":"/"},"value":17}
 *   @{"name":"latency_us","type":"histogram","labels":{},"buckets":[[1,0],[3,12],[7,1]],"count":13,"sum":40}
 *
 * name: [a-zA-Z_:][a-zA-Z0-9_:]*, at most 128 bytes. type: counter (a total, or what came since the last sample), gauge
 * or histogram. labels: texts, at most 32. A histogram has, instead of a value, buckets: [upper bound, how many lie in
 * it and in no lower one], by growing bounds; count and sum may be left out. */
#define TRACER_SAMPLE '@'
#define TRACER_SAMPLE_NAME_MAX 128
#define TRACER_SAMPLE_LABELS_MAX 32

#endif
