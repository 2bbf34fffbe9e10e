/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The batch area: the one piece of memory that a worker shares with the sandbox of a user's processor. (ebpf-load
 * shares one with the sandbox of functions that are called around a load; it is meant wherever a worker is spoken of.)
 *
 * The worker fills `in` and the rows' in_* fields, sets n and rings the first eventfd; the sandbox calls for row after
 * row the function that it names, fills `out` and the out_* fields, and rings the second. Everything the sandbox writes
 * is hostile: the worker reads each length once, into a local, and checks that. in_* fields that the worker needs again
 * it keeps elsewhere.
 *
 * A sandbox is started as `ebpf-sandbox FUNCTIONS MEMORY THREADS`: the names that rows may call, separated by commas
 * and numbered from 0; bytes of private writable memory (0: no limit); how many threads and processes its uid may
 * have. It lives in one process to its end, so what one function leaves in the object's memory the next one finds. */
#ifndef EBPF_AGENT_ABI_BATCH_H
#define EBPF_AGENT_ABI_BATCH_H

#include <stdint.h>

#define BATCH_MAX 256		/* records per batch: about 50 ns per record for the two wake-ups */
#define BATCH_MAX_FUNCTIONS 64	/* a power of two */
#define BATCH_SEPARATOR ','	/* between the names of functions, which are words of [A-Za-z0-9_.$] */

/* What a row's in_off and in_len lie within. */
enum batch_input { BATCH_INPUT_AREA, BATCH_INPUT_FILE };

#define BATCH_NO_FUNCTION 0xffff
#define BATCH_MAX_CHANNELS 16	/* a power of two; SPOOL_MAX_CHANNELS */

struct batch_row {
	uint32_t in_off, in_len;	/* within `in`, or the file */
	uint32_t out_off, out_len;	/* within `out`; out_len 0: filtered; beyond out_room: oversize */
	uint64_t key;			/* what the hash function returned */
	int32_t err;			/* what the processor left in ErrCtx */
	uint16_t function;		/* number among the names that the sandbox was started with; BATCH_NO_FUNCTION:
					 * only the key is asked for */
	uint16_t hash;			/* the same of the function that gives the key; BATCH_NO_FUNCTION: none */
	uint16_t input;			/* enum batch_input */
	uint16_t channel;		/* index in `channels` */
	uint32_t spare;
};
_Static_assert(sizeof(struct batch_row) == 40, "both sides have it so");

struct batch_area {
	uint64_t in_size, out_size;	/* bytes of the two regions behind this header */
	uint32_t out_room;		/* bytes offered to the processor per result */
	uint32_t n;			/* rows in this batch */
	uint32_t seq;			/* of the batch, by the worker */
	uint32_t in_flight;		/* row being processed: who to blame (index + 1; 0: none) */
	uint32_t ready;			/* 1 once the processor is loaded; 2: it could not be, see `error` */
	uint32_t done_seq;		/* the batch that the sandbox is through with */
	char error[256];		/* with ready == 1: what is missing on this machine, or empty */
	char channels[BATCH_MAX_CHANNELS][64];	/* names, for processors that ask (struct tracer_call) */
	struct batch_row rows[BATCH_MAX];
	/* in[in_size], out[out_size] follow, each 4096-aligned: BATCH_IN_OFFSET */
};
#define BATCH_IN_OFFSET ((sizeof(struct batch_area) + 4095) & ~4095UL)

/* All of its environment: without it libc looks for /etc/localtime, which it may not see, each time it is asked. */
#define SANDBOX_ENVIRONMENT "TZ=UTC"

/* File descriptors that ebpf-sandbox finds at start. Over the listener's, a socket, it sends that of its system call
 * filter (common/listener.h), and closes it. The file (an initfile, sealed) is there only if a row will ask for it;
 * functions see it mapped read-only. */
enum {
	SANDBOX_FD_BATCH = 3, SANDBOX_FD_REQUEST = 4, SANDBOX_FD_DONE = 5, SANDBOX_FD_SO = 6, SANDBOX_FD_LISTENER = 7,
	SANDBOX_FD_FILE = 8,
	SANDBOX_FD_END
};

#endif
