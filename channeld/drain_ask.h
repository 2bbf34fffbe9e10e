/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between drain.c, which gathers and writes, and the processors. */
#ifndef EBPF_AGENT_DRAIN_ASK_H
#define EBPF_AGENT_DRAIN_ASK_H

#include "drain.h"

/* One row of answers for each gathered record and route. 0, -ENOMEM. */
int answers_reset(struct drain *d);
/* Asks for everything that was gathered, and waits for the answers. */
void ask_all(struct drain *d);
/* Of what is not encoded by its layout alone. */
const struct answer *answer_beside_layout(struct drain *d, const struct route *r, const struct record *rec, size_t row,
					  struct answer *room);
/* What there is of an event besides its layout, in @room; @row: of its answers. NULL: nothing. */
static inline const struct answer *answer_of(struct drain *d, const struct route *r, const struct record *rec,
					     size_t row, struct answer *room)
{
	if (!r->processor && !rec->channel->transport->decode && rec->fate == RECORD_EVENT)
		return NULL;
	return answer_beside_layout(d, r, rec, row, room);
}
/* A dead letter, if there is to be one. */
void keep_letter(struct drain *d, const struct route *r, const struct when *when, const struct record *rec, size_t row,
		 enum spool_drop drop);

#endif
