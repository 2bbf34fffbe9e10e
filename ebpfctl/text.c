/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "text.h"

char *text_vprintf(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return text;
}

char *text_printf(const char *fmt, ...)
{
	return text_of(fmt);
}

size_t text_control(const char *s, const char *end)
{
	unsigned char c = (unsigned char)s[0], next = s + 1 < end ? (unsigned char)s[1] : 0;

	if (c == 0xc2 && next >= 0x80 && next < 0xa0)
		return 2;
	return c < ' ' || c == 0x7f;
}

void buf_add(struct buf *b, const char *s, size_t len)
{
	if (!len)
		return;
	if (b->len + len > b->cap) {
		b->cap = MAX(b->cap * 2, b->len + len + 4096);
		b->s = realloc(b->s, b->cap);
		if (!b->s)
			abort();
	}
	memcpy(b->s + b->len, s, len);
	b->len += len;
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_fini(struct buf *b)
{
	free(b->s);
	*b = (struct buf){};
}
