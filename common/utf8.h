/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One UTF-8 sequence (RFC 3629: shortest form, no surrogates, up to U+10FFFF). */
#ifndef EBPF_AGENT_UTF8_H
#define EBPF_AGENT_UTF8_H

#include "base.h"

/* Bytes of the sequence that @s begins with, 1 to 4; 0: none that is valid, or @len is too short for it. */
static inline size_t utf8_len(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n, i;

	if (!len)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (len < n)
		return 0;

	switch (u[0]) {
	case 0xe0: low = 0xa0; break;	/* shorter forms exist */
	case 0xed: high = 0x9f; break;	/* surrogates */
	case 0xf0: low = 0x90; break;
	case 0xf4: high = 0x8f; break;	/* beyond U+10FFFF */
	}
	if (u[1] < low || u[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

#endif
