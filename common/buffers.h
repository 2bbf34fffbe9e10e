/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is behind a perf event array: for each CPU a perf event (PERF_COUNT_SW_BPF_OUTPUT) with a buffer of its own
 * (perf_event_open(2)). Two things keep it alive, and neither has a name that could be opened again:
 *
 *   - a buffer's contents last as long as somebody has it mapped; its descriptor alone does not keep them;
 *   - the events stay in the array as long as that very descriptor of the array is open by which they were put in
 *     (kernel/bpf/arraymap.c: perf_event_fd_array_release()).
 *
 * So loaderd, which makes them, and channeld, whose workers empty them, both hold all of it; whichever of the two
 * begins anew gets it from the other, over the socket path_buffers() (common/buffers_link.h). */
#ifndef EBPF_AGENT_BUFFERS_H
#define EBPF_AGENT_BUFFERS_H

#include <linux/perf_event.h>

#include "../abi/names.h"
#include "base.h"

#define BUFFERS_DEFAULT_SIZE (256u << 10)	/* bytes of each CPU's */
#define BUFFERS_MAX_SIZE     (16u << 20)
#define BUFFERS_MAX          512		/* of one program, arrays included */

#define BUFFER_IS_ARRAY 0xffffu

struct buffer {
	int fd;			/* the perf event; of a row that is an array: the map */
	uint16_t channel;	/* index in the manifest */
	uint16_t cpu;		/* or BUFFER_IS_ARRAY */
	uint32_t pages;		/* of data, a power of two; arrays: 0 */
	uint64_t id;		/* the kernel's, of the perf event */
	struct perf_event_mmap_page *page;	/* data_offset bytes, then the data; NULL: not mapped */
};

/* All of one program. */
struct buffers {
	struct buffers *next;	/* for whoever keeps a list */
	char program[AGENT_NAME_MAX + 1];
	uint64_t generation;	/* of its manifest */
	size_t n, cap;
	struct buffer *rows;
};

struct buffers *buffers_new(const char *program, uint64_t generation);
/* Unmaps and closes. Accepts NULL. */
void buffers_free(struct buffers *b);
static inline void buffers_freep(struct buffers **b)
{
	buffers_free(*b);
}

/* Takes over @fd, also when it fails. Nothing is read from @fd before it is known to be what it is said to be.
 * @prot: how it is mapped; 0: not at all. A buffer comes into being with its first mapping, which has to be writable
 * (else the kernel overwrites what was not read yet). -EBADF: it is something else; -E2BIG; -EPERM: more locked
 * memory than is allowed; … */
int buffers_add(struct buffers *b, uint16_t channel, uint16_t cpu, uint32_t pages, int fd, int prot);
/* All of one channel. */
void buffers_remove(struct buffers *b, uint16_t channel);
bool buffers_has(const struct buffers *b, uint16_t channel);

/* What the kernel counted: *ret_lost is events that found no room. *ret_knows (may be NULL): it does count them (since
 * Linux 6.0), else there are PERF_RECORD_LOST in the buffer alone. */
int buffer_read(int fd, uint64_t *ret_id, uint64_t *ret_lost, bool *ret_knows);

/* ---- handed over a SOCK_SEQPACKET socket: any number of SOME, then ALL of the program ---------------------------- */

#define BUFFERS_PER_MESSAGE 8	/* as many as fdpass_send() takes */

enum buffers_message_type {
	BUFFERS_SOME = 1,	/* n rows, and as many descriptors */
	BUFFERS_ALL,		/* n: how many rows there were in all */
	BUFFERS_OFFERED,	/* of no program: what the sender had when the connection was made was all sent */
};

struct buffers_message {
	uint32_t type;
	uint32_t n;
	uint64_t generation;
	char program[AGENT_NAME_MAX + 1];
	struct {
		uint16_t channel, cpu;
		uint32_t pages;
	} rows[BUFFERS_PER_MESSAGE];
};

/* The message behind row *at, which moves on; its descriptors (still @b's) into @fds, SOME only. False: there are no
 * more. */
bool buffers_message_next(const struct buffers *b, size_t *at, struct buffers_message *ret, int *fds);
/* Takes in SOME or ALL; owns @fds. @b is made by the first. 1: it is complete, 0: more follows, -errno: that was no
 * message of this protocol. */
int buffers_message_take(struct buffers **b, const struct buffers_message *m, const int *fds, size_t n_fds, int prot);

/* All at once, for a socket that nobody reads yet. -EAGAIN: it does not fit. */
int buffers_send(int sock, const struct buffers *b);
/* The counterpart: reads up to the end; nothing is mapped. */
int buffers_receive(int sock, struct buffers **ret);

#endif
