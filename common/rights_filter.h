/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system call filters behind rights_apply(). */
#ifndef EBPF_AGENT_RIGHTS_FILTER_H
#define EBPF_AGENT_RIGHTS_FILTER_H

/* Installs the filter for @allow (RIGHTS_ALLOW_…, RIGHTS_STRICT) on all threads. Needs no_new_privs. 0, -errno. */
int rights_filter(unsigned allow);

#endif
