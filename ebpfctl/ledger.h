/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EBPF_AGENT_LEDGER_H
#define EBPF_AGENT_LEDGER_H

#include "rows.h"

struct ledger {
	struct rows channeld, sinkd;
	struct rows loaderd;	/* what the kernel never showed: no part of any equation */
	char **off;		/* one sentence per equation that does not hold */
	size_t n_off;
	size_t n_unknown;	/* equations that say nothing: not everything in them is counted by somebody */
};

/* Asks both daemons for @program ("": all) into zeroed @ret, and checks; again if something is off. 0, or CTL_FAILED:
 * said on stderr. */
int ledger_ask(struct client *c, const char *program, struct ledger *ret);
/* Holds the rows of both daemons against the equations; what is "unknown" is passed over, and so are channels that
 * moved while they were read. */
void ledger_check(struct ledger *l, const struct rows *channeld, const struct rows *sinkd);
/* ledger_metrics.c: as OpenMetrics text. What is unknown has no sample. */
void ledger_metrics(const struct ledger *l, FILE *f);
/* Accepts a zeroed one. */
void ledger_fini(struct ledger *l);

#endif
