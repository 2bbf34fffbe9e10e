/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Eight bytes of text at once: most of JSON is plain ASCII. */
#ifndef EBPF_AGENT_JSON_SCAN_H
#define EBPF_AGENT_JSON_SCAN_H

#include <string.h>

#include "base.h"

#define JSON_BYTES(b) (0x0101010101010101ULL * (b))

static inline uint64_t json_load8(const char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return w;
}

/* Non-zero if a byte is zero ("Bit Twiddling Hacks", exact as a yes or no in either byte order). */
static inline uint64_t json_has_zero(uint64_t w)
{
	return (w - JSON_BYTES(0x01)) & ~w & JSON_BYTES(0x80);
}

/* Non-zero if a byte is not printable ASCII, or is a quote or a backslash. */
static inline uint64_t json_has_special(uint64_t w)
{
	return (w & JSON_BYTES(0x80)) | ((w - JSON_BYTES(0x20)) & ~w & JSON_BYTES(0x80)) |
	       json_has_zero(w ^ JSON_BYTES('"')) | json_has_zero(w ^ JSON_BYTES('\\')) |
	       json_has_zero(w ^ JSON_BYTES(0x7f));
}

/* The bytes from @s on that are plain: it stops at a special one, or within the last seven before @end. */
static inline const char *json_skip_plain(const char *s, const char *end)
{
	while (end - s >= 8) {
		uint64_t special = json_has_special(json_load8(s));

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		if (special)	/* borrows go upwards: the lowest bit is always true */
			return s + (__builtin_ctzll(special) >> 3);
#else
		if (special)
			return s;
#endif
		s += 8;
	}
	return s;
}

#endif
