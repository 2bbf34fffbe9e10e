/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <string.h>

#include "crc32c.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define POLY 0x82f63b78u	/* reflected: bit 31 is x^0 */

typedef uint32_t crc_fn(uint32_t state, const uint8_t *p, size_t len);

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- any CPU: eight tables, eight bytes at a time ---------------------------------------------------------------- */

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void tables_fill(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ POLY : c >> 1;
		tables[0][i] = c;
	}
	for (unsigned t = 1; t < 8; t++)
		for (unsigned i = 0; i < 256; i++)
			tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
}

static uint32_t crc_tables(uint32_t state, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v = load64(p);

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		v = __builtin_bswap64(v);
#endif
		v ^= state;
		state = 0;
		for (unsigned t = 0; t < 8; t++)
			state ^= tables[7 - t][v >> 8 * t & 0xff];
	}
	while (len--)
		state = state >> 8 ^ tables[0][(state ^ *p++) & 0xff];
	return state;
}

/* ---- x86-64: SSE4.2 ---------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
__attribute__((target("sse4.2")))
static uint32_t crc_sse42(uint32_t state, const uint8_t *p, size_t len)
{
	uint64_t c = state;

	for (; len >= 8; p += 8, len -= 8)
		c = _mm_crc32_u64(c, load64(p));
	if (len & 4) {
		uint32_t v;

		memcpy(&v, p, sizeof(v));
		c = _mm_crc32_u32(c, v);
		p += 4;
	}
	if (len & 2) {
		uint16_t v;

		memcpy(&v, p, sizeof(v));
		c = _mm_crc32_u16(c, v);
		p += 2;
	}
	if (len & 1)
		c = _mm_crc32_u8(c, *p);
	return c;
}

/* The instruction takes three cycles and one may start in each, so three streams of n words run side by side. A
 * stream's CRC is then moved over the words behind it: multiplied by x^(64n). Carry-less multiplication of two
 * reflected numbers followed by crc32 gives a * b * x^33, hence shift[n] = x^(64n - 33). */
#define WORDS_MIN 3	/* fewer are not worth a multiplication */
#define WORDS_MAX 64
static uint32_t shift[2 * WORDS_MAX + 1];

__attribute__((target("sse4.2")))
static void shift_fill(void)
{
	shift[1] = 1;	/* x^31 */
	for (unsigned n = 1; n < 2 * WORDS_MAX; n++)
		shift[n + 1] = _mm_crc32_u64(shift[n], 0);
}

__attribute__((target("sse4.2,pclmul")))
static uint64_t times(uint32_t a, uint32_t b)
{
	return _mm_cvtsi128_si64(_mm_clmulepi64_si128(_mm_cvtsi32_si128(a), _mm_cvtsi32_si128(b), 0));
}

__attribute__((target("sse4.2,pclmul")))
static uint32_t crc_sse42_three(uint32_t state, const uint8_t *p, size_t len)
{
	while (len >= 24 * WORDS_MIN) {
		size_t n = MIN(len / 24, (size_t)WORDS_MAX);
		uint64_t a = state, b = 0, c = 0;
		const uint8_t *q = p + 8 * n, *r = q + 8 * n;

		for (size_t i = 0; i < 8 * n; i += 8) {
			a = _mm_crc32_u64(a, load64(p + i));
			b = _mm_crc32_u64(b, load64(q + i));
			c = _mm_crc32_u64(c, load64(r + i));
		}
		state = c ^ _mm_crc32_u64(0, times(a, shift[2 * n]) ^ times(b, shift[n]));
		p += 24 * n;
		len -= 24 * n;
	}
	return crc_sse42(state, p, len);
}
#endif

/* ---- arm64 ------------------------------------------------------------------------------------------------------- */

#if defined(__aarch64__)
__attribute__((target("+crc")))
static uint32_t crc_arm64(uint32_t state, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8)
		state = __crc32cd(state, load64(p));
	while (len--)
		state = __crc32cb(state, *p++);
	return state;
}
#endif

/* ---- choice ------------------------------------------------------------------------------------------------------ */

static crc_fn *chosen;

static void choose(void)
{
	crc_fn *fn = NULL;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul")) {
		shift_fill();
		fn = crc_sse42_three;
	} else if (__builtin_cpu_supports("sse4.2")) {
		fn = crc_sse42;
	}
#elif defined(__aarch64__)
	if (getauxval(AT_HWCAP) & HWCAP_CRC32)
		fn = crc_arm64;
#endif
	if (!fn) {
		pthread_once(&tables_once, tables_fill);
		fn = crc_tables;
	}
	__atomic_store_n(&chosen, fn, __ATOMIC_RELEASE);
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	crc_fn *fn = __atomic_load_n(&chosen, __ATOMIC_ACQUIRE);

	if (!fn) {
		pthread_once(&once, choose);
		fn = chosen;
	}
	return ~fn(~crc, data, len);
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	pthread_once(&tables_once, tables_fill);
	return ~crc_tables(~crc, data, len);
}
