/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf/tcpstate.bpf.c on sockets that hold anything, with any states, reads that fault and rings that are full or
 * locked: every attempt is a record or counted. */
#include "fuzz.h"

#include "bpf/tcpstate.bpf.c"

#include "user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz f = { data, size };
	const struct agent_counts *c;
	struct inet_sock inet[2];
	struct user_map *ring;

	user_reset();
	ring = USER_ADD_RING(tcp_events);
	USER_ADD_MAP(tcp_events_counts);
	USER_ADD_MAP(sockets);
	fuzz_bytes(&f, inet, sizeof(inet));
	user_kernel_memory(inet, sizeof(inet));
	for (unsigned n = 0; n < 32 && f.left; n++) {
		struct inet_sock *sk = &inet[fuzz_below(&f, 2)];
		unsigned long long ctx[] = { (uintptr_t)sk, fuzz_below(&f, 14), fuzz_below(&f, 14) };

		sk->sk.sk_protocol = fuzz_below(&f, 8) ? IPPROTO_TCP : 17;
		sk->sk.__sk_common.skc_family = fuzz_below(&f, 2) ? AF_INET : AF_INET6;
		user.now_ns = fuzz_u64(&f);
		user.fault_in = fuzz_below(&f, 16);
		user_find_map(&sockets)->absent = fuzz_below(&f, 4) == 0;
		ring->locked = fuzz_below(&f, 4) == 0;
		if (fuzz_below(&f, 8) == 0)
			user_produce(ring, ring->max_entries - 100);
		if (fuzz_below(&f, 8) == 0)
			user_consume(ring);
		on_set_state(ctx);
	}
	c = user_per_cpu(&tcp_events_counts, 0);
	must(user.n_reserved == 0);
	must(c->produced == user.n_records + c->ring_full + c->nmi);
	for (const struct user_record *r = user.records; r; r = r->next)
		must(r->size == sizeof(struct tcpstate_event));
	user_reset();
	return 0;
}
