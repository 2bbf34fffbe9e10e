/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libbpf says while it works: the only place where it names the prog that failed and shows the verifier's log. */
#ifndef EBPF_AGENT_LOAD_LOG_H
#define EBPF_AGENT_LOAD_LOG_H

#include "../common/arena.h"

void load_log_start(void);	/* forgets what was said so far */
void load_log_free(void);

/* Which prog the last failure is about, into @ret (empty: none is named). */
void load_log_prog(char ret[256]);
/* Did the verifier look at it (and not only the kernel's checks of the hook)? */
bool load_log_is_verifier(const char *prog, int err);
/* Why: the verifier's last lines, or libbpf's own words. In the arena. */
const char *load_log_cause(struct arena *a, const char *prog, int err);
/* A sentence for an errno of the kernel's or libbpf's. */
const char *load_strerror(int err);

#endif
