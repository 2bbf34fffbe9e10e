/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever happens to a program, its records are written to their last byte. Include it behind user.h. */
#ifndef TESTS_BPF_USER_WHOLE_H
#define TESTS_BPF_USER_WHOLE_H

#include <stdlib.h>
#include <string.h>

#include "user.h"

/* Runs @run twice from the same beginning, over memory that held 0x00 and 0xff before: what differs in the records was
 * never written, and would show what an earlier record held. */
static inline bool user_records_are_whole(void (*begin)(unsigned char garbage), void (*run)(void))
{
	struct user_record *first, *gone;
	bool same = true;

	begin(0x00);
	run();
	first = user.records;
	user.records = NULL;
	user.last = &user.records;
	begin(0xff);
	run();
	for (struct user_record *a = first, *b = user.records; a || b; a = a->next, b = b->next)
		if (!a || !b || a->size != b->size || memcmp(a->data, b->data, a->size) != 0) {
			same = false;
			break;
		}
	for (; (gone = first); free(gone))
		first = gone->next;
	return same;
}

#endif
