/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hints over nanomsg (abi/hint.h). The reader binds RUNTIME/hint/<daemon>, the writer connects: nanomsg redials by
 * itself, so the two start in either order. A hint that cannot be sent at once is dropped. */
#ifndef EBPF_AGENT_WIRE_H
#define EBPF_AGENT_WIRE_H

#include "base.h"
#include "../abi/hint.h"

struct wire;

/* The receiving end of @daemon. 0, -EADDRINUSE, … */
int wire_bind(const char *daemon, struct wire **ret);
/* Readable when a hint waits: for the event loop. */
int wire_fd(const struct wire *w);
/* 0 and *ret, or -EAGAIN. What is not a hint of our version is passed over. */
int wire_receive(struct wire *w, struct hint *ret);

/* The sending end towards @daemon. */
int wire_connect(const char *daemon, struct wire **ret);
void wire_send(struct wire *w, enum hint_type type, const char *program);

/* Accepts NULL. */
void wire_free(struct wire *w);

#endif
