/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which system calls a sandbox was refused (common/listener.h), and how often each. It may lie in shared memory, with
 * one who writes and others who read a copy. */
#ifndef EBPF_AGENT_REFUSALS_H
#define EBPF_AGENT_REFUSALS_H

#include "base.h"

#define REFUSALS_MAX 64		/* different ones that are told apart */

struct refusals {
	uint64_t n;		/* of all calls */
	struct refusal {
		int32_t nr;	/* of the call, as this machine numbers them */
		uint64_t n;	/* 0: this and the following are free */
	} calls[REFUSALS_MAX];
};

/* True: the first of its kind that is told apart. */
bool refusals_add(struct refusals *r, int nr);

/* "openat", or "call 1234", into @ret. */
#define REFUSALS_NAME_MAX 48
void refusals_name(int nr, char ret[REFUSALS_NAME_MAX]);
/* "openat 3, socket 1, others 2" into @ret; "": none. */
#define REFUSALS_TEXT_MAX (REFUSALS_MAX * 72 + 32)
void refusals_text(const struct refusals *r, char ret[REFUSALS_TEXT_MAX]);

#endif
