// SPDX-License-Identifier: GPL-2.0-or-later
/* What every.bpf.c leaves out because Debian's bpftool cannot print it: floating point. BPF has no such arithmetic, but
 * carries the bytes. tests/e2e/helpers/floats.py knows this struct. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 tick_magic = 0x5eed;

struct floats {
	float single;
	double wide;
	float singles[3];
	double wides[2];
	long double eight;	/* 8 bytes, for this target */
	struct {
		double deep;
		float deeper;
	} inner;
	union {
		float as_float;
		__u32 as_word;
	} either;
};

AGENT_RING(events, 1 << 20);
AGENT_EVENT(events, floats);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct floats);
} input SEC(".maps");

struct sys_enter_getpriority {
	__u64 common;
	long nr;
	long which, who;
};

SEC("tracepoint/syscalls/sys_enter_getpriority")
int on_getpriority(struct sys_enter_getpriority *ctx)
{
	__u32 zero = 0;
	struct floats *f;

	if (ctx->which != tick_magic)
		return 0;
	f = bpf_map_lookup_elem(&input, &zero);
	if (f)
		agent_output(events, f, sizeof(*f));
	return 0;
}
