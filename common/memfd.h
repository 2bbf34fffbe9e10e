/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as a file, nameless or on a tmpfs. */
#ifndef EBPF_AGENT_MEMFD_H
#define EBPF_AGENT_MEMFD_H

#include <stddef.h>
#include <stdint.h>

/* A memfd that can be sealed, closed on exec, from which a shared object can be loaded: where the kernel asks for that
 * to be said (6.3 on), it is. The fd, or -errno. */
int memfd_executable(const char *name);
/* Memory of @size zeros for two processes, mapped for reading and writing, closed on exec. Its size is sealed: whoever
 * shrank it would have the other die of SIGBUS. The fd, or -errno. */
int memfd_shared(const char *name, size_t size, void **ret);

/* @fd is at least @size bytes long, and has memory for them: whoever maps it is not killed for want of it. What it had
 * stays, the rest is zero. 0, -ENOSPC, … */
int file_allocate(int fd, uint64_t size);

#endif
