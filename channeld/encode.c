/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "encode.h"
#include "encode_put.h"

#define LOAD(type, at)                              \
	({                                          \
		type loaded_;                       \
		memcpy(&loaded_, at, sizeof(type)); \
		loaded_;                            \
	})

/* ---- text: most of it is short, ASCII, and has nothing to escape -------------------------------------- */

/* Bit i: byte i is a NUL (*ret_nul), or it needs more than a copy (the result): control, quote, backslash, DEL,
 * not ASCII. */
static inline uint32_t scan16(const char *s, char *out, uint32_t *ret_nul)
{
#ifdef __SSE2__
	__m128i x = _mm_loadu_si128((const __m128i *)s);
	__m128i special = _mm_cmplt_epi8(x, _mm_set1_epi8(0x20));	/* signed: everything from 0x80 on as well */

	special = _mm_or_si128(special, _mm_cmpeq_epi8(x, _mm_set1_epi8('"')));
	special = _mm_or_si128(special, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
	special = _mm_or_si128(special, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
	_mm_storeu_si128((__m128i *)out, x);
	*ret_nul = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128()));
	return (uint32_t)_mm_movemask_epi8(special);
#else
	uint32_t nul = 0, special = 0;

	for (unsigned i = 0; i < 16; i++) {
		unsigned char c = (unsigned char)s[i];

		out[i] = s[i];
		nul |= (uint32_t)(c == 0) << i;
		special |= (uint32_t)(c < 0x20 || c >= 0x7f || c == '"' || c == '\\') << i;
	}
	*ret_nul = nul;
	return special;
#endif
}

static inline char *put_text(char *out, const char *s, size_t n, bool *repaired)
{
	*out++ = '"';
	for (;;) {
		uint32_t nul, special = scan16(s, out, &nul);
		unsigned first;

		if (n < 16) {
			special |= 1u << n;
			nul |= 1u << n;
		}
		if (special) {
			first = (unsigned)__builtin_ctz(special);
			out += first;
			if (!(nul >> first & 1))
				out = encode_text_slow(out, s + first, n - first, repaired);
			break;
		}
		out += 16;
		s += 16;
		n -= 16;
	}
	*out = '"';
	return out + 1;
}

/* ---- values ------------------------------------------------------------------------------------------- */

static inline unsigned __int128 load_bits(const uint8_t *at, struct plan_bits b)
{
	unsigned __int128 v = LOAD(unsigned __int128, at) >> b.shift;

	return b.bits == 128 ? v : v & (((unsigned __int128)1 << b.bits) - 1);
}

static char *put_bits(char *out, const uint8_t *at, struct plan_bits b)
{
	unsigned __int128 v = load_bits(at, b), sign = (unsigned __int128)1 << (b.bits - 1);

	if (b.is_signed && v & sign) {
		*out++ = '-';
		v = (sign << 1) - v;
	}
	return encode_u128(out, v);
}

static inline int64_t load_enum(const uint8_t *at, struct plan_bits b)
{
	uint64_t v;

	if (b.bits == 32 && b.shift == 0) {
		uint32_t w = LOAD(uint32_t, at);

		return b.is_signed ? (int64_t)(int32_t)w : (int64_t)w;
	}
	v = (uint64_t)load_bits(at, b);
	if (b.is_signed && b.bits < 64 && v >> (b.bits - 1) & 1)
		v |= ~0ULL << b.bits;
	return (int64_t)v;
}

static const struct plan_name *find_name(const struct plan_enum *e, int64_t v)
{
	size_t low = 0, high = e->n_names;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (e->names[middle].value < v)
			low = middle + 1;
		else
			high = middle;
	}
	return low < e->n_names && e->names[low].value == v ? &e->names[low] : NULL;
}

static inline char *put_enum(char *out, const struct plan_enum *e, const uint8_t *at, const char *pool)
{
	int64_t v = load_enum(at, e->bits);
	uint64_t direct = (uint64_t)v - (uint64_t)e->min;
	const struct plan_name *name = NULL;

	if (direct < PLAN_DIRECT) {
		if (e->direct[direct])
			name = &e->names[e->direct[direct] - 1];
	} else {
		name = find_name(e, v);
	}
	if (name)
		return put_literal(out, pool + name->text, name->len);
	return e->bits.is_signed ? put_i64(out, v) : put_u64(out, (uint64_t)v);
}

static inline char *put_bool(char *out, bool v)
{
	memcpy(out, v ? "true\0\0\0" : "false\0\0", 8);
	return out + 5 - v;
}

static inline char *put_pointer(char *out, uint64_t v)
{
	memcpy(out, "\"0x", 4);
	out = put_hex(out + 3, v);
	*out = '"';
	return out + 1;
}

/* ---- the loop ----------------------------------------------------------------------------------------- */

struct run {
	const char *pool;
	const uint8_t *data;
	uint32_t len;
	const char *limit;
	bool *repaired;
};

static char *run_ops(const struct run *r, const struct plan_op *op, const uint8_t *base, char *out);

static char *run_array(const struct run *r, const struct plan_op *op, const uint8_t *base, size_t count, char *out)
{
	*out++ = '[';
	for (size_t i = 0; i < count; i++) {
		out = run_ops(r, op + 1, base + i * op->array.stride, out);
		if (!out || out > r->limit)
			return NULL;
		*out++ = ',';
	}
	out -= count > 0;
	*out = ']';
	return out + 1;
}

static inline uint64_t load_uint(const uint8_t *at, unsigned bytes)
{
	switch (bytes) {
	case 1:  return *at;
	case 2:  return LOAD(uint16_t, at);
	case 4:  return LOAD(uint32_t, at);
	default: return LOAD(uint64_t, at);
	}
}

/* A record may be longer than what was put into it: a perf buffer rounds up, and shows what was there before. */
static inline size_t tail_bytes(const struct run *r, const struct plan_op *op, const uint8_t *at)
{
	size_t rest = (size_t)(r->data + r->len - at);

	return op->length_bytes ? MIN(rest, load_uint(r->data + op->length_off, op->length_bytes)) : rest;
}

static char *run_ops(const struct run *r, const struct plan_op *op, const uint8_t *base, char *out)
{
	for (;; op++) {
		const uint8_t *at = base + op->off;
		size_t n;

		out = put_literal(out, r->pool + op->lit, op->lit_len);
		switch ((enum plan_code)op->code) {
		case PLAN_END:  return out;
		case PLAN_U8:   out = put_u32_below_1e8(out, *at); break;
		case PLAN_U16:  out = put_u32_below_1e8(out, LOAD(uint16_t, at)); break;
		case PLAN_U32:  out = put_u64(out, LOAD(uint32_t, at)); break;
		case PLAN_U64:  out = put_u64(out, LOAD(uint64_t, at)); break;
		case PLAN_I8:   out = put_i64(out, (int8_t)*at); break;
		case PLAN_I16:  out = put_i64(out, LOAD(int16_t, at)); break;
		case PLAN_I32:  out = put_i64(out, LOAD(int32_t, at)); break;
		case PLAN_I64:  out = put_i64(out, LOAD(int64_t, at)); break;
		case PLAN_U128:
		case PLAN_I128:
		case PLAN_UBITS:
		case PLAN_IBITS: out = put_bits(out, at, op->bits); break;
		case PLAN_BOOL: out = put_bool(out, *at != 0); break;
		case PLAN_BOOL_BITS: out = put_bool(out, load_bits(at, op->bits) != 0); break;
		case PLAN_ENUM: out = put_enum(out, op->names, at, r->pool); break;
		case PLAN_F32:  out = encode_float(out, LOAD(float, at)); break;
		case PLAN_F64:  out = encode_double(out, LOAD(double, at)); break;
		case PLAN_PTR:  out = put_pointer(out, op->n == 4 ? LOAD(uint32_t, at) : LOAD(uint64_t, at)); break;
		case PLAN_BE16: out = put_u64(out, be16toh(LOAD(uint16_t, at))); break;
		case PLAN_BE32: out = put_u64(out, be32toh(LOAD(uint32_t, at))); break;
		case PLAN_BE64: out = put_u64(out, be64toh(LOAD(uint64_t, at))); break;
		case PLAN_TEXT16:
		case PLAN_TEXT: out = put_text(out, (const char *)at, op->n, r->repaired); break;
		case PLAN_TEXT_TAIL: out = put_text(out, (const char *)at, tail_bytes(r, op, at), r->repaired); break;
		case PLAN_BYTES: out = encode_bytes(out, at, op->n); break;
		case PLAN_BYTES_TAIL: out = encode_bytes(out, at, tail_bytes(r, op, at)); break;
		case PLAN_IP:   out = encode_ip(out, at); break;
		case PLAN_IP4:  out = encode_ip4(out, at); break;
		case PLAN_STRV_TAIL:
			out = encode_strv(out, (const char *)at, tail_bytes(r, op, at), r->repaired);
			break;
		case PLAN_WHEN:
			if (load_uint(at, op->when.bytes) != op->when.value)
				op += op->when.skip;
			break;
		case PLAN_ARRAY:
		case PLAN_ARRAY_TAIL:
			n = op->code == PLAN_ARRAY ? op->array.count : tail_bytes(r, op, at) / op->array.stride;
			out = run_array(r, op, at, n, out);
			if (!out)
				return NULL;
			op += op->array.skip - 1;
			break;
		}
	}
}

char *encode_record(const struct plan *p, char *out, const void *data, uint32_t len, bool *repaired)
{
	struct run r = {
		.pool = p->pool, .data = data, .len = len, .limit = out + PLAN_TEXT_LIMIT, .repaired = repaired,
	};

	return run_ops(&r, p->ops, data, out);
}

static size_t tail_max(const struct plan_op *op, const char *at, size_t rest)
{
	switch (op->code) {
	case PLAN_TEXT_TAIL:
		rest = strnlen(at, rest);
		return rest > PLAN_TEXT_LIMIT ? SIZE_MAX : rest * 6;	/* "\u001f" */
	case PLAN_STRV_TAIL:
		return rest > PLAN_TEXT_LIMIT ? SIZE_MAX : rest * 6 + 3;	/* `"",` for a NUL alone */
	case PLAN_BYTES_TAIL:
		return rest > PLAN_TEXT_LIMIT ? SIZE_MAX : rest * 2;
	case PLAN_ARRAY_TAIL:
		rest /= op->array.stride;
		if (rest > PLAN_TEXT_LIMIT)
			return SIZE_MAX;
		return MIN(rest * op->array.element_max, (size_t)PLAN_TEXT_LIMIT + op->array.element_max);
	}
	return 0;
}

size_t encode_max(const struct plan *p, const void *data, uint32_t len)
{
	size_t max = p->max;

	if (!p->has_tail)
		return max;
	for (const struct plan_op *op = p->ops; op->code != PLAN_END; op++) {
		size_t tail = tail_max(op, (const char *)data + op->off, len - op->off);

		if (tail == SIZE_MAX)
			return SIZE_MAX;
		max += tail;
		if (op->code == PLAN_ARRAY || op->code == PLAN_ARRAY_TAIL)
			op += op->array.skip - 1;
	}
	return max;
}
