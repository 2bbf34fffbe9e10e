/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as a file. */
#ifndef EBPF_AGENT_MEMFD_H
#define EBPF_AGENT_MEMFD_H

/* A memfd that can be sealed, closed on exec, from which a shared object can be loaded: where the kernel asks for that
 * to be said (6.3 on), it is. The fd, or -errno. */
int memfd_executable(const char *name);

#endif
