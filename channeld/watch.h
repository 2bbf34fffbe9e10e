/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at what a program counts once a second, and says when events get lost. Everything stays open in between: a look
 * at a program that does nothing costs a few system calls. */
#ifndef EBPF_AGENT_WATCH_H
#define EBPF_AGENT_WATCH_H

#include "../common/manifest.h"
#include "../common/svc.h"

/* Of one load of a program: @m may be replaced meanwhile, but only by one of the same generation. NULL: no memory. */
struct watch *watch_new(const struct manifest *m);
void watch_look(struct watch *w, struct svc *s, const struct manifest *m, uint64_t now_ns);
/* What was said is no longer so. NULL is fine. */
void watch_free(struct watch *w, struct svc *s, const char *program);

#endif
