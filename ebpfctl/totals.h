/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EBPF_AGENT_TOTALS_H
#define EBPF_AGENT_TOTALS_H

#include "ledger.h"

/* What became of @program's events, one line: "hello: 112632 events delivered, 103911 lost (ring_full)". To be freed;
 * NULL: it is not in the ledger, or has no channel. */
char *totals_text(const struct ledger *l, const char *program);
/* That of every program in the ledger, on stderr. */
void totals_say(const struct ledger *l);

#endif
