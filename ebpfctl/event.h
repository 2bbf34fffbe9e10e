/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event's line (JSON) as text for people: "12:03:04.123 exec  kind=EXEC pid=12 comm=ls args=[ls -l /tmp]". Knows no
 * program: what it prints is the line's own keys and values. */
#ifndef EBPF_AGENT_EVENT_H
#define EBPF_AGENT_EVENT_H

#include "text.h"

struct event_style {
	bool color;
	size_t width;		/* of the widest program name so far */
	char second[20];	/* "2026-11-25T01:02:03" that `local` stands for */
	char local[16];		/* "HH:MM:SS" */
};

/* Appends the text of @line, line feed included. What is no event is appended as it stands. */
void event_text(struct event_style *st, const char *line, size_t len, struct buf *out);

#endif
