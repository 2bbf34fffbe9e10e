/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Hints between daemons, over nanomsg. A hint is never the only copy of anything: it says "look again", and whoever
 * misses one looks again by itself within a second. One row per message: number, name, meaning. */
#ifndef EBPF_AGENT_ABI_HINT_H
#define EBPF_AGENT_ABI_HINT_H

#include <stdint.h>

#define HINT_LIST(X)                                                                             \
	X(1, MANIFEST, "loaderd → channeld, sinkd: the manifest of a program was written or removed") \
	X(2, SPOOL,    "worker → sinkd: a spool has records, and its reader said that it sleeps")      \
	X(3, DRAINED,  "worker, sinkd → loaderd: a draining program's ring or spool ran empty")

enum hint_type {
#define X(number, name, help) HINT_##name = number,
	HINT_LIST(X)
#undef X
};

#define HINT_VERSION 1
#define HINT_NAME_MAX 64

/* On the wire as it lies in memory: both ends are on one machine. */
struct hint {
	uint16_t version;	/* HINT_VERSION; anything else is ignored */
	uint16_t type;		/* enum hint_type */
	uint32_t spare;
	char program[HINT_NAME_MAX];	/* NUL-terminated; empty: any */
};
_Static_assert(sizeof(struct hint) == 72, "hint.h is ABI between daemons of different versions");

#endif
