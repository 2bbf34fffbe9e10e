/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text on the heap. Out of memory aborts: a client that has none can do nothing better. */
#ifndef EBPF_AGENT_TEXT_H
#define EBPF_AGENT_TEXT_H

#include <stdarg.h>

#include "../common/base.h"

/* To be freed. */
char *text_printf(const char *fmt, ...) printf_like(1, 2);
char *text_vprintf(const char *fmt, va_list ap);

/* In a function whose last named parameter is @fmt: what it was told to say, to be freed. */
#define text_of(fmt)                                \
	({                                          \
		va_list ap_;                        \
		char *text_;                        \
		va_start(ap_, fmt);                 \
		text_ = text_vprintf(fmt, ap_);     \
		va_end(ap_);                        \
		text_;                              \
	})

/* How many bytes the control character takes that @s begins with: 0 none; 1 C0 or DEL; 2 C1 (C2 80 … C2 9F in UTF-8).
 * Text from outside holds none of them when it is shown: they move a terminal's cursor. */
size_t text_control(const char *s, const char *end);

/* Bytes that grow; the owner frees with buf_fini(). */
struct buf {
	char *s;
	size_t len, cap;
};
void buf_add(struct buf *b, const char *s, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_fini(struct buf *b);

#endif
