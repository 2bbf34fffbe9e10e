// SPDX-License-Identifier: GPL-2.0-or-later
/* tcpstate: every change of state of every TCP socket, with its addresses and ports, how long it was in the state
 * that it leaves and, when it closes, how long it lived. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>
#include "agent.bpf.h"
#include "fields.bpf.h"
#include "tcpstate.h"

char LICENSE[] SEC("license") = "GPL";

AGENT_RING(tcp_events, 4 << 20);
AGENT_EVENT(tcp_events, tcpstate_event);

/* What is known of a socket while it lives. Past its size the kernel forgets the oldest: durations and owners of those
 * are then 0, their events are not lost. */
struct socket {
	__u64 first_ns, last_ns;
	__u32 pid;
	char comm[16];
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct socket);
} sockets SEC(".maps");

#define AF_INET     2
#define AF_INET6    10
#define IPPROTO_TCP 6

/* connect(), listen(), close() and shutdown() change these in the caller's own context; all others come with a packet
 * or a timer, in whatever process happens to run. */
static __always_inline bool by_its_process(int from, int to)
{
	return from == CLOSE || to == FIN_WAIT1 || to == LAST_ACK || (from == LISTEN && to == CLOSE);
}

static __always_inline void set_addresses(struct tcpstate_event *e, const struct sock *sk)
{
	const struct inet_sock *inet = (const struct inet_sock *)sk;

	/* Not skc_num: it is 0 already when a closing socket has given its port back. */
	e->sport = bpf_ntohs(BPF_CORE_READ(inet, inet_sport));
	e->dport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (e->family == 6) {
		BPF_CORE_READ_INTO(&e->saddr, sk, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&e->daddr, sk, __sk_common.skc_v6_daddr);
		return;
	}
	agent_ip_from_v4(&e->saddr, BPF_CORE_READ(inet, inet_saddr));
	agent_ip_from_v4(&e->daddr, BPF_CORE_READ(sk, __sk_common.skc_daddr));
}

/* Times and owner, from what was seen of this socket before. */
static __always_inline void follow(struct tcpstate_event *e)
{
	struct socket fresh = { .first_ns = e->ts_ns, .last_ns = e->ts_ns };
	__u64 cookie = e->socket;	/* kernels before 6.2 take no key out of a ring's record */
	struct socket *s = bpf_map_lookup_elem(&sockets, &cookie);

	e->in_state_ns = s ? e->ts_ns - s->last_ns : 0;
	e->duration_ns = s && e->to == CLOSE ? e->ts_ns - s->first_ns : 0;
	if (!s)
		s = &fresh;
	if (by_its_process(e->from, e->to)) {
		s->pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(s->comm, sizeof(s->comm));
	}
	s->last_ns = e->ts_ns;
	e->pid = s->pid;
	__builtin_memcpy(e->comm, s->comm, sizeof(e->comm));
	if (e->to == CLOSE)
		bpf_map_delete_elem(&sockets, &cookie);
	else if (s == &fresh)
		bpf_map_update_elem(&sockets, &cookie, s, BPF_ANY);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_set_state, const struct sock *sk, int from, int to)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct tcpstate_event *e;

	if (BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || (family != AF_INET && family != AF_INET6))
		return 0;
	e = agent_reserve(tcp_events, sizeof(*e));
	if (!e)
		return 0;
	e->ts_ns = bpf_ktime_get_ns();
	e->socket = bpf_get_socket_cookie((void *)sk);
	e->family = family == AF_INET6 ? 6 : 4;
	e->from = from;
	e->to = to;
	e->__pad = e->__pad2 = 0;
	set_addresses(e, sk);
	follow(e);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
