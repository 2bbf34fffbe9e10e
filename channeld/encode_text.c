/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <endian.h>
#include <string.h>

#include "../common/json.h"
#include "encode.h"
#include "encode_put.h"

char *encode_text_slow(char *out, const char *s, size_t n, bool *repaired)
{
	bool replaced = false;

	out += json_escape(out, s, strnlen(s, n), &replaced);
	*repaired |= replaced;
	return out;
}

/* As the kernel keeps argv: each string ends with a NUL, only the last one may lack it (it was cut). */
char *encode_strv(char *out, const char *s, size_t n, bool *repaired)
{
	const char *end = s + n;

	*out++ = '[';
	while (s < end) {
		size_t len = strnlen(s, (size_t)(end - s));

		*out++ = '"';
		out = encode_text_slow(out, s, len, repaired);
		*out++ = '"';
		s += len + 1;
		if (s < end)
			*out++ = ',';
	}
	*out++ = ']';
	return out;
}

char *encode_bytes(char *out, const uint8_t *s, size_t n)
{
	*out++ = '"';
	for (; n >= 4; n -= 4, s += 4, out += 8) {
		uint32_t v;

		memcpy(&v, s, 4);
		put_store64(out, put_hex8(htobe32(v)));
	}
	for (; n; n--, s++) {
		*out++ = "0123456789abcdef"[*s >> 4];
		*out++ = "0123456789abcdef"[*s & 15];
	}
	*out++ = '"';
	return out;
}
