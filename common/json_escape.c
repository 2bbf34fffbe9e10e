/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json.h"
#include "json_scan.h"
#include "utf8.h"

static char *put_u(char *out, unsigned code)
{
	static const char hex[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = 'u';
	*out++ = hex[code >> 12 & 15];
	*out++ = hex[code >> 8 & 15];
	*out++ = hex[code >> 4 & 15];
	*out++ = hex[code & 15];
	return out;
}

static char *put_ascii(char *out, unsigned char c)
{
	static const char shorts[128] = {
		['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
	};

	if (shorts[c]) {
		*out++ = '\\';
		*out++ = shorts[c];
		return out;
	}
	if (c < 0x20 || c == 0x7f)
		return put_u(out, c);
	*out++ = (char)c;
	return out;
}

static char *put_sequence(char *out, const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned code = 0;

	if (n == 2)
		code = (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
	else if (n == 3)
		code = (u[0] & 0x0fu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
	if ((n == 2 && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff || code >= 0xfffe)
		return put_u(out, code);
	memcpy(out, s, n);
	return out + n;
}

size_t json_escape(char *out, const char *s, size_t len, bool *ret_repaired)
{
	const char *end = s + len;
	char *start = out;

	while (s < end) {
		size_t n;

		while (end - s >= 8 && !json_has_special(json_load8(s))) {
			memcpy(out, s, 8);
			out += 8;
			s += 8;
		}
		if (s == end)
			break;
		if ((unsigned char)*s < 0x80) {
			out = put_ascii(out, (unsigned char)*s++);
			continue;
		}
		n = utf8_len(s, (size_t)(end - s));
		if (n) {
			out = put_sequence(out, s, n);
			s += n;
		} else {
			memcpy(out, "\xef\xbf\xbd", 3);
			out += 3;
			s++;
			*ret_repaired = true;
		}
	}
	return (size_t)(out - start);
}
