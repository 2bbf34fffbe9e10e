/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What processors answer: results are valid exactly if each of them is, by itself; and whatever the SDK's writers make
 * of any texts and numbers is valid, unless it says oversize. */
#include <math.h>

#include "common/json.h"
#include "common/results.h"
#include "sdk/tracer.h"
#include "fuzz.h"

static bool is_good(const char *s, size_t len)
{
	char *copy = malloc(len + !len);	/* who reads on is found */
	bool good;

	memcpy(copy, s, len);
	good = len > 0 && *copy == TRACER_SAMPLE ? sample_check(copy + 1, len - 1) == 0 : json_check(copy, len) == 0;
	free(copy);
	return good;
}

static void any_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + !size);
	bool good = true;

	if (size)
		memcpy(text, data, size);
	for (size_t at = 0; at < size;) {
		const char *feed = memchr(text + at, '\n', size - at);
		size_t stop = feed ? (size_t)(feed - text) : size;

		good &= is_good(text + at, stop - at);
		at = stop + 1;
	}
	must((results_check(text, size) == 0) == good);
	free(text);
}

static const char *text_of(struct fuzz *f, char ret[32])
{
	fuzz_bytes(f, ret, fuzz_below(f, 32));
	return ret;
}

static void sample(struct tracer_ctx *ctx, struct fuzz *f)
{
	char text[2][32] = {};
	const char *a = text_of(f, text[0]), *b = text_of(f, text[1]);
	struct tracer_bucket buckets[3];
	uint64_t bits = fuzz_u64(f);
	double value;

	memcpy(&value, &bits, sizeof(value));
	switch (fuzz_below(f, 4)) {
	case 0: tracer_counter(ctx, "c:1", bits, "a", a, "b", b, NULL); break;
	case 1: tracer_gauge(ctx, "_g", isfinite(value) ? value : 0, "a", a, NULL); break;
	case 2:
		fuzz_bytes(f, buckets, sizeof(buckets));
		tracer_histogram(ctx, "h", buckets, fuzz_below(f, 4), "b", b, NULL);
		break;
	default:
		tracer_next(ctx);
		tracer_string(ctx, a, sizeof(text[0]));
	}
}

static void of_the_sdk(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	size_t room = 4u * fuzz_below(&f, 256);
	char *out = malloc(room + !room);
	struct tracer_ctx ctx = { .res.data = { out, (int64_t)room, (int64_t)room } };

	for (unsigned n = fuzz_below(&f, 6); n > 0; n--)
		sample(&ctx, &f);
	must(ctx.res.len > room || results_check(out, ctx.res.len) == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	any_text(data, size);
	of_the_sdk(data, size);
	return 0;
}
