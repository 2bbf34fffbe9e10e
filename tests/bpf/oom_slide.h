/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The out-of-memory event as the first example of the system has it, with the victim's cgroup beside it. */
#ifndef TESTS_OOM_SLIDE_H
#define TESTS_OOM_SLIDE_H

#include "types.h"

struct slide_event {
	__u64 ts_ns, delta_time;	/* CLOCK_MONOTONIC; since the victim was started */
	__u64 cgroup;			/* of the victim: inode number of its folder in cgroup2 */
	__s32 pid, tgid, ppid;
	__u32 state;
	__s32 exit_code;
	char comm[16];
	char message[44];
};

#endif
