/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Event of the `tcpstate` program: a TCP socket changed its state (tracepoint sock:inet_sock_set_state). */
#ifndef EBPF_AGENT_ABI_TCPSTATE_H
#define EBPF_AGENT_ABI_TCPSTATE_H

#include "types.h"

/* Numbers of include/net/tcp_states.h, names without their prefix. */
enum tcp_state_name {
	ESTABLISHED = 1, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, LAST_ACK, LISTEN,
	CLOSING, NEW_SYN_RECV,
};

struct tcpstate_event {
	__u64 ts_ns;		/* CLOCK_MONOTONIC */
	enum tcp_state_name from, to;
	agent_ip saddr, daddr;	/* local and remote */
	__u16 sport, dport;	/* host order */
	__u16 family;		/* 4 or 6 */
	__u16 __pad;
	__u32 pid;		/* process whose socket it is, as far as it was seen to act on it; 0: not seen yet */
	__u32 __pad2;
	char comm[16];		/* of that process */
	__u64 in_state_ns;	/* how long it was in `from`; 0 when it was not seen to enter it */
	__u64 duration_ns;	/* to == CLOSE: since the first state seen of it, else 0 */
	__u64 socket;		/* its cookie (SO_COOKIE): tells sockets apart */
};
#ifndef __bpf__
_Static_assert(sizeof(struct tcpstate_event) == 104, "tcpstate.h is ABI");
#endif

#endif
