/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SDK's writers: whatever an event holds, tracer_string() makes a JSON string of it or says oversize, and never
 * writes beyond the room that there is. */
#include "common/json.h"
#include "sdk/tracer.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	size_t room = fuzz_below(&f, 256), max = fuzz_below(&f, 256), n = f.left;
	char *out = malloc(room + !room), *in = malloc(n + !n);
	struct tracer_ctx ctx = { .ring.data = { in, (int64_t)n, (int64_t)n },
				  .res.data = { out, (int64_t)room, (int64_t)room } };

	memcpy(in, f.p, n);
	must((tracer_event(&ctx, max) != NULL) == (n >= max) && (ctx.err.code == 0) == (n >= max));
	must(tracer_trailing(&ctx, max) == (n > max ? n - max : 0));
	tracer_string(&ctx, in, n < max ? n : max);
	must(ctx.res.len > room || json_check(out, ctx.res.len) == 0);
	tracer_printf(&ctx, "%zu", n);
	tracer_string(&ctx, "", 0);
	free(out);
	free(in);
	return 0;
}
