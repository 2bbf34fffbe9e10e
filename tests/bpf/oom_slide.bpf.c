// SPDX-License-Identifier: GPL-2.0-or-later
/* The first example of the system: a kprobe on oom_kill_process() that says who was chosen, for a processor. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "agent.bpf.h"
#include "oom_slide.h"

char LICENSE[] SEC("license") = "GPL";

AGENT_RING(oom_events, 1 << 20);
AGENT_EVENT(oom_events, slide_event);

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
/* Where a function's arguments are: arch/x86/include/asm/ptrace.h, arch/arm64/include/uapi/asm/ptrace.h */
struct pt_regs {
	unsigned long di, si;
};
struct user_pt_regs {
	__u64 regs[31];
};
struct kernfs_node {
	__u64 id;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct task_struct___more {
	unsigned int __state;
	struct css_set *cgroups;
};
struct oom_control {
	struct task_struct *chosen;
};
#pragma clang attribute pop
#include <bpf/bpf_tracing.h>

SEC("kprobe/oom_kill_process")
int BPF_KPROBE(kprobe_oom_kill_process, struct oom_control *oc, const char *message)
{
	struct task_struct *victim = BPF_CORE_READ(oc, chosen);
	struct task_struct___more *more = (void *)victim;
	struct slide_event *event = agent_reserve(oom_events, sizeof(*event));

	if (!event)
		return 0;
	event->ts_ns = bpf_ktime_get_ns();
	event->delta_time = event->ts_ns - BPF_CORE_READ(victim, start_time);
	event->cgroup = BPF_CORE_READ(more, cgroups, dfl_cgrp, kn, id);
	event->pid = BPF_CORE_READ(victim, pid);
	event->tgid = BPF_CORE_READ(victim, tgid);
	event->ppid = BPF_CORE_READ(victim, real_parent, tgid);
	event->state = BPF_CORE_READ(more, __state);
	event->exit_code = (BPF_CORE_READ(victim, exit_code) >> 8) & 0xff;
	bpf_core_read_str(&event->comm, sizeof(event->comm), &victim->comm);
	bpf_probe_read_kernel_str(&event->message, sizeof(event->message), message);
	bpf_ringbuf_submit(event, 0);
	return 0;
}
