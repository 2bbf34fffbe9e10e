// SPDX-License-Identifier: GPL-2.0-or-later
/* Globals and maps that a YAML sets. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum mode { OFF, ON, AUTO = -3 };

struct limits {
	__u32 low;
	struct {
		__u64 high;
	};
	char name[8];
};

const volatile __u32 target = 7;
const volatile _Bool enabled;
const volatile char label[8] = "none";
const volatile __u16 ports[4];
const volatile enum mode mode = OFF;
const volatile struct limits limits;
__s64 offset = -1;
__u64 seen;
unsigned __int128 wide;

struct key {
	__u32 a;
	__u16 b, c;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, struct key);
	__type(value, struct limits);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} each_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 6);
} plain SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u32);
} no_size SEC(".maps");

struct event {
	__u64 ts_ns;
	__u32 pid, target;
	__u64 low, number;
};
AGENT_RING(events, 1 << 16);
AGENT_EVENT(events, event);

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	struct key k = { .a = target, .b = ports[0] };
	__u32 one = 1, *size = bpf_map_lookup_elem(&no_size, &one);
	struct limits *l = bpf_map_lookup_elem(&table, &k);
	__u64 *n = bpf_map_lookup_elem(&numbers, &one);
	__u32 *cpu = bpf_map_lookup_elem(&each_cpu, &one);
	void *p = bpf_map_lookup_elem(&plain, &one);
	struct event *e;

	if (!enabled || mode == OFF || label[0] != 'x' || limits.low > 5 ||
	    (bpf_get_current_pid_tgid() >> 32) != (__u32)offset)
		return 0;
	e = agent_reserve(events, sizeof(*e));
	if (!e)
		return 0;
	e->ts_ns = bpf_ktime_get_ns();
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->target = target + (p ? 1 : 0) + (size ? *size : 0) + (cpu ? *cpu : 0);
	e->low = l ? l->low + l->high : 0;
	e->number = n ? *n : 0;
	seen += 1 + (__u64)wide;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
