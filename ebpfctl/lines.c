/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "lines.h"

ssize_t lines_read(struct lines *l, int fd)
{
	ssize_t n;

	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	if (l->end == sizeof(l->buf)) {
		l->too_long += !l->skipping;
		l->skipping = true;
		l->end = 0;
	}
	n = read(fd, l->buf + l->end, sizeof(l->buf) - l->end);
	if (n < 0)
		return -errno;
	l->end += (size_t)n;
	return n;
}

const char *lines_next(struct lines *l, size_t *ret_len)
{
	for (;;) {
		const char *line = l->buf + l->start, *end = memchr(line, '\n', l->end - l->start);

		if (!end)
			return NULL;
		l->start += (size_t)(end + 1 - line);
		if (!l->skipping) {
			*ret_len = (size_t)(end + 1 - line);
			return line;
		}
		l->skipping = false;	/* the rest of a line that was too long */
	}
}
