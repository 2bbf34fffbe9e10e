/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Writing functions that are called around a load, in C.
 *
 * A user_so may have functions that are called when its program is loaded and unloaded: see README.md. They are called
 * like process(), and what they return are requests, a line each; the functions below write them. Names are a
 * variable's or a map's, or ITEM.NAME if several objects of the program have it. What cannot be done fails the load.
 *
 * init		gets the bytes of the YAML's initfile, if there is one: tracer_event(ctx, 0) and ctx->ring.data.len
 * preload	gets JSON about what is going to be loaded
 * postload	gets JSON about what was loaded; maps can be changed, variables no more
 * unload	gets JSON about what is going; only tracer_log() */
#ifndef EBPF_AGENT_TRACER_LOAD_H
#define EBPF_AGENT_TRACER_LOAD_H

#include "tracer.h"

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
