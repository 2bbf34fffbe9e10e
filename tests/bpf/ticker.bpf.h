/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A source of events that a test controls to the last one: tests/tools/ticker calls getpriority(MAGIC, n). The YAML
 * sets the magic, so that tests that run side by side do not see each other's calls. */
#ifndef TESTS_BPF_TICKER_BPF_H
#define TESTS_BPF_TICKER_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 tick_magic = 0x5eed;

#define TICKER_SECTION "tracepoint/syscalls/sys_enter_getpriority"

/* Is this call the test's? Then *ret_n is its number. */
static __always_inline _Bool ticker_called(const struct sys_enter *ctx, __u32 *ret_n)
{
	*ret_n = (__u32)ctx->args[1];
	return ctx->args[0] == tick_magic;
}

#endif
