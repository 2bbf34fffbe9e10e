/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Types that BPF programs and the agent share, and the *named types* that the decoder knows.
 *
 * A named type is an ordinary typedef whose name says how its bytes are to be read. An event struct that uses one
 * is rendered accordingly, whoever compiled it: the decoder goes by the typedef's name in BTF, DWARF or `fields:`. */
#ifndef EBPF_AGENT_ABI_TYPES_H
#define EBPF_AGENT_ABI_TYPES_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* An IP address, network byte order; IPv4 is mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2). JSON: its text form. */
typedef struct {
	__u8 b[16];
} agent_ip;

/* Only as the last member, `agent_strv args[]`: NUL-terminated strings one after the other up to the record's end,
 * as the kernel keeps argv between mm->arg_start and mm->arg_end. JSON: an array of strings. */
typedef char agent_strv;

/* A signal number. JSON: a number. Kept apart from exit codes so that nobody has to know the wait(2) encoding. */
typedef __u8 agent_signal;

#endif
