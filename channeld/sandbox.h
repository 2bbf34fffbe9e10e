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
/* For sandbox_lock_calls(), while there may still be children. */
int sandbox_make_filters(void);
/* From now on only the system calls of the table. @loading: with those that dlopen() needs; a second call without them
 * takes them away. On all threads, for good. */
int sandbox_lock_calls(bool loading);

#endif
