/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel never showed a prog: its hook was passed, and it was not called. */
#ifndef EBPF_AGENT_LOADERD_MISSED_H
#define EBPF_AGENT_LOADERD_MISSED_H

#include <linux/bpf.h>

#include "../common/base.h"

/* struct bpf_link_info of linux/bpf.h, as far as 6.7 grew it: headers here may be older than the kernel. */
struct missed_link_info {
	uint32_t type, id, prog_id, pad;
	union {
		struct {
			uint64_t addrs;
			uint32_t count, flags;
			uint64_t missed;
		} kprobe_multi;
		struct {
			uint32_t type, pad;
			uint64_t name;
			uint32_t name_len, offset;
			uint64_t addr, missed;
		} perf_event;
	};
};
_Static_assert(sizeof(struct missed_link_info) == 56, "as the kernel has it");

/* 0; -ENODATA: this kernel does not count it, or not for this kind of hook. @prog_len, @link_len: bytes that the kernel
 * knows of each; @link_len 0: it has no link (any more). */
int missed_judge(const struct bpf_prog_info *prog, uint32_t prog_len, const struct missed_link_info *link,
		 uint32_t link_len, uint64_t *ret);
/* The same of two open fds; @link_fd negative: none. Or what the kernel says. */
int missed_read(int prog_fd, int link_fd, uint64_t *ret);

#endif
