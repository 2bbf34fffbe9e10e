/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FIFOs of channels of type pipe: made when their program is loaded, held open for reading and writing, so that
 * nothing that was written is lost while channeld is away (which holds them open, too), removed when it is unloaded. */
#ifndef EBPF_AGENT_PIPES_H
#define EBPF_AGENT_PIPES_H

#include "loaderd.h"

/* Those of @m; what was made, and which file it is, is noted in it. -errno: said in @d, and nothing is left. */
int pipes_make(struct entry *e, struct manifest *m, struct diag *d);
/* Adopted: holds them again. -errno: said in @ret_why, which is static. */
int pipes_hold(struct entry *e, const char **ret_why);
/* Behind it, once @e has its manifest: nobody had some of them open, and they are empty: says so. */
void pipes_check(struct entry *e);
/* Lets go of them. */
void pipes_drop(struct entry *e);
/* Removes those that were made. */
void pipes_remove(const struct manifest *m);

#endif
