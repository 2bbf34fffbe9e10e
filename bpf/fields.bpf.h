/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* How the named types of abi/types.h are filled. Include vmlinux.h (or the kernel's types) and bpf/bpf_helpers.h first.
 * The same text compiles for user space, where it is tested (tests/bpf_user). */
#ifndef AGENT_FIELDS_BPF_H
#define AGENT_FIELDS_BPF_H

#include "types.h"

/* The strings between @start and @end in the current process' memory (mm->arg_start, arg_end), at most @max bytes, a
 * constant. Returns how many bytes @to got; *ret_cut: not all of them. The process can move both while they are read,
 * so they may make no sense. */
static __always_inline __u64 agent_read_strv(agent_strv *to, __u64 max, unsigned long start, unsigned long end,
					     _Bool *ret_cut)
{
	__u64 len = end - start;

	*ret_cut = 0;
	if (start > end || len > max) {
		len = start > end ? 0 : max;
		*ret_cut = 1;
	}
	if (bpf_probe_read_user(to, len, (const void *)start)) {
		len = 0;
		*ret_cut = 1;
	}
	return len;
}

/* @address: network byte order. */
static __always_inline void agent_ip_from_v4(agent_ip *to, __u32 address)
{
	__builtin_memset(to, 0, 10);
	to->b[10] = to->b[11] = 0xff;
	__builtin_memcpy(&to->b[12], &address, 4);
}

/* What wait(2) says, @status, in its parts. */
static __always_inline void agent_wait_status(int status, __u32 *ret_exit_code, agent_signal *ret_signal,
					      _Bool *ret_core_dumped)
{
	*ret_signal = status & 0x7f;
	*ret_exit_code = *ret_signal ? 0 : (status >> 8) & 0xff;
	*ret_core_dumped = (status & 0x80) != 0;
}

#endif
