// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel's tracepoints tell of one process that is woken and sleeps: a witness of what tools that hang at the
 * same tracepoints could see. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

const volatile __s32 watched = 0;	/* a process id */

struct told {
	__u64 on;	/* its processor */
	__u64 again;	/* on, after it was off */
	__u64 off;
	__u64 woken;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct told);
	__uint(max_entries, 1);
} switches SEC(".maps");

static struct told *told(const struct task_struct *task)
{
	__u32 zero = 0;

	return BPF_CORE_READ(task, pid) == watched ? bpf_map_lookup_elem(&switches, &zero) : NULL;
}

/* One process is on one processor at a time: nothing else writes. */
SEC("raw_tp/sched_switch")
int BPF_PROG(on_switch, _Bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct told *t = told(prev);

	if (t)
		t->off++;
	t = told(next);
	if (t) {
		t->on++;
		t->again += t->off > 0;
	}
	return 0;
}

SEC("raw_tp/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	struct told *t = told(task);

	if (t)
		t->woken++;
	return 0;
}
