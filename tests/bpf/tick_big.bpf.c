// SPDX-License-Identifier: GPL-2.0-or-later
/* tick.bpf.c with a ring that holds a test's whole run. */
#define TICK_RING (8 << 20)
#include "tick.bpf.c"
