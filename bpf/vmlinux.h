/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The few kernel types that our programs touch, kept by hand. Members are found by name when the program is loaded
 * (CO-RE), so order, offsets and everything that is not listed here do not matter: a build needs no BTF of the
 * build host and does not depend on it. Struct names and member names are the kernel's (6.1 and later); add a
 * member when a program needs it. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef int pid_t;
typedef unsigned int uid_t;
#ifndef bool
#define bool _Bool
#define true 1
#define false 0
#endif

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
enum { BPF_F_USER_STACK = 1 << 8 };

#ifdef __bpf__		/* in user space (tests/bpf_user) these are structs like any other */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#endif

typedef struct {
	int counter;
} atomic_t;

struct mm_struct {
	unsigned long arg_start, arg_end;
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
};

struct task_struct {
	int pid, tgid;
	int exit_code;
	char comm[16];
	__u64 start_time;
	struct task_struct *real_parent, *group_leader;
	struct mm_struct *mm;
	struct signal_struct *signal;
};

struct linux_binprm {
	unsigned long p;
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

struct sock_common {
	unsigned short skc_family;
	__be16 skc_dport;
	__be32 skc_daddr;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct inet_sock {
	struct sock sk;
	__be32 inet_saddr;
	__be16 inet_sport;
};

struct trace_entry {
	unsigned short type;
};

/* The first field of oom:mark_victim is the same in all kernels; its raw arguments are not (6.8: task, uid). */
struct trace_event_raw_mark_victim {
	struct trace_entry ent;
	int pid;
};

#ifdef __bpf__
#pragma clang attribute pop
#endif

/* tracepoint/syscalls/sys_enter_…: how every such record begins: the common fields, the call's number, its arguments
 * (kernel/trace/trace_syscalls.c). */
struct sys_enter {
	__u64 common;
	long nr;
	unsigned long args[6];
};

#endif
