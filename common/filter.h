/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Installing a filter that libseccomp makes. When it gets no memory it may leave rules out and say nothing (seen in
 * 2.5.4): so a filter is made twice, and only what comes out the same both times is installed. */
#ifndef EBPF_AGENT_FILTER_H
#define EBPF_AGENT_FILTER_H

#include <seccomp.h>
#include <stdint.h>

/* Adds its rules to an empty filter. 0, -errno. */
typedef int (*filter_fill)(scmp_filter_ctx ctx, void *arg);

/* On all threads of this process; @otherwise: what happens to a call without a rule (SCMP_ACT_…). @fill is called twice.
 * Needs no_new_privs. 0; -ENOMEM: the two are not alike; -errno. */
int filter_install(uint32_t otherwise, filter_fill fill, void *arg);

#endif
