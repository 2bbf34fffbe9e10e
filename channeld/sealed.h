/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy of a file that nobody can change any more, so that whoever gets it gets the same bytes, and needs no path. */
#ifndef EBPF_AGENT_SEALED_H
#define EBPF_AGENT_SEALED_H

#include "../common/base.h"

/* A memfd, executable. -EINVAL: not a file; -EFBIG: more than @max bytes. */
int sealed_copy(const char *path, uint64_t max, int *ret);

#endif
