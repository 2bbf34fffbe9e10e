/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Least privilege, as a table row per process: which capabilities it keeps, which system calls it loses. The same
 * rights hold under systemd and in a private instance. */
#ifndef EBPF_AGENT_RIGHTS_H
#define EBPF_AGENT_RIGHTS_H

#include "base.h"

/* Capabilities as bits (1 << CAP_…), from linux/capability.h. */
#define RIGHTS_CAP(c) (1ULL << (c))

/* Groups of system calls that rights_apply() refuses with EPERM unless the row allows them. Always refused: mount
 * family, ptrace, process_vm_*, kexec, modules, reboot, swap, keyctl, userfaultfd, io_uring, unshare and setns, clone
 * with CLONE_NEW*, personality, time setting, open_by_handle_at, pidfd_getfd, acct, quotactl, and sockets of any
 * family but AF_UNIX (AF_NETLINK with ALLOW_NETLINK). */
#define RIGHTS_ALLOW_BPF        1u	/* all of bpf() that the capabilities and pins permit */
#define RIGHTS_ALLOW_BPF_LOOKUP 2u	/* bpf(): lookups, updates and info on fds that are open already */
#define RIGHTS_ALLOW_PERF       4u	/* perf_event_open */
#define RIGHTS_ALLOW_NETLINK    8u
#define RIGHTS_ALLOW_SETUID    16u
#define RIGHTS_ALLOW_INET      32u
#define RIGHTS_STRICT          64u	/* an allow-list instead, in rights_filter.c; no exec, no files opened */
#define RIGHTS_ALLOW_EXEC     128u	/* children; without it neither exec nor fork (threads always) */
#define RIGHTS_ALLOW_OPEN     256u	/* with RIGHTS_STRICT: files may be opened, for reading */
#define RIGHTS_ALLOW_LISTEN   512u	/* with RIGHTS_STRICT: answers sandboxes' system calls (common/listener.h) */

struct rights {
	uint64_t start_caps;	/* what the process is started with (for whoever starts it: ambient) */
	uint64_t caps;		/* what it keeps */
	unsigned allow;
	/* A privileged helper, forked and exec'd before the process gives up start_caps; NULL: none. */
	const char *helper;	/* binary in libexec: "ebpf-broker" */
	uint64_t helper_caps;
};

/* One row per process, so that whoever reads it sees who may what. */
extern const struct rights rights_loaderd, rights_load, rights_broker, rights_tagd, rights_channeld, rights_worker,
	rights_launcher, rights_sinkd, rights_xdpd;

/* Drops every capability beyond @r->caps (bounding set, where permitted, and ambient included; ambient keeps @r->caps
 * only if the process execs children that need them: loaderd), sets no_new_privs, installs the filter on all threads.
 * Capabilities are a thread's own, and nanomsg's thread cannot be asked: -EBUSY if there is a second thread and
 * something to drop. 0, -EPERM (@r->caps are not there to keep), … */
int rights_apply(const struct rights *r);
/* The capabilities alone: what svc does before any thread is made. */
int rights_drop_caps(const struct rights *r);
/* What of @caps this process does not have. */
uint64_t rights_missing(uint64_t caps);
/* "CAP_BPF, CAP_PERFMON" into @ret. */
void rights_caps_text(uint64_t caps, char *ret, size_t size);

#endif
