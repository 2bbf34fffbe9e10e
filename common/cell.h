/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cell (abi/spool.h): a small struct, published atomically between two processes, and never torn by a kill. */
#ifndef EBPF_AGENT_CELL_H
#define EBPF_AGENT_CELL_H

#include "base.h"
#include "../abi/spool.h"

/* The payload of the slot that does not count: to be filled by the one writer. */
void *cell_prepare(struct spool_cell *c, uint32_t slot_size);
/* Makes what cell_prepare() gave count; @len bytes of it. @copy: a third slot, which has it already before that; NULL:
 * none. */
void cell_publish(struct spool_cell *c, uint32_t slot_size, uint32_t len, struct spool_slot *copy);

/* Copies what counts to @ret (zero-filled up to @size; untouched on failure). 0; -ENODATA nothing was published yet;
 * -EBADMSG it is damaged, or longer than @size: no kill does that, and the other slot would be the past; -EAGAIN the
 * writer was too fast, again and again. */
int cell_read(const struct spool_cell *c, uint32_t slot_size, void *ret, uint32_t size);

/* For the next writer, while nobody writes: copies the newest content that is whole to @ret, which is what counted last
 * or, if the last writer was killed just before it would have, what was complete. cell_publish() then goes on from
 * there. 0; 1 it may be older, since what counted is damaged; -ENODATA nothing was published yet; -EBADMSG nothing is
 * whole. */
int cell_recover(struct spool_cell *c, uint32_t slot_size, const struct spool_slot *copy, void *ret, uint32_t size);

#endif
