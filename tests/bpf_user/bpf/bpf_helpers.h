/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands before libbpf's header of this name, so that bpf/ compiles for user space: the same words, and helpers that
 * user.c has and a test controls (user.h). */
#ifndef TESTS_BPF_USER_HELPERS_H
#define TESTS_BPF_USER_HELPERS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#include <stddef.h>

#define SEC(name)
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
/* Of bpf_core_read.h: here every field is where the compiler put it. */
#define __builtin_preserve_access_index(x) (x)

void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *record, __u64 flags);
void bpf_ringbuf_discard(void *record, __u64 flags);
long bpf_ringbuf_output(void *ring, void *data, __u64 size, __u64 flags);
__u64 bpf_ringbuf_query(void *ring, __u64 what);
long bpf_perf_event_output(void *ctx, void *map, __u64 flags, void *data, __u64 size);

long bpf_probe_read_kernel(void *to, __u32 size, const void *from);
long bpf_probe_read_kernel_str(void *to, __u32 size, const void *from);
long bpf_probe_read_user(void *to, __u32 size, const void *from);

__u64 bpf_ktime_get_ns(void);
__u64 bpf_get_current_pid_tgid(void);
__u64 bpf_get_current_uid_gid(void);
__u64 bpf_get_current_cgroup_id(void);
long bpf_get_current_comm(void *to, __u32 size);
__u64 bpf_get_socket_cookie(void *sk);

#endif
