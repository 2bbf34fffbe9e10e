/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A layout, compiled once into a flat list of operations: each writes a literal that was rendered beforehand (closing
 * and opening brackets, the key) and then one value. encode.h runs it. */
#ifndef EBPF_AGENT_PLAN_H
#define EBPF_AGENT_PLAN_H

#include "../common/layout.h"

enum plan_code {
	PLAN_END,
	PLAN_U8, PLAN_U16, PLAN_U32, PLAN_U64, PLAN_U128,
	PLAN_I8, PLAN_I16, PLAN_I32, PLAN_I64, PLAN_I128,
	PLAN_UBITS, PLAN_IBITS,		/* bit-fields and odd sizes */
	PLAN_BOOL, PLAN_BOOL_BITS,
	PLAN_ENUM,
	PLAN_F32, PLAN_F64,
	PLAN_PTR,
	PLAN_BE16, PLAN_BE32, PLAN_BE64,
	PLAN_TEXT, PLAN_TEXT16,		/* TEXT16: at most 16 bytes */
	PLAN_BYTES,
	PLAN_IP, PLAN_IP4,
	PLAN_ARRAY,
	PLAN_WHEN,			/* the operations that follow, if an integer has a certain value */
	PLAN_TEXT_TAIL, PLAN_BYTES_TAIL, PLAN_ARRAY_TAIL, PLAN_STRV_TAIL,
};

struct plan_bits {
	uint8_t shift, bits;
	bool is_signed;
};

struct plan_name {
	int64_t value;
	uint32_t text, len;		/* in the pool, quotes included */
};

#define PLAN_DIRECT 64			/* enum values from `min` on that are found without a search */

struct plan_enum {
	struct plan_bits bits;
	int64_t min;
	uint16_t direct[PLAN_DIRECT];	/* index + 1 in names */
	struct plan_name *names;	/* sorted by value */
	size_t n_names;
};

struct plan_op {
	uint8_t code;
	uint8_t length_bytes;		/* *_TAIL: of the integer that says how long it is; 0: there is none */
	uint16_t lit_len;
	uint32_t lit;			/* in the pool */
	uint32_t off;			/* bytes from the start of the struct, or of the array's element */
	uint32_t length_off;		/* where that integer is, from the record's start */
	union {
		uint32_t n;		/* TEXT, BYTES: bytes; PTR: 4 or 8 */
		struct plan_bits bits;
		const struct plan_enum *names;
		struct {		/* the element's operations follow, up to their PLAN_END */
			uint32_t count, stride;
			uint32_t skip;	/* operations from here to the one behind that PLAN_END */
			uint32_t element_max;	/* bytes of one element's text */
		} array;
		struct {
			uint64_t value;
			uint32_t skip;	/* operations */
			uint8_t bytes;	/* of the integer */
		} when;
	};
};

struct plan {
	uint64_t size;			/* bytes of the fixed part: a shorter record does not fit */
	size_t max;			/* bytes of the longest text of the fixed part, slack included */
	bool has_tail;			/* a trailing part: ask encode_max() */
	struct plan_op *ops;
	size_t n_ops, cap_ops;
	char *pool;			/* PLAN_SLACK readable bytes behind every text */
	size_t pool_len, pool_cap;
	struct plan_enum **enums;
	size_t n_enums;
};

/* Wide stores may touch so many bytes behind what they write; wide loads, behind what they read. */
#define PLAN_SLACK 64

/* Longest line that a record can carry; more is not worth encoding. */
#define PLAN_TEXT_LIMIT (64u << 10)

/* @l was checked by layout_schema. -EINVAL (see @d); -E2BIG: too many fields; -ENOMEM. */
int plan_new(const struct layout *l, struct plan **ret, struct diag *d);
/* Accepts NULL. */
void plan_free(struct plan *p);

#endif
