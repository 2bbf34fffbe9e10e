/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests/bpf/ringfill.bpf.c and its users share. */
#ifndef RINGFILL_H
#define RINGFILL_H

#include <stdint.h>

struct ringfill_event {
	uint64_t ts_ns, number, cgroup_id, bytes, latency_ns;
	uint32_t pid, kind;
	char comm[16];
};

struct ringfill_args {
	uint64_t first, n, skip_notify, discard_every, full;
};

#define RINGFILL_LOOP_MAX (1u << 20)	/* rounds of one run; bpf_loop() allows 8 << 20 */

#endif
