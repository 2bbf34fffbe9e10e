/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode.h"
#include "encode_put.h"

char *encode_u128(char *out, unsigned __int128 v)
{
	const uint64_t ten19 = 10000000000000000000ULL;
	uint64_t rest;

	if (v >> 64 == 0)
		return put_u64(out, (uint64_t)v);
	rest = (uint64_t)(v % ten19);
	out = encode_u128(out, v / ten19);
	for (unsigned top = (unsigned)(rest / 10000000000000000ULL), place = 100; place; place /= 10)
		*out++ = (char)('0' + top / place % 10);
	rest %= 10000000000000000ULL;
	out = put_8(out, (uint32_t)(rest / 100000000));
	return put_8(out, (uint32_t)(rest % 100000000));
}

static char *put_text(char *out, const char *s)
{
	size_t len = strlen(s);

	memcpy(out, s, len);
	return out + len;
}

/* A decimal of at most 15 digits, a power of ten of at most 10^22: their quotient is rounded once, just as strtod(3)
 * rounds (Clinger 1990), so that a text which passes this test reads back as the same number. The fewest digits come
 * first. NULL: not of that kind. */
static char *put_short_decimal(char *out, double v, bool single)
{
	static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
	double a = v < 0 ? -v : v;

	if (!(a < 1e9) || (a < 1e-3 && a != 0))
		return NULL;
	for (unsigned k = 0; k < ARRAY_SIZE(powers); k++) {
		uint64_t n = (uint64_t)(a * powers[k] + 0.5);
		double back = (double)n / powers[k];
		uint64_t whole, fraction;

		if (single ? (float)back != (float)a : back != a)
			continue;
		*out = '-';
		out += signbit(v) != 0;
		whole = n / (uint64_t)powers[k];
		fraction = n % (uint64_t)powers[k];
		out = put_u64(out, whole);
		if (k == 0)
			return out;
		*out = '.';
		for (unsigned i = k; i; i--, fraction /= 10)
			out[i] = (char)('0' + fraction % 10);
		return out + k + 1;
	}
	return NULL;
}

char *encode_double(char *out, double v)
{
	char text[40], *end;

	if (!isfinite(v))
		return put_text(out, "null");
	end = put_short_decimal(out, v, false);
	if (end)
		return end;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (digits == 17 || strtod(text, NULL) == v)
			break;
	}
	return put_text(out, text);
}

char *encode_float(char *out, float v)
{
	char text[40], *end;

	if (!isfinite(v))
		return put_text(out, "null");
	end = put_short_decimal(out, (double)v, true);
	if (end)
		return end;
	for (int digits = 6; digits <= 9; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, (double)v);
		if (digits == 9 || strtof(text, NULL) == v)
			break;
	}
	return put_text(out, text);
}
