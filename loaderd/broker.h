/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What loaderd and its privileged helper ebpf-broker say to each other, over a SOCK_SEQPACKET pair: one request, one
 * answer, in order. The broker alone may read where loaderd may not; so everything it is asked is checked there. */
#ifndef EBPF_AGENT_BROKER_H
#define EBPF_AGENT_BROKER_H

#include <linux/limits.h>

#include "../common/base.h"

#define BROKER_FD 3

#define BROKER_ROOTS_MAX     32
#define BROKER_ARTIFACT_MAX  (64u << 20)	/* bytes of one artifact */

enum broker_type {
	BROKER_ROOT = 1,	/* text: a folder that artifacts may lie beneath. Once told (ROOTS_END), never more */
	BROKER_ROOTS_END,
	BROKER_ARTIFACT,	/* text: an absolute path → an fd to read from */
	BROKER_PERF_EVENT,	/* text: as in an ELF section, "tracepoint/CATEGORY/NAME", "kprobe/FUNCTION[+OFFSET]" or
				 * "kretprobe/FUNCTION" → a perf event fd of it, on all processes; or
				 * BROKER_OUTPUT CPU → one that BPF programs on that CPU write to */
};
#define BROKER_OUTPUT "bpf-output/"

struct broker_request {
	uint32_t type;
	char text[PATH_MAX];	/* NUL-terminated */
};

/* err: 0 or -errno. text: what a person should read when errno alone would not do. */
struct broker_answer {
	int32_t err;
	char text[256];
};

#endif
