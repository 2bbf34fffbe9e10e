/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cell (abi/spool.h): a small struct, published atomically between two processes, and never torn by a kill. */
#ifndef EBPF_AGENT_CELL_H
#define EBPF_AGENT_CELL_H

#include "base.h"
#include "../abi/spool.h"

/* The payload of the slot that does not count: to be filled by the one writer. */
void *cell_prepare(struct spool_cell *c, uint32_t slot_size);
/* Makes what cell_prepare() gave count; @len bytes of it. */
void cell_publish(struct spool_cell *c, uint32_t slot_size, uint32_t len);

/* Copies what counts to @ret (zero-filled up to @size; untouched on failure). 0; -ENODATA nothing was published yet;
 * -EBADMSG it is damaged, or longer than @size: no kill does that, and the other slot would be the past; -EAGAIN the
 * writer was too fast, again and again. */
int cell_read(const struct spool_cell *c, uint32_t slot_size, void *ret, uint32_t size);

#endif
