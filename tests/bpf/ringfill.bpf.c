// SPDX-License-Identifier: GPL-2.0-or-later
/* Fills a ring buffer when told, with 64-byte events of eight fields that a test can compute: for benchmarks of the
 * worker, and tests that need a known ring. Run by BPF_PROG_TEST_RUN. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "agent.bpf.h"

#define NO_WAKEUP 1	/* BPF_RB_NO_WAKEUP of linux/bpf.h */

char LICENSE[] SEC("license") = "GPL";

enum ringfill_kind { READ = 1, WRITE = 2, FSYNC = 3, CLOSE = 4 };

struct ringfill_event {
	__u64 ts_ns;
	__u64 number;
	__u64 cgroup_id;
	__u64 bytes;
	__u64 latency_ns;
	__u32 pid;
	enum ringfill_kind kind;
	char comm[16];
};

AGENT_RING(events, 64 << 20);
AGENT_EVENT(events, ringfill_event);

struct ringfill_args {
	__u64 first, n;
	__u64 skip_notify;	/* BPF_RB_NO_WAKEUP, as producers do that must be cheap */
	__u64 discard_every;	/* 0: none */
	__u64 full;		/* out: how many got no room */
};

struct fill {
	__u64 first, flags, discard_every, full;
};

static long one(__u32 i, struct fill *f)
{
	struct ringfill_event *e = agent_reserve(events, sizeof(*e));
	__u64 number = f->first + i;

	if (!e) {
		f->full++;
		return 0;
	}
	e->ts_ns = bpf_ktime_get_ns();
	e->number = number;
	e->cgroup_id = 4000 + (number & 63);
	e->bytes = (number * 2654435761u) & 0xfffff;
	e->latency_ns = 1000 + ((number * 40503) & 0xffffff);
	e->pid = 1000 + (number & 0x3fff);
	e->kind = 1 + (number & 3);
	__builtin_memcpy(e->comm, "worker/0:1-event", 16);
	e->comm[8 + (number & 7)] = 0;
	if (f->discard_every && number % f->discard_every == 0)
		bpf_ringbuf_discard(e, f->flags);
	else
		bpf_ringbuf_submit(e, f->flags);
	return 0;
}

SEC("syscall")
int ringfill(struct ringfill_args *a)
{
	struct fill f = { .first = a->first, .discard_every = a->discard_every,
			  .flags = a->skip_notify ? NO_WAKEUP : 0 };

	bpf_loop(a->n, one, &f, 0);
	a->full = f.full;
	return 0;
}
