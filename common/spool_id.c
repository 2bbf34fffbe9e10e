/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "spool.h"

static char *put_hex(char *p, uint64_t v)
{
	int shift = v ? (63 - __builtin_clzll(v)) & ~3 : 0;

	for (; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

size_t spool_id_format(const struct spool_rec *r, char ret[SPOOL_ID_MAX])
{
	const uint64_t parts[] = { r->boot, r->source, r->source_pos, r->event, r->result };
	char *p = ret;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (i)
			*p++ = '-';
		p = put_hex(p, parts[i]);
	}
	*p = 0;
	return p - ret;
}

/* One number of at most @digits digits, as put_hex() writes it, and then @end. */
static const char *get_hex(const char *p, const char *limit, int digits, uint64_t *ret)
{
	const char *start = p;
	uint64_t v = 0;

	for (; p < limit && *p != '-'; p++) {
		unsigned d = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : 16;

		if (d == 16 || p - start >= digits)
			return NULL;
		v = v << 4 | d;
	}
	if (p == start || (*start == '0' && p - start > 1))
		return NULL;
	*ret = v;
	return p;
}

int spool_id_parse(const char *s, size_t len, struct spool_rec *ret)
{
	static const int digits[] = { 8, 8, 16, 4, 4 };
	const char *p = s, *limit = s + len;
	uint64_t v[ARRAY_SIZE(digits)];

	for (size_t i = 0; i < ARRAY_SIZE(digits); i++) {
		if (i && (p == limit || *p++ != '-'))
			return -EINVAL;
		p = get_hex(p, limit, digits[i], &v[i]);
		if (!p)
			return -EINVAL;
	}
	if (p != limit)
		return -EINVAL;
	ret->boot = v[0];
	ret->source = v[1];
	ret->source_pos = v[2];
	ret->event = v[3];
	ret->result = v[4];
	return 0;
}
