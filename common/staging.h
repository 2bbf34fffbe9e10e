/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where bytes of a FIFO lie between read(2) and the commit that accounts for them: a ring of shared memory
 * (RUNTIME/spool/PROGRAM.CHANNEL.pipe) that survives the worker.
 *
 * read(2) takes bytes out of the FIFO and tells how many by its return value alone: a worker killed behind it does
 * not know. So the places that it reads into are NUL beforehand, and whoever comes next sees by what is not NUL how
 * far it came. That is exact, whenever the worker is killed:
 *
 *  - Within read(2): the kernel copies bytes and takes them out of the FIFO without looking for signals in between. (A
 *    page of the ring that had to be fetched first could end the copy early; the ring is populated and locked.)
 *  - Behind it: all that came is in the ring, behind the bytes that were there. NULs at its end are not seen again, and
 *    those in the middle are dropped when a line is taken: a NUL is no text.
 *  - Behind the commit: `next` says what is accounted for. Its places are made NUL again before they are read into, and
 *    `clean` says up to where that is done; it moves last. Bytes may lie in [next, clean + size) and nowhere else, so
 *    what a killed worker left in [clean, next) is never taken for new: it is made NUL at start. */
#ifndef EBPF_AGENT_STAGING_H
#define EBPF_AGENT_STAGING_H

#include "base.h"

#define STAGING_SIZE (256u << 10)	/* bytes, a power of two */
#define STAGING_OVERREAD 4096		/* readable bytes behind the second mapping */

struct staging {
	struct staging_head *head;
	char *data;			/* mapped twice in a row, so that no line ever wraps */
	uint64_t next;			/* what lies before is accounted for */
	uint64_t tail;			/* bytes came up to here */
	int fd;
	bool is_new;			/* staging_open() made it */
};

/* Opens the ring at @path and goes on at *next, which is moved to where the ring begins if it speaks of another one.
 * One that is not of @id is made anew, and begins at *next. The caller is its only writer. */
int staging_open(struct staging *s, const char *path, uint64_t id, uint64_t *next);
/* Accepts a zeroed one. */
void staging_close(struct staging *s);

static inline size_t staging_place(uint64_t pos)
{
	return (size_t)(pos & (STAGING_SIZE - 1));
}

/* Reads what @fd has into what is free, at most @max bytes. 0: nothing came, or nothing is free. */
size_t staging_read(struct staging *s, int fd, size_t max);
/* Behind the commit that says so: what lies before @next may be overwritten. */
void staging_release(struct staging *s, uint64_t next);

/* For others: how many lines that are not empty, finished or not, lie in the ring at @path from @next on; @within:
 * which is in a line that does not count. -ENOENT, -ENODATA; -EAGAIN: it moves. */
int staging_count(const char *path, uint64_t id, uint64_t next, bool within, uint64_t *ret);

#endif
