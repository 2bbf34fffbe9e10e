/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layouts written by hand, for tests. */
#ifndef TESTS_CHANNELD_LAYOUTS_H
#define TESTS_CHANNELD_LAYOUTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../channeld/encode.h"
#include "../../common/json.h"

#define FIELD(name_, kind_, bytes, size, ...) \
	{ .name = name_, .kind = LAYOUT_##kind_, .offset = (bytes) * 8, .bits = (size) * 8 __VA_OPT__(,) __VA_ARGS__ }
#define BITS(name_, kind_, first, n, ...) \
	{ .name = name_, .kind = LAYOUT_##kind_, .offset = first, .bits = n __VA_OPT__(,) __VA_ARGS__ }
#define MEMBERS(...)                                                                     \
	.fields = { (struct layout_field[]){ __VA_ARGS__ },                              \
		    sizeof((struct layout_field[]){ __VA_ARGS__ }) / sizeof(struct layout_field) }
#define VALUES(...)                                                                      \
	.values = { (struct layout_value[]){ __VA_ARGS__ },                              \
		    sizeof((struct layout_value[]){ __VA_ARGS__ }) / sizeof(struct layout_value) }
#define LAYOUT(bytes, ...)                                                               \
	(&(struct layout){ .name = "t", .size = bytes,                                   \
			   .root = { .name = "", .kind = LAYOUT_STRUCT, .bits = (bytes) * 8, MEMBERS(__VA_ARGS__) } })

/* Encodes, with the room and the slack that the contract asks for, and compares. */
static inline void encodes_to(const struct layout *l, const void *data, size_t len, const char *expected)
{
	struct plan *p = NULL;
	char *in = calloc(1, len + PLAN_SLACK), *out, *end;
	bool repaired = false;
	size_t max;

	memset(in, 'X', len + PLAN_SLACK);
	memcpy(in, data, len);
	assert_int_equal(plan_new(l, &p, NULL), 0);
	max = encode_max(p, in, (uint32_t)len);
	assert_true(max != SIZE_MAX);
	out = malloc(max);
	end = encode_record(p, out, in, (uint32_t)len, &repaired);
	assert_non_null(end);
	assert_true((size_t)(end - out) <= max - PLAN_SLACK);
	assert_int_equal(json_check(out, (size_t)(end - out)), 0);
	*end = 0;
	assert_string_equal(out, expected);
	plan_free(p);
	free(in);
	free(out);
}

#endif
