// SPDX-License-Identifier: GPL-2.0-or-later
/* The same struct, but only a function's body knows it: clang leaves it out of BTF, and DWARF has it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "types.h"
#include "tests/bpf/layouts.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	struct event {
		__u64 ktime_ns;
		__u32 tgid;
		char comm[16];
	} *small;
	struct all_types *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (e) {
		e->ts_ns = bpf_ktime_get_ns();
		e->colour = GREEN;
		bpf_ringbuf_submit(e, 0);
	}
	small = bpf_ringbuf_reserve(&events, sizeof(*small), 0);
	if (small) {
		small->ktime_ns = bpf_ktime_get_ns();
		bpf_ringbuf_submit(small, 0);
	}
	return 0;
}
