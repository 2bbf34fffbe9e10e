/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EBPF_AGENT_LEDGER_H
#define EBPF_AGENT_LEDGER_H

#include "rows.h"

struct ledger {
	char **off;		/* one sentence per equation that does not hold */
	size_t n_off;
};

/* Holds the rows of both daemons against the equations; what is "unknown" is passed over. */
void ledger_check(struct ledger *l, const struct rows *channeld, const struct rows *sinkd);
/* Accepts a zeroed one. */
void ledger_fini(struct ledger *l);

#endif
