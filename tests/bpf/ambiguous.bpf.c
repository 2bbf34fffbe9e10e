// SPDX-License-Identifier: GPL-2.0-or-later
/* Nothing says which struct the records are. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct first_record {
	__u64 a;
};
struct second_record {
	__u32 b;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct first_record last_first;
struct second_record last_second;

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	__u64 record = last_first.a + last_second.b;

	bpf_ringbuf_output(&events, &record, sizeof(record), 0);
	return 0;
}
