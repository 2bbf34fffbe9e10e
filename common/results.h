/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a processor answered, as abi/processor.h has it: results, with a line feed between each two. */
#ifndef EBPF_AGENT_RESULTS_H
#define EBPF_AGENT_RESULTS_H

#include "base.h"

/* Is each of them valid JSON in UTF-8, or a metric sample that keeps the rules? 0, -EINVAL. One line feed at the end is
 * passed over. */
int results_check(const char *text, size_t len);

/* Is @json, without its '@', a metric sample? 0, -EINVAL. */
int sample_check(const char *json, size_t len);

#endif
