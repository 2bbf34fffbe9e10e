/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From sinkd to stdout: pipes, lines, what was printed already. */
#ifndef EBPF_AGENT_RUN_OUT_H
#define EBPF_AGENT_RUN_OUT_H

#include <poll.h>

#include "event.h"
#include "lines.h"

#define OUT_MAX (1u << 20)		/* beyond it the pipes are left alone until stdout has taken some */
#define OUT_PIPES 32
#define OUT_STREAMS 1024

/* What was seen last of one stream: results of an event come in order within (program, source, event). */
struct out_stream {
	char program[64];
	uint32_t boot, source;
	uint16_t event, result;
	uint64_t pos, used;		/* used: for replacing the one not seen for longest */
};

struct out {
	bool json;
	struct event_style style;
	int pipes[OUT_PIPES];		/* oldest first: only the first is read */
	size_t n_pipes;
	struct lines lines;
	struct buf text;		/* not yet written from `done` on */
	size_t done;
	int fd;				/* stdout, not blocking where that can be had */
	bool is_socket, is_file;
	bool closed;			/* nobody reads stdout any more */
	int error;			/* or it cannot be written: errno */
	struct out_stream *streams;
	size_t n_streams;
	uint64_t clock;
};
int out_init(struct out *o, bool json, bool color);
void out_fini(struct out *o);
/* A new pipe, whose writing end is returned; -errno. */
int out_pipe(struct out *o);
/* At most two descriptors. */
size_t out_poll(const struct out *o, struct pollfd *ret);
void out_look(struct out *o);
/* All pipes are at their end, and all is written (or cannot be). */
bool out_finished(const struct out *o);
/* Takes one line (with its line feed): prints it unless it was seen before. */
void out_line(struct out *o, const char *line, size_t len);

#endif
