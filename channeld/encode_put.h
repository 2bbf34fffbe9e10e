/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and literals, the hot path. All of them may touch up to PLAN_SLACK bytes behind what they write, and return
 * where it ends. Digits are made eight at a time within one register. */
#ifndef EBPF_AGENT_ENCODE_PUT_H
#define EBPF_AGENT_ENCODE_PUT_H

#include <string.h>

#include "plan.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PUT_LE64(x) (x)
#else
#define PUT_LE64(x) __builtin_bswap64(x)
#endif

static inline void put_store64(char *out, uint64_t le)
{
	le = PUT_LE64(le);
	memcpy(out, &le, 8);
}

/* @text has PLAN_SLACK readable bytes behind it. */
static inline char *put_literal(char *out, const char *text, size_t len)
{
	memcpy(out, text, 16);
	for (size_t i = 16; i < len; i += 32)
		memcpy(out + i, text + i, 32);
	return out + len;
}

/* The eight decimal digits of @v < 10^8 as byte values, the first one lowest. */
static inline uint64_t put_digits8(uint32_t v)
{
	uint64_t x = (uint64_t)(v % 10000) << 32 | v / 10000;
	uint64_t hundreds = (x * 10486 >> 20) & 0x0000007f0000007fULL;
	uint64_t pairs = (x - hundreds * 100) << 16 | hundreds;
	uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000fULL;

	return (pairs - tens * 10) << 8 | tens;
}

#define PUT_ZEROS 0x3030303030303030ULL

static inline char *put_u32_below_1e8(char *out, uint32_t v)
{
	uint64_t digits = put_digits8(v);
	unsigned leading = (unsigned)__builtin_ctzll(digits | 1ULL << 56) & ~7u;

	put_store64(out, (digits | PUT_ZEROS) >> leading);
	return out + 8 - leading / 8;
}

static inline char *put_8(char *out, uint32_t v)
{
	put_store64(out, put_digits8(v) | PUT_ZEROS);
	return out + 8;
}

static inline char *put_u64(char *out, uint64_t v)
{
	if (v < 100000000)
		return put_u32_below_1e8(out, (uint32_t)v);
	if (v < 10000000000000000ULL) {
		out = put_u32_below_1e8(out, (uint32_t)(v / 100000000));
		return put_8(out, (uint32_t)(v % 100000000));
	}
	out = put_u32_below_1e8(out, (uint32_t)(v / 10000000000000000ULL));
	v %= 10000000000000000ULL;
	out = put_8(out, (uint32_t)(v / 100000000));
	return put_8(out, (uint32_t)(v % 100000000));
}

static inline char *put_i64(char *out, int64_t v)
{
	uint64_t sign = v < 0;

	*out = '-';
	return put_u64(out + sign, ((uint64_t)v ^ -sign) + sign);
}

/* Nine digits, as in a fraction of a second. */
static inline char *put_9(char *out, uint32_t v)
{
	out[0] = (char)('0' + v / 100000000);
	return put_8(out + 1, v % 100000000);
}

/* The eight hex digits of @v as text, the first one lowest. */
static inline uint64_t put_hex8(uint32_t v)
{
	uint64_t x = __builtin_bswap32(v);
	uint64_t letters;

	x = (x & 0xffff0000) << 16 | (x & 0xffff);
	x = (x & 0x0000ff000000ff00ULL) << 8 | (x & 0x000000ff000000ffULL);
	x = (x & 0x00f000f000f000f0ULL) >> 4 | (x & 0x000f000f000f000fULL) << 8;
	letters = (x + 0x0606060606060606ULL) >> 4 & 0x0101010101010101ULL;
	return x + PUT_ZEROS + letters * ('a' - '0' - 10);
}

static inline char *put_hex(char *out, uint64_t v)
{
	uint32_t high = (uint32_t)(v >> 32), low = (uint32_t)v;
	unsigned skip;

	if (high) {
		skip = (unsigned)__builtin_clz(high) / 4;
		put_store64(out, put_hex8(high) >> 8 * skip);
		out += 8 - skip;
		put_store64(out, put_hex8(low));
		return out + 8;
	}
	skip = (unsigned)__builtin_clz(low | 1) / 4;
	put_store64(out, put_hex8(low) >> 8 * skip);
	return out + 8 - skip;
}

#endif
