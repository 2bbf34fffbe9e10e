// SPDX-License-Identifier: GPL-2.0-or-later
/* exec: every process that replaces its image, with its arguments, and every process that ends, with how it ended and
 * how long it ran. Threads are not processes: only the last thread of one is its end. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "agent.bpf.h"
#include "fields.bpf.h"
#include "exec.h"

char LICENSE[] SEC("license") = "GPL";

AGENT_RING(exec_events, 4 << 20);
AGENT_EVENT(exec_events, exec_event);

/* A record with arguments is put together here: its size is known only then, and 4 KiB do not fit on a BPF stack. */
struct scratch {
	char bytes[sizeof(struct exec_event) + EXEC_ARGS_MAX];
} __attribute__((aligned(8)));
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

/* Whose end was told. Two threads that end at the same instant may both find, here, that none is left. */
struct process {
	__u64 start_ns;
	__u64 pid;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);	/* it is a matter of microseconds */
	__type(key, struct process);
	__type(value, __u8);
} ended SEC(".maps");

#define SIGNAL_GROUP_EXIT 4	/* include/linux/sched/signal.h */
#define EEXIST 17

static __always_inline void fill(struct exec_event *e, struct task_struct *task, enum exec_kind kind)
{
	e->ts_ns = bpf_ktime_get_ns();
	e->cgroup_id = bpf_get_current_cgroup_id();
	e->run_ns = 0;
	e->pid = BPF_CORE_READ(task, tgid);
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = (__u32)bpf_get_current_uid_gid();
	e->kind = kind;
	e->exit_code = 0;
	e->signal = 0;
	e->core_dumped = false;
	e->args_cut = false;
	e->__pad = 0;
	BPF_CORE_READ_INTO(&e->comm, task, group_leader, comm);	/* as a string its rest would be an older record's */
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	unsigned long start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end);
	__u32 zero = 0;
	struct exec_event *e = bpf_map_lookup_elem(&scratch, &zero);
	__u64 len;

	if (!e)
		return 0;
	fill(e, task, EXEC);
	len = agent_read_strv(e->args, EXEC_ARGS_MAX, start, end, &e->args_cut);
	agent_output(exec_events, e, sizeof(*e) + len);
	return 0;
}

/* What wait(2) will say: a process that was told to end as a whole has one code for all its threads. */
static __always_inline int exit_status(struct task_struct *task)
{
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

static __always_inline bool was_told(struct task_struct *task)
{
	struct process p = {
		.start_ns = BPF_CORE_READ(task, group_leader, start_time), .pid = BPF_CORE_READ(task, tgid),
	};
	__u8 yes = 1;

	/* Before 6.4 its upper half is not to be trusted ("bpf: return long from bpf_map_ops funcs"). */
	return (int)bpf_map_update_elem(&ended, &p, &yes, BPF_NOEXIST) == -EEXIST;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct exec_event *e;

	if (BPF_CORE_READ(task, signal, live.counter) != 0 || was_told(task))
		return 0;
	e = agent_reserve(exec_events, sizeof(*e));
	if (!e)
		return 0;
	fill(e, task, EXIT);
	agent_wait_status(exit_status(task), &e->exit_code, &e->signal, &e->core_dumped);
	e->run_ns = e->ts_ns - BPF_CORE_READ(task, group_leader, start_time);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
