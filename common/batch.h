/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trusted side of a batch area (abi/batch.h). Records are gathered in memory of the worker's own and copied over
 * when they are run, so that what a sandbox scribbles into the area spoils no record that is yet to be tried; results
 * are copied back before anything looks at them. */
#ifndef EBPF_AGENT_BATCH_H
#define EBPF_AGENT_BATCH_H

#include "../abi/batch.h"
#include "../abi/spool.h"
#include "base.h"

#define BATCH_IN_SIZE  (1u << 20)	/* bytes of records in one batch; only what is used is ever touched */
#define BATCH_OUT_ROOM (60u << 10)	/* bytes per result: a spool record less its header, envelope and tags */

struct batch_call {			/* as in struct batch_row */
	uint16_t function, hash, channel;
};

struct batch_record {
	uint32_t off, len;		/* within `in` */
	struct batch_call call;
	uint64_t cookie;
};

struct batch {
	struct batch_area *area;	/* shared with the sandbox */
	size_t area_size;
	int fd, request, done;		/* memfd, sealed against resizing; eventfds */
	uint32_t seq;			/* of the batch last submitted */
	uint32_t room;			/* bytes offered per result */
	const char *channels[BATCH_MAX_CHANNELS];	/* the caller's: names for functions that ask; may be NULL */

	char *in;			/* private, as all that follows */
	uint32_t used, n;
	struct batch_record records[BATCH_MAX];
	char *result;			/* room */
};

/* Results have up to BATCH_OUT_ROOM bytes. */
int batch_init(struct batch *b);
/* The same with @room bytes instead, at least one page; whoever calls few functions and gets much. -EINVAL: more than
 * the area has. */
int batch_init_room(struct batch *b, uint32_t room);
/* Accepts a zeroed one. */
void batch_fini(struct batch *b);

/* -ENOSPC, -EMSGSIZE: as processor_add(). */
int batch_add(struct batch *b, const struct batch_call *call, const void *data, uint32_t len, uint64_t cookie);
/* The same for one function and no channel. */
int batch_add_call(struct batch *b, uint16_t function, const void *data, uint32_t len, uint64_t cookie);
void batch_clear(struct batch *b);

/* Makes the area as a new sandbox expects it. */
void batch_reset(struct batch *b);
/* Hands @n records from @first on to the sandbox. */
int batch_submit(struct batch *b, uint32_t first, uint32_t n);
/* Hands function @function of the sandbox the first @len bytes of its file, alone: its answer is row 0's. What was
 * added stays as it is. */
int batch_submit_file(struct batch *b, uint16_t function, uint32_t len);
/* The sandbox rang. Takes the ring away. */
bool batch_take_ring(struct batch *b);
bool batch_finished(const struct batch *b);
/* How many rows of the @n submitted it is through with: all, or those before the one in flight. */
uint32_t batch_through(const struct batch *b, uint32_t n);

/* Row @i of those submitted: SPOOL_N_DROPS and *ret_len (at least 1) bytes in b->result that nobody has looked at yet,
 * or why there are none. *ret_err: what the function left in ErrCtx; bytes are there all the same. */
enum spool_drop batch_copy(struct batch *b, uint32_t i, int32_t *ret_err, size_t *ret_len);
/* The same of a processor: SPOOL_N_DROPS and checked results in b->result, or why there are none. */
enum spool_drop batch_result(struct batch *b, uint32_t i, size_t *ret_len);
/* Of a row that asked for one: its key. False: the function said that it failed. */
bool batch_key(const struct batch *b, uint32_t i, uint64_t *ret);

#endif
