// SPDX-License-Identifier: GPL-2.0-or-later
/* A place in a ring is asked for while the same CPU holds that ring's lock, as only an NMI can: the debug exception of
 * a hardware breakpoint is one, and it lies on the word that the kernel writes under the lock. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct bpf_ringbuf {
	unsigned long producer_pos;
} __attribute__((preserve_access_index));
struct bpf_ringbuf_map {
	struct bpf_ringbuf *rb;
} __attribute__((preserve_access_index));

AGENT_RING(events, 1 << 20);
__u64 address = 0, interrupts = 0;

static __always_inline void produce_one(void)
{
	__u64 *e = agent_reserve(events, sizeof(*e));

	if (!e)
		return;
	*e = 1;
	bpf_ringbuf_submit(e, 0);
}

SEC("syscall")
int find(void *ctx)
{
	__u32 at = bpf_core_field_offset(struct bpf_ringbuf_map, rb);
	char bytes[480];
	__u64 rb;

	if (at > sizeof(bytes) - sizeof(rb) || bpf_probe_read_kernel(bytes, sizeof(bytes), &events))
		return 1;
	bpf_probe_read_kernel(&rb, sizeof(rb), bytes + at);
	address = rb + bpf_core_field_offset(struct bpf_ringbuf, producer_pos);
	return 0;
}

SEC("syscall")
int produce(void *ctx)
{
	produce_one();
	return 0;
}

SEC("perf_event")
int on_breakpoint(void *ctx)
{
	__sync_fetch_and_add(&interrupts, 1);
	produce_one();
	return 0;
}
