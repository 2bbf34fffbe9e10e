/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Writing a processor in C: this header and processor.h are all it takes.
 *
 *	#include "tracer.h"
 *
 *	struct my_event { … };		// what your BPF program submits
 *
 *	TRACER_EXPORT void process(struct tracer_ctx *ctx)
 *	{
 *		const struct my_event *ev = tracer_event(ctx, sizeof(*ev));
 *
 *		if (!ev)
 *			return;
 *		tracer_printf(ctx, "{\"pid\":%u,\"comm\":", ev->pid);
 *		tracer_string(ctx, ev->comm, sizeof(ev->comm));
 *		tracer_printf(ctx, "}");
 *	}
 *
 *	cc -shared -fPIC -O2 -Isdk -Iabi my_processor.c -o my_processor.so	(installed: -I/usr/include/ebpf-agent)
 *
 * What is written is one JSON value per event, or several (tracer_next()); writing nothing drops the event (counted as
 * filtered). What does not fit makes the whole result an error (oversize); nothing is ever cut in the middle. */
#ifndef EBPF_AGENT_TRACER_H
#define EBPF_AGENT_TRACER_H

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "processor.h"

#ifdef __cplusplus
#define TRACER_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define TRACER_EXPORT __attribute__((visibility("default")))
#endif

/* Codes of tracer_fail(): any other but 0 will do as well. */
#define TRACER_ERR_SHORT 1	/* the record is shorter than the struct it should be */
#define TRACER_ERR_VALUE 2	/* it holds what it cannot hold */

/* The event failed: counted as so_error, whatever was written. */
static inline void tracer_fail(struct tracer_ctx *ctx, int32_t code)
{
	ctx->err.code = code;
}

/* The record, if it has at least @size bytes; else NULL, and the event has failed. */
static inline const void *tracer_event(struct tracer_ctx *ctx, size_t size)
{
	if (ctx->ring.data.len >= 0 && (size_t)ctx->ring.data.len >= size)
		return ctx->ring.data.data;
	tracer_fail(ctx, TRACER_ERR_SHORT);
	return NULL;
}

/* How many bytes of the record lie behind the first @size: a trailing, variable part. */
static inline size_t tracer_trailing(const struct tracer_ctx *ctx, size_t size)
{
	return ctx->ring.data.len >= 0 && (size_t)ctx->ring.data.len > size ? (size_t)ctx->ring.data.len - size : 0;
}

/* Where the next byte goes, and how many still fit; 0 also once something did not fit. */
static inline char *tracer_place(const struct tracer_ctx *ctx, size_t *ret_room)
{
	*ret_room = ctx->res.len <= ctx->res.data.cap ? (size_t)ctx->res.data.cap - ctx->res.len : 0;
	return (char *)ctx->res.data.data + ctx->res.len;
}

static inline void tracer_oversize(struct tracer_ctx *ctx)
{
	ctx->res.len = (uint32_t)ctx->res.data.cap + 1;
}

/* Appends @len bytes as they are. */
static inline void tracer_raw(struct tracer_ctx *ctx, const void *data, size_t len)
{
	size_t room;
	char *to = tracer_place(ctx, &room);

	if (len > room) {
		tracer_oversize(ctx);
		return;
	}
	memcpy(to, data, len);
	ctx->res.len += (uint32_t)len;
}

/* Appends like printf(3). Text of an event does not belong in a %s: use tracer_string(). */
__attribute__((format(printf, 2, 3)))
static inline void tracer_printf(struct tracer_ctx *ctx, const char *fmt, ...)
{
	size_t room;
	char *to = tracer_place(ctx, &room);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to, room, fmt, ap);
	va_end(ap);
	/* Its NUL needs a byte as well; results have none, so a last byte may stay unused. */
	if (n < 0 || (size_t)n >= room)
		tracer_oversize(ctx);
	else
		ctx->res.len += (uint32_t)n;
}

/* Length of the valid UTF-8 sequence at @s (RFC 3629: no surrogates, nothing overlong), 0: there is none. */
static inline size_t tracer_utf8(const unsigned char *s, size_t len)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
		   s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

/* Appends @s as a JSON string, quotes included: up to its first NUL, at most @max bytes of it. What JSON does not
 * admit is escaped, and what is not UTF-8 becomes U+FFFD. */
static inline void tracer_string(struct tracer_ctx *ctx, const char *s, size_t max)
{
	const unsigned char *c = (const unsigned char *)s, *end = c + strnlen(s, max);

	tracer_raw(ctx, "\"", 1);
	while (c < end) {
		size_t n = tracer_utf8(c, (size_t)(end - c));

		if (n == 0)
			tracer_raw(ctx, "\xef\xbf\xbd", 3);
		else if (*c == '"' || *c == '\\')
			tracer_printf(ctx, "\\%c", *c);
		else if (*c < 0x20 || *c == 0x7f)
			tracer_printf(ctx, "\\u%04x", *c);
		else
			tracer_raw(ctx, c, n);
		c += n ? n : 1;
	}
	tracer_raw(ctx, "\"", 1);
}

/* What is written from here on is one more result of the same event. */
static inline void tracer_next(struct tracer_ctx *ctx)
{
	if (ctx->res.len > 0)
		tracer_raw(ctx, "\n", 1);
}

/* The name of the channel that the record came through: for a processor of several. */
static inline const char *tracer_channel(const struct tracer_ctx *ctx)
{
	return ((const struct tracer_call *)(const void *)ctx)->channel;
}

/* ---- metric samples, each a result of its own ---------------------------------------------------------------------
 *
 * They end with labels: a name and a text each, then NULL.
 *
 *	tracer_counter(ctx, "requests", 1, "path", ev->path, "code", "404", NULL); */

static inline void tracer_sample_begin(struct tracer_ctx *ctx, const char *type, const char *name, va_list labels)
{
	const char *label, *text, *comma = "";

	tracer_next(ctx);
	tracer_printf(ctx, "@{\"name\":\"%s\",\"type\":\"%s\",\"labels\":{", name, type);
	while ((label = va_arg(labels, const char *)) && (text = va_arg(labels, const char *))) {
		tracer_printf(ctx, "%s\"%s\":", comma, label);
		tracer_string(ctx, text, strlen(text));
		comma = ",";
	}
	tracer_printf(ctx, "}");
}

/* What was counted, in all or since the last sample. */
static inline void tracer_counter(struct tracer_ctx *ctx, const char *name, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	tracer_sample_begin(ctx, "counter", name, labels);
	va_end(labels);
	tracer_printf(ctx, ",\"value\":%llu}", (unsigned long long)value);
}

/* Not for NaN and infinity, which JSON does not have. */
static inline void tracer_gauge(struct tracer_ctx *ctx, const char *name, double value, ...)
{
	va_list labels;

	va_start(labels, value);
	tracer_sample_begin(ctx, "gauge", name, labels);
	va_end(labels);
	tracer_printf(ctx, ",\"value\":%.17g}", value);
}

/* How many values lie at or below `bound`, and above the bound of the bucket before it. */
struct tracer_bucket {
	uint64_t bound, count;
};

static inline void tracer_histogram(struct tracer_ctx *ctx, const char *name, const struct tracer_bucket *buckets,
				    size_t n_buckets, ...)
{
	uint64_t count = 0;
	va_list labels;

	va_start(labels, n_buckets);
	tracer_sample_begin(ctx, "histogram", name, labels);
	va_end(labels);
	tracer_printf(ctx, ",\"buckets\":[");
	for (size_t i = 0; i < n_buckets; i++) {
		tracer_printf(ctx, "%s[%llu,%llu]", i ? "," : "", (unsigned long long)buckets[i].bound,
			      (unsigned long long)buckets[i].count);
		count += buckets[i].count;
	}
	tracer_printf(ctx, "],\"count\":%llu}", (unsigned long long)count);
}

#endif
