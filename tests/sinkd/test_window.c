/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is under way: answers come in any order, the cursor moves in the spool's. */
#include "fixture_svc.h"
#include "sinkd/window.h"

#define SIZE 4u

static struct sink sink;
static struct window *w;
static struct window_entry *entry[64];
static uint64_t next;

static int setup(void **state)
{
	(void)state;
	memset(&sink, 0, sizeof(sink));
	next = 0;
	w = window_new(&sink, SIZE);
	return w ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	window_free(take(w));
	return 0;
}

/* Records of 10 bytes, so that record n ends at 10 * (n + 1). */
static void hand_over(unsigned n)
{
	assert_true(window_room(w) > 0);
	next = 10 * (n + 1);
	entry[n] = window_push(w, next, 7);
}

static void answer(unsigned n, enum window_state state)
{
	window_report(entry[n], state, state == WINDOW_ACKED);
	window_settle(w, next);
}

static void expect(uint64_t pos, uint64_t acked, uint64_t rejected, uint64_t expired)
{
	assert_int_equal(sink.at.pos, pos);
	assert_int_equal(sink.at.acked, acked);
	assert_int_equal(sink.at.bytes, 7 * acked);
	assert_int_equal(sink.at.dropped[SINK_DROP_REJECTED], rejected);
	assert_int_equal(sink.at.dropped[SINK_DROP_EXPIRED], expired);
}

static void the_cursor_stands_before_the_oldest_without_an_answer(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		hand_over(i);
	answer(2, WINDOW_ACKED);
	expect(0, 0, 0, 0);
	answer(0, WINDOW_ACKED);
	expect(10, 1, 0, 0);
	answer(1, WINDOW_ACKED);
	expect(30, 3, 0, 0);
}

static void a_full_window_has_no_room_until_the_oldest_is_answered_for(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZE; i++)
		hand_over(i);
	assert_int_equal(window_room(w), 0);
	answer(3, WINDOW_ACKED);
	assert_int_equal(window_room(w), 0);
	answer(0, WINDOW_ACKED);
	assert_int_equal(window_room(w), 1);
	/* Round and round. */
	for (unsigned i = 4; i < 40; i++) {
		hand_over(i);
		answer(i - 3, WINDOW_ACKED);
	}
}

static void what_is_not_for_this_sink_passes_in_its_place(void **state)
{
	(void)state;
	window_pass(w);
	window_pass(w);
	hand_over(2);
	window_pass(w);
	next = 40;
	window_settle(w, next);
	assert_int_equal(sink.at.unrouted, 0);	/* before it lies one without an answer */
	expect(0, 0, 0, 0);
	answer(2, WINDOW_ACKED);
	assert_int_equal(sink.at.unrouted, 3);
	expect(40, 1, 0, 0);
	window_pass(w);
	next = 50;
	assert_true(window_settle(w, next));	/* nothing is under way */
	assert_int_equal(sink.at.unrouted, 4);
	expect(50, 1, 0, 0);
}

static void what_could_not_be_handed_over_leaves_no_trace(void **state)
{
	(void)state;
	hand_over(0);
	window_pass(w);
	next = 20;
	window_push(w, 30, 7);
	window_pop(w);
	assert_int_equal(w->open, 1);
	answer(0, WINDOW_ACKED);
	assert_int_equal(sink.at.unrouted, 1);
	expect(20, 1, 0, 0);
}

static void a_refusal_for_good_is_counted_and_passed(void **state)
{
	(void)state;
	hand_over(0);
	hand_over(1);
	answer(0, WINDOW_REJECTED);
	expect(10, 0, 1, 0);
	answer(1, WINDOW_ACKED);
	expect(20, 1, 1, 0);
}

static void a_failure_holds_the_cursor_though_later_ones_arrived(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		hand_over(i);
	answer(0, WINDOW_ACKED);
	answer(1, WINDOW_FAILED);
	answer(2, WINDOW_ACKED);
	expect(10, 1, 0, 0);
	assert_int_equal(w->n_failed, 1);
	assert_int_equal(w->open, 0);
	assert_int_equal(window_sent(w), 30);	/* the third is there: sent again it is there twice */
}

static void what_surely_never_arrived_was_not_sent(void **state)
{
	(void)state;
	sink.at.resent = 1;
	hand_over(0);
	hand_over(1);
	entry[1]->again = true;			/* counted already */
	window_report(entry[0], WINDOW_FAILED, false);
	window_report(entry[1], WINDOW_FAILED, false);
	assert_int_equal(window_sent(w), 0);
	assert_int_equal(sink.at.resent, 0);
}

static void what_may_have_arrived_counts_as_sent(void **state)
{
	(void)state;
	hand_over(0);
	hand_over(1);
	window_report(entry[0], WINDOW_FAILED, true);
	window_report(entry[1], WINDOW_FAILED, false);
	assert_int_equal(window_sent(w), 10);
}

static void what_was_given_up_is_expired_unless_it_arrives_after_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		hand_over(i);
	window_expire(w, 20, next);
	expect(20, 0, 0, 2);
	answer(0, WINDOW_ACKED);
	expect(20, 1, 0, 1);
	answer(1, WINDOW_FAILED);
	expect(20, 1, 0, 1);
	assert_int_equal(w->n_failed, 0);	/* nobody will send it again */
	answer(2, WINDOW_ACKED);
	expect(30, 2, 0, 1);
	assert_int_equal(window_room(w), SIZE);
}

static void given_up_without_an_answer_it_keeps_its_place(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIZE; i++)
		hand_over(i);
	window_expire(w, next, next);
	expect(40, 0, 0, 4);
	assert_int_equal(window_room(w), 0);	/* the library still points there */
	for (unsigned i = 0; i < SIZE; i++)
		answer(i, WINDOW_FAILED);
	assert_int_equal(window_room(w), SIZE);
	expect(40, 0, 0, 4);
}

static void answers_for_a_sink_that_is_gone_change_nothing(void **state)
{
	(void)state;
	hand_over(0);
	hand_over(1);
	w->sink = NULL;
	window_report(entry[0], WINDOW_ACKED, true);
	window_report(entry[1], WINDOW_FAILED, false);
	assert_int_equal(w->open, 0);
	expect(0, 0, 0, 0);
}

/* Against a plain model: every record is counted once, in order, whatever comes when. */
static void any_order_of_answers_gives_the_same_sums(void **state)
{
	unsigned seed = 4;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned n = 0, answered = 0, acked = 0, rejected = 0;
		bool open[64] = {};

		memset(&sink, 0, sizeof(sink));
		window_free(w);
		w = window_new(&sink, SIZE);
		while (answered < 40) {
			unsigned i = rand_r(&seed) % 40;

			if (n < 40 && window_room(w) && rand_r(&seed) % 2) {
				hand_over(n);
				open[n++] = true;
			} else if (open[i]) {
				bool good = rand_r(&seed) % 8;

				open[i] = false;
				answered++;
				*(good ? &acked : &rejected) += 1;
				answer(i, good ? WINDOW_ACKED : WINDOW_REJECTED);
			}
		}
		expect(400, acked, rejected, 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_cursor_stands_before_the_oldest_without_an_answer),
		T(a_full_window_has_no_room_until_the_oldest_is_answered_for),
		T(what_is_not_for_this_sink_passes_in_its_place),
		T(what_could_not_be_handed_over_leaves_no_trace),
		T(a_refusal_for_good_is_counted_and_passed),
		T(a_failure_holds_the_cursor_though_later_ones_arrived),
		T(what_surely_never_arrived_was_not_sent),
		T(what_may_have_arrived_counts_as_sent),
		T(what_was_given_up_is_expired_unless_it_arrives_after_all),
		T(given_up_without_an_answer_it_keeps_its_place),
		T(answers_for_a_sink_that_is_gone_change_nothing),
		T(any_order_of_answers_gives_the_same_sums),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/window", tests, NULL, NULL);
}
