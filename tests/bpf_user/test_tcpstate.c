/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf/tcpstate.bpf.c, called as the kernel calls it, on sockets of a test's making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/tcpstate.bpf.c"

#include "user.h"
#include "whole.h"
#include <cmocka.h>

static struct inet_sock inet;

static void begin(unsigned char garbage)
{
	user_reset();
	user.garbage = garbage;
	USER_ADD_RING(tcp_events);
	USER_ADD_MAP(tcp_events_counts);
	USER_ADD_MAP(sockets);
	memset(&inet, 0, sizeof(inet));
	inet.sk.sk_protocol = IPPROTO_TCP;
	inet.sk.__sk_common.skc_family = AF_INET;
	inet.sk.__sk_common.skc_daddr = bpf_htonl(0xc0000201);	/* 192.0.2.1 */
	inet.sk.__sk_common.skc_dport = bpf_htons(443);
	inet.inet_saddr = bpf_htonl(0x0a000001);
	inet.inet_sport = bpf_htons(40000);
	user_kernel_memory(&inet, sizeof(inet));
}

static int setup(void **state)
{
	(void)state;
	begin(0xa5);
	return 0;
}

static void change(int from, int to, uint64_t now, unsigned pid)
{
	unsigned long long ctx[] = { (uintptr_t)&inet, from, to };

	user.now_ns = now;
	user.pid_tgid = (uint64_t)pid << 32 | 1;
	assert_int_equal(on_set_state(ctx), 0);
	assert_int_equal(user.n_reserved, 0);
}

static const struct tcpstate_event *last(void)
{
	const struct user_record *r = user_last();

	assert_non_null(r);
	assert_int_equal(r->size, sizeof(struct tcpstate_event));
	return (const void *)r->data;
}

static void a_socket_is_followed_from_connect_to_close(void **state)
{
	(void)state;
	change(CLOSE, SYN_SENT, 1000, 50);
	assert_int_equal(last()->pid, 50);
	assert_int_equal(last()->in_state_ns, 0);
	change(SYN_SENT, ESTABLISHED, 1500, 0);	/* with a packet, in whatever process */
	assert_int_equal(last()->pid, 50);
	assert_string_equal(last()->comm, "someone");
	assert_int_equal(last()->in_state_ns, 500);
	change(ESTABLISHED, CLOSE, 4000, 0);
	assert_int_equal(last()->duration_ns, 3000);
	change(CLOSE, SYN_SENT, 9000, 51);
	assert_int_equal(last()->in_state_ns, 0);
	assert_int_equal(last()->pid, 51);
}

static void addresses_and_ports_are_as_on_the_wire(void **state)
{
	static const __u8 local[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 };
	static const __u8 remote[16] = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1 };

	(void)state;
	change(CLOSE, SYN_SENT, 1000, 50);
	assert_int_equal(last()->family, 4);
	assert_memory_equal(&last()->saddr, local, 16);
	assert_memory_equal(&last()->daddr, remote, 16);
	assert_int_equal(last()->sport, 40000);
	assert_int_equal(last()->dport, 443);
	inet.sk.__sk_common.skc_family = AF_INET6;
	memset(&inet.sk.__sk_common.skc_v6_rcv_saddr, 0x11, 16);
	memset(&inet.sk.__sk_common.skc_v6_daddr, 0x22, 16);
	change(SYN_SENT, ESTABLISHED, 1000, 50);
	assert_int_equal(last()->family, 6);
	assert_memory_equal(&last()->saddr, &inet.sk.__sk_common.skc_v6_rcv_saddr, 16);
	assert_memory_equal(&last()->daddr, &inet.sk.__sk_common.skc_v6_daddr, 16);
}

static void other_protocols_and_families_are_none_of_its_business(void **state)
{
	(void)state;
	inet.sk.sk_protocol = 132;
	change(CLOSE, LISTEN, 1, 1);
	inet.sk.sk_protocol = IPPROTO_TCP;
	inet.sk.__sk_common.skc_family = 1;
	change(CLOSE, LISTEN, 1, 1);
	user.fault_in = 1;	/* the family cannot be read */
	inet.sk.__sk_common.skc_family = AF_INET;
	change(CLOSE, LISTEN, 1, 1);
	assert_int_equal(user.n_records, 0);
	assert_int_equal(((struct agent_counts *)user_per_cpu(&tcp_events_counts, 0))->produced, 0);
}

static void what_was_forgotten_costs_a_duration_but_no_event(void **state)
{
	(void)state;
	change(CLOSE, SYN_SENT, 1000, 50);
	user_find_map(&sockets)->absent = true;
	change(SYN_SENT, ESTABLISHED, 1500, 60);
	change(ESTABLISHED, CLOSE, 4000, 60);
	assert_int_equal(user.n_records, 3);
	assert_int_equal(last()->duration_ns, 0);
	assert_int_equal(last()->pid, 0);
}

static void what_finds_no_room_is_counted(void **state)
{
	const struct agent_counts *c = user_per_cpu(&tcp_events_counts, 0);

	(void)state;
	while (user_produce(user_find_map(&tcp_events), 8))
		;
	change(CLOSE, SYN_SENT, 1000, 50);
	assert_int_equal(c->produced, 1);
	assert_int_equal(c->ring_full, 1);
}

static unsigned fault_at;

static void run_with_a_fault(void)
{
	user.fault_in = fault_at;
	change(CLOSE, SYN_SENT, 1000, 50);
	change(SYN_SENT, CLOSE, 2000, 50);
}

static void whatever_cannot_be_read_records_are_whole_and_counted(void **state)
{
	unsigned reads;

	(void)state;
	fault_at = 0;
	assert_true(user_records_are_whole(begin, run_with_a_fault));
	reads = user.n_reads;
	assert_true(reads >= 12);
	for (fault_at = 1; fault_at <= reads; fault_at++) {
		assert_true(user_records_are_whole(begin, run_with_a_fault));
		assert_int_equal(((struct agent_counts *)user_per_cpu(&tcp_events_counts, 0))->produced,
				 user.n_records);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, user_teardown)
	const struct CMUnitTest tests[] = {
		T(a_socket_is_followed_from_connect_to_close),
		T(addresses_and_ports_are_as_on_the_wire),
		T(other_protocols_and_families_are_none_of_its_business),
		T(what_was_forgotten_costs_a_duration_but_no_event),
		T(what_finds_no_room_is_counted),
		T(whatever_cannot_be_read_records_are_whole_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
