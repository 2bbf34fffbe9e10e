/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines out of a pipe or socket. A line longer than LINES_MAX is dropped and counted. */
#ifndef EBPF_AGENT_LINES_H
#define EBPF_AGENT_LINES_H

#include "../common/base.h"

#define LINES_MAX (128u << 10)		/* a spool's record is at most 64 KiB */

struct lines {
	size_t start, end;	/* unread bytes of buf */
	bool skipping;		/* inside a line that is too long */
	uint64_t too_long;
	char buf[LINES_MAX];
};

/* Reads once. Bytes read, 0 at the end, -errno (-EAGAIN, -EINTR). All lines must have been taken out before. */
ssize_t lines_read(struct lines *l, int fd);
/* The next whole line, with its line feed, valid until the next lines_read(); NULL: none. */
const char *lines_next(struct lines *l, size_t *ret_len);

#endif
