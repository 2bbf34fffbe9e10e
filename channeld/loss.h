/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When losses are to be told, and how: by readings of what a program counts, about a second apart. */
#ifndef EBPF_AGENT_LOSS_H
#define EBPF_AGENT_LOSS_H

#include "../abi/spool.h"
#include "../common/manifest.h"

#define LOSS_TELL_NS (10 * NSEC_PER_SEC)	/* between two texts: each one is a line in the log, too */
#define LOSS_OVER_NS (60 * NSEC_PER_SEC)	/* after the last loss */

#define LOSS_CHANNEL_LIST(X) X(ring_full) X(nmi) X(lost)
/* Not `filtered`: that is what the processor wanted. */
#define LOSS_ROUTE_LIST(X) \
	X(DECODE, decode) X(SO_ERROR, so_error) X(SO_CRASH, so_crash) X(SO_TIMEOUT, so_timeout) X(OVERSIZE, oversize)

struct loss_channel {
	uint64_t produced;
#define X(name) uint64_t name;
	LOSS_CHANNEL_LIST(X)
#undef X
};
struct loss_route {
#define X(upper, name) uint64_t name;
	LOSS_ROUTE_LIST(X)
#undef X
	uint64_t spool_full;
};
struct loss_reading {
	uint64_t at_ns;		/* CLOCK_MONOTONIC */
	struct loss_channel channels[SPOOL_MAX_CHANNELS];	/* as in the manifest */
	struct loss_route routes[SPOOL_MAX_ROUTES];
};

struct loss {
	struct loss_reading last;
	struct loss_reading told;	/* what the latest text goes up to */
	uint64_t lost_ns;		/* when something was lost last */
	uint64_t channels, routes;		/* bits: those that lost something since this began */
	bool begun, telling;
};

enum loss_verdict { LOSS_NOTHING_NEW, LOSS_TELL, LOSS_OVER };

/* @l is zeroed before the first reading, which says nothing: what was lost before it is no news. LOSS_TELL: *ret_text
 * is to be freed by the caller. */
enum loss_verdict loss_judge(struct loss *l, const struct manifest *m, const struct loss_reading *now, char **ret_text);

#endif
