/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Events of the `exec` program: one when a process has replaced its image, one when it ends. */
#ifndef EBPF_AGENT_ABI_EXEC_H
#define EBPF_AGENT_ABI_EXEC_H

#include "types.h"

enum exec_kind { EXEC = 1, EXIT = 2 };

#define EXEC_ARGS_MAX 4096

struct exec_event {
	__u64 ts_ns;		/* CLOCK_MONOTONIC */
	__u32 pid, ppid;	/* processes (tgid) as the initial pid namespace numbers them */
	char comm[16];
	enum exec_kind kind;
	__u32 uid;
	__u32 exit_code;	/* EXIT: what exit() was given & 0xff; 0 when killed */
	agent_signal signal;	/* EXIT: the signal that killed it, else 0 */
	_Bool core_dumped;
	_Bool args_cut;		/* more arguments than EXEC_ARGS_MAX bytes, or they could not be read */
	__u8 __pad;		/* members named __pad… are not shown */
	__u64 run_ns;		/* EXIT: since the process started (fork), wall time; EXEC: 0 */
	__u64 cgroup_id;	/* of the default hierarchy */
	agent_strv args[];	/* EXEC: argv */
};
#ifndef __bpf__
_Static_assert(sizeof(struct exec_event) == 64, "exec.h is ABI");
#endif

#endif
