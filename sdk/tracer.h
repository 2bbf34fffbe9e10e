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
 * What is written is one JSON value per event; writing nothing drops the event (counted as filtered). What does not
 * fit makes the whole result an error (oversize); nothing is ever cut in the middle. */
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

/* ---- functions around a load -------------------------------------------------------------------------------------
 *
 * A user_so may have functions that are called when its program is loaded and unloaded: see README.md. They are called
 * like process(), and what they return are requests, a line each; the functions below write them. Names are a
 * variable's or a map's, or ITEM.NAME if several objects of the program have it. What cannot be done fails the load.
 *
 * init		gets the bytes of the YAML's initfile, if there is one: tracer_event(ctx, 0) and ctx->ring.data.len
 * preload	gets JSON about what is going to be loaded
 * postload	gets JSON about what was loaded; maps can be changed, variables no more
 * unload	gets JSON about what is going; only tracer_log()
 */

/* A line for the loader's journal; from a function that fails, its reason. */
__attribute__((format(printf, 2, 3)))
static inline void tracer_log(struct tracer_ctx *ctx, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tracer_raw(ctx, "{\"log\":", 7);
	tracer_string(ctx, text, sizeof(text));
	tracer_raw(ctx, "}\n", 2);
}

/* Writes `{"variable":"NAME","value":`, and `{"map":"MAP","key":`; what comes next, and the end, `}\n`, is yours: any
 * JSON that the YAML would have there (numbers, true, texts, lists, objects by members' names). */
static inline void tracer_request_variable(struct tracer_ctx *ctx, const char *name)
{
	tracer_raw(ctx, "{\"variable\":", 12);
	tracer_string(ctx, name, 256);
	tracer_raw(ctx, ",\"value\":", 9);
}

static inline void tracer_request_map(struct tracer_ctx *ctx, const char *map)
{
	tracer_raw(ctx, "{\"map\":", 7);
	tracer_string(ctx, map, 256);
	tracer_raw(ctx, ",\"key\":", 7);
}

/* A global of .rodata, .data or .bss. From init and preload. */
static inline void tracer_request_variable_u64(struct tracer_ctx *ctx, const char *name, uint64_t value)
{
	tracer_request_variable(ctx, name);
	tracer_printf(ctx, "%llu}\n", (unsigned long long)value);
}

static inline void tracer_request_variable_s64(struct tracer_ctx *ctx, const char *name, int64_t value)
{
	tracer_request_variable(ctx, name);
	tracer_printf(ctx, "%lld}\n", (long long)value);
}

/* Of a char[]: up to the first NUL, at most @max bytes. */
static inline void tracer_request_variable_string(struct tracer_ctx *ctx, const char *name, const char *value,
						  size_t max)
{
	tracer_request_variable(ctx, name);
	tracer_string(ctx, value, max);
	tracer_raw(ctx, "}\n", 2);
}

/* Any @size bytes as they lie in memory, as a JSON text: of a variable, key or value of any type of that size. */
static inline void tracer_hex(struct tracer_ctx *ctx, const void *data, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)data;

	tracer_raw(ctx, "\"hex:", 5);
	for (size_t i = 0; i < size; i++)
		tracer_printf(ctx, "%02x", bytes[i]);
	tracer_raw(ctx, "\"", 1);
}

/* An entry of a map whose keys and values are numbers. From init and preload it is set as soon as the map is there,
 * before anything is attached; from postload at once. */
static inline void tracer_request_map_u64(struct tracer_ctx *ctx, const char *map, uint64_t key, uint64_t value)
{
	tracer_request_map(ctx, map);
	tracer_printf(ctx, "%llu,\"value\":%llu}\n", (unsigned long long)key, (unsigned long long)value);
}

/* The same with a text as key: char[]. */
static inline void tracer_request_map_string(struct tracer_ctx *ctx, const char *map, const char *key, size_t max,
					     uint64_t value)
{
	tracer_request_map(ctx, map);
	tracer_string(ctx, key, max);
	tracer_printf(ctx, ",\"value\":%llu}\n", (unsigned long long)value);
}

/* The same with keys and values of any type, as they lie in memory. */
static inline void tracer_request_map_bytes(struct tracer_ctx *ctx, const char *map, const void *key, size_t key_size,
					    const void *value, size_t value_size)
{
	tracer_request_map(ctx, map);
	tracer_hex(ctx, key, key_size);
	tracer_raw(ctx, ",\"value\":", 9);
	tracer_hex(ctx, value, value_size);
	tracer_raw(ctx, "}\n", 2);
}

#endif
