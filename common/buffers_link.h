/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection between loaderd and channeld over which buffers are handed, both ways alike. The peer is not trusted:
 * nothing here waits for it, what it sends is checked, and what waits for it is bounded. */
#ifndef EBPF_AGENT_BUFFERS_LINK_H
#define EBPF_AGENT_BUFFERS_LINK_H

#include <uv.h>

#include "buffers.h"

struct buffers_link;

struct buffers_link_ops {
	/* Takes over @b, complete and mapped. */
	void (*received)(void *arg, struct buffers *b);
	/* What the peer had when the connection was made has all been received. */
	void (*offered)(void *arg, struct buffers_link *l);
	/* The peer is gone, or speaks another protocol: @l closes itself. Not called after buffers_link_close(). */
	void (*closed)(void *arg, struct buffers_link *l);
};

/* Takes over @fd, a connected non-blocking SOCK_SEQPACKET socket, also when it fails. @prot: how what comes is
 * mapped. */
int buffers_link_new(uv_loop_t *loop, int fd, int prot, const struct buffers_link_ops *ops, void *arg,
		     struct buffers_link **ret);
/* Queues; what @b is later does not matter. */
void buffers_link_send(struct buffers_link *l, const struct buffers *b);
void buffers_link_send_offered(struct buffers_link *l);
/* Accepts NULL. Frees itself in the close callback. */
void buffers_link_close(struct buffers_link *l);

/* The socket's both ends. loaderd: listens. channeld: -ENOENT, -ECONNREFUSED: loaderd is not there. */
int buffers_listen(void);
int buffers_connect(void);
/* Is the process at the other end that of @uid's user, or root? */
bool buffers_peer_is(int fd, uid_t uid);

#endif
