/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel side of a channel counted (abi/counts.h), summed over the CPUs. */
#ifndef EBPF_AGENT_CHANNELD_COUNTS_H
#define EBPF_AGENT_CHANNELD_COUNTS_H

#include "../abi/counts.h"
#include "../common/manifest.h"

/* The map beside @c, checked: an fd, or -errno (-ENOENT: the object has none). */
int counts_open(const struct manifest *m, const struct manifest_channel *c);
int counts_read(int fd, struct agent_counts *ret);

#endif
