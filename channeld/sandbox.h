/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpf-sandbox: the process that a user's shared object runs in. */
#ifndef EBPF_AGENT_SANDBOX_H
#define EBPF_AGENT_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/* Resource limits; @memory bytes of private writable memory, 0: no limit; @threads: of its uid, in all. */
int sandbox_limit(uint64_t memory, uint64_t threads);
/* From now on only shared libraries can be read. -ENOSYS, -EOPNOTSUPP: this kernel has no Landlock. */
int sandbox_lock_files(void);
/* Calls that are trapped fail with EPERM, and are told. */
int sandbox_catch_traps(void);
/* For sandbox_lock_calls(), while there may still be children. */
int sandbox_make_filter(void);
/* From now on only the system calls of the table; all others are trapped, or whoever is at the other end of
 * SANDBOX_FD_LISTENER is asked about them. On all threads, for good. */
int sandbox_lock_calls(void);

#endif
