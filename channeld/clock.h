/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EBPF_AGENT_CLOCK_H
#define EBPF_AGENT_CLOCK_H

#include "../common/base.h"

uint64_t clock_monotonic(void);	/* ns */

/* CLOCK_REALTIME minus CLOCK_MONOTONIC, ns, as well as three readings tell. */
int64_t clock_wall_offset(void);

#define CLOCK_DRIFT_MAX NSEC_PER_MSEC

/* True if *offset was off by more than CLOCK_DRIFT_MAX (the wall clock was set, or slewed), and is right again. Small
 * drift is kept, so that events in order have times in order. */
bool clock_correct(int64_t *offset);

#endif
