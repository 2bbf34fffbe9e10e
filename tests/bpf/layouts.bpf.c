// SPDX-License-Identifier: GPL-2.0-or-later
/* An event with every type that a layout can have, and its declaration in layouts.h. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "types.h"
#include "agent.bpf.h"
#include "tests/bpf/layouts.h"

char LICENSE[] SEC("license") = "GPL";

AGENT_RING(events, 1 << 16);
AGENT_EVENT(events, all_types);

/* Filled by the test, sent as it is. */
struct all_types sample;

SEC("raw_tp/sys_enter")
int send(void *ctx)
{
	struct all_types *e = agent_reserve(events, sizeof(*e) + 8);

	if (!e)
		return 0;
	__builtin_memcpy(e, &sample, sizeof(*e));
	__builtin_memcpy(e->rest, "a\0bc\0d\0", 8);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
