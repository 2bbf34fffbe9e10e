/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System call filters, made by libseccomp. When that gets no memory, it leaves rules out and says nothing, spoils the
 * heap, or never returns (seen in 2.5.4): so it works in children, and only what two of them agree about is used. */
#ifndef EBPF_AGENT_FILTER_H
#define EBPF_AGENT_FILTER_H

#include <linux/filter.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct filter {
	struct sock_filter code[BPF_MAXINSNS];
	size_t n;
};

/* Adds its rules to an empty filter. It runs in a child: who the filter is for is @self. 0, -errno. */
typedef int (*filter_fill)(scmp_filter_ctx ctx, pid_t self, void *arg);

/* @otherwise: what happens to a call without a rule (SCMP_ACT_…). Forks, so before fork is refused. 0, -errno. */
int filter_make(uint32_t otherwise, filter_fill fill, void *arg, struct filter *ret);

/* One rule without arguments for each of @names, up to NULL. Names, not numbers: what libseccomp or the architecture
 * does not know is passed over. 0, -errno. */
int filter_add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names);

/* On all threads of this process. Needs no_new_privs. 0; -EBUSY: a thread has another filter; -errno. */
int filter_install(const struct filter *f);
/* The same for one with SCMP_ACT_NOTIFY: the descriptor (CLOEXEC) over which its calls are answered (listener.h).
 * -EBUSY: a filter from before has one, and there can be no other. */
int filter_install_listening(const struct filter *f);

#endif
