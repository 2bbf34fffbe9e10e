/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent.bpf.h: every attempt is counted, and every loss once, under its reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

#include "user.h"
#include <cmocka.h>

struct event {
	__u64 n[5];
};
AGENT_RING(ring, 4096);
AGENT_PERF(array);
AGENT_EVENT(ring, event);
#define PLACE (sizeof(struct event) + 8)	/* bytes that a record takes */

static struct user_map *r, *p;

static int setup(void **state)
{
	(void)state;
	user_reset();
	r = USER_ADD_RING(ring);
	USER_ADD_MAP(ring_counts);
	p = USER_ADD_PERF(array);
	USER_ADD_MAP(array_counts);
	return 0;
}

static struct agent_counts sum(const void *map)
{
	struct agent_counts s = { 0 };

	for (unsigned i = 0; i < USER_CPUS; i++) {
		const struct agent_counts *c = user_per_cpu(map, i);

		s.produced += c->produced;
		s.ring_full += c->ring_full;
		s.nmi += c->nmi;
		s.lost += c->lost;
	}
	return s;
}

static void expect(const void *map, unsigned produced, unsigned ring_full, unsigned nmi, unsigned lost)
{
	struct agent_counts s = sum(map);

	assert_int_equal(s.produced, produced);
	assert_int_equal(s.ring_full, ring_full);
	assert_int_equal(s.nmi, nmi);
	assert_int_equal(s.lost, lost);
}

static bool reserve_and_submit(void)
{
	struct event *e = agent_reserve(ring, sizeof(*e));

	if (e)
		bpf_ringbuf_submit(e, 0);
	return e;
}

static bool output(void)
{
	struct event e = { { 1, 2, 3, 4, 5 } };

	return agent_output(ring, &e, sizeof(e)) == 0;
}

static bool (*const attempts[])(void) = { reserve_and_submit, output };
#define each_attempt(attempt) \
	(size_t k = 0; k < 2; k++) for (bool (*attempt)(void) = attempts[k]; attempt; attempt = NULL)

static void an_event_that_gets_a_place_is_produced_and_not_lost(void **state)
{
	for each_attempt(attempt)
		assert_true(attempt());
	expect(&ring_counts, 2, 0, 0, 0);
	assert_int_equal(user.n_records, 2);
	assert_int_equal(user.records->size, sizeof(struct event));
	(void)state;
}

static void a_full_ring_is_ring_full(void **state)
{
	unsigned fits = 4095 / PLACE;

	for each_attempt(attempt) {
		setup(state);
		for (unsigned i = 0; i < fits + 3; i++)
			assert_int_equal(attempt(), i < fits);
		expect(&ring_counts, fits + 3, 3, 0, 0);
		user_consume(r);
		assert_true(attempt());
		expect(&ring_counts, fits + 4, 3, 0, 0);
	}
}

static void a_lock_that_is_held_is_nmi(void **state)
{
	for each_attempt(attempt) {
		setup(state);
		assert_true(attempt());
		r->locked = true;
		assert_false(attempt());
		assert_false(attempt());
		r->locked = false;
		assert_true(attempt());
		expect(&ring_counts, 4, 0, 2, 0);
	}
}

static void a_full_ring_whose_lock_is_held_is_ring_full(void **state)
{
	while (user_produce(r, 8))
		;
	r->locked = true;
	for each_attempt(attempt)
		assert_false(attempt());
	expect(&ring_counts, 2, 2, 0, 0);
	(void)state;
}

static void a_record_that_no_ring_could_take_is_ring_full(void **state)
{
	static char big[8192];

	assert_null(agent_reserve(ring, sizeof(big)));
	assert_int_not_equal(agent_output(ring, big, sizeof(big)), 0);
	assert_int_not_equal(agent_output(ring, big, 4096 - 8), 0);
	expect(&ring_counts, 3, 3, 0, 0);
	(void)state;
}

/* What the consumer and other producers do between two helpers, by the number of the helper. */
static struct step {
	enum { NOTHING, CONSUME, FILL } what;
} steps[16];
static unsigned at_step;

static void do_step(enum user_helper h, struct user_map *m)
{
	(void)h;
	if (at_step < 16 && steps[at_step].what == CONSUME)
		user_consume(m);
	else if (at_step < 16 && steps[at_step].what == FILL)
		while (user_produce(m, 8))
			;
	at_step++;
}

static void race(const struct step *plan, size_t n)
{
	memset(steps, 0, sizeof(steps));
	memcpy(steps, plan, n * sizeof(*plan));
	at_step = 0;
	user.meanwhile = do_step;
}

static void room_that_comes_in_the_meantime_is_taken(void **state)
{
	static const struct step plan[] = { { FILL }, { CONSUME } };

	for each_attempt(attempt) {
		setup(state);
		race(plan, 2);
		assert_true(attempt());
		expect(&ring_counts, 1, 0, 0, 0);
	}
}

/* However consumer and producers come in between: without a lock that is held nothing is ever blamed on one. */
static void a_race_for_room_is_never_nmi(void **state)
{
	for each_attempt(attempt)
		for (unsigned plan = 0; plan < 6561; plan++) {
			struct step s[9] = { { FILL } };
			bool got;

			for (unsigned i = 1, rest = plan; i < 9; i++, rest /= 3)
				s[i].what = rest % 3;
			setup(state);
			race(s, 9);
			got = attempt();
			expect(&ring_counts, 1, !got, 0, 0);
		}
}

static void whether_it_fits_is_reckoned_as_the_kernel_does(void **state)
{
	(void)state;
	for (unsigned used = 0; used < 4096; used += 8)
		for (unsigned size = 0; size < 4200; size++) {
			bool fits;

			r->consumed = 1ULL << 33;	/* positions are not those of a fresh ring */
			r->produced = r->consumed + used;
			fits = agent_fits(&ring, r->consumed, size);
			assert_int_equal(fits, user_produce(r, size));
		}
}

static void every_cpu_counts_for_itself(void **state)
{
	(void)state;
	for (user.cpu = 0; user.cpu < USER_CPUS; user.cpu++)
		for (unsigned i = 0; i <= user.cpu; i++)
			reserve_and_submit();
	for (unsigned i = 0; i < USER_CPUS; i++)
		assert_int_equal(((struct agent_counts *)user_per_cpu(&ring_counts, i))->produced, i + 1);
	expect(&ring_counts, 10, 0, 0, 0);
}

static void without_its_counters_a_program_still_works(void **state)
{
	user_find_map(&ring_counts)->absent = true;
	user_find_map(&array_counts)->absent = true;
	for each_attempt(attempt) {
		assert_true(attempt());
		r->locked = true;
		assert_false(attempt());
		r->locked = false;
	}
	p->perf_error = -ENOENT;
	assert_int_equal(agent_perf_output(state, array, "x", 1), -ENOENT);
}

static void a_perf_buffer_counts_what_it_cannot_count_itself(void **state)
{
	static const struct {
		int error;
		unsigned nmi, lost;
	} rows[] = { { 0, 0, 0 }, { -ENOSPC, 0, 0 }, { -EBUSY, 1, 0 }, { -ENOENT, 0, 1 }, { -E2BIG, 0, 1 } };
	struct event e = { { 1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(state);
		p->perf_error = rows[i].error;
		assert_int_equal(agent_perf_output(state, array, &e, sizeof(e)), rows[i].error);
		expect(&array_counts, 1, 0, rows[i].nmi, rows[i].lost);
		assert_int_equal(user.n_records, rows[i].error == 0);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, user_teardown)
	const struct CMUnitTest tests[] = {
		T(an_event_that_gets_a_place_is_produced_and_not_lost),
		T(a_full_ring_is_ring_full),
		T(a_lock_that_is_held_is_nmi),
		T(a_full_ring_whose_lock_is_held_is_ring_full),
		T(a_record_that_no_ring_could_take_is_ring_full),
		T(room_that_comes_in_the_meantime_is_taken),
		T(a_race_for_room_is_never_nmi),
		T(whether_it_fits_is_reckoned_as_the_kernel_does),
		T(every_cpu_counts_for_itself),
		T(without_its_counters_a_program_still_works),
		T(a_perf_buffer_counts_what_it_cannot_count_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
