/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When losses are told, with which words, and when they are over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../channeld/loss.h"

#define S NSEC_PER_SEC

static struct manifest_channel channels[] = { { .name = "opens" }, { .name = "others" } };
static struct manifest_route routes[] = { { .event_name = "opened" }, { .event_name = "mine", .processor = "mine" } };
static struct manifest m = { .program = "p", .channels = { channels, 2 }, .routes = { routes, 2 } };

static struct loss loss;
static struct loss_reading now;
static char *text;

static int setup(void **state)
{
	(void)state;
	memset(&loss, 0, sizeof(loss));
	memset(&now, 0, sizeof(now));
	now.at_ns = 1000 * S;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(take(text));
	return 0;
}

static enum loss_verdict look(uint64_t ns)
{
	free(take(text));
	now.at_ns += ns;
	return loss_judge(&loss, &m, &now, &text);
}

static void what_was_lost_before_is_no_news(void **state)
{
	(void)state;
	now.channels[0] = (struct loss_channel){ .produced = 100, .ring_full = 50 };
	now.routes[1].so_crash = 7;
	assert_int_equal(look(0), LOSS_NOTHING_NEW);
	now.channels[0].produced = 200;
	assert_int_equal(look(S), LOSS_NOTHING_NEW);
}

static void a_loss_is_told_at_once_and_then_every_ten_seconds(void **state)
{
	(void)state;
	now.channels[0] = (struct loss_channel){ .produced = 1000, .ring_full = 10 };
	assert_int_equal(look(0), LOSS_NOTHING_NEW);
	now.channels[0] = (struct loss_channel){ .produced = 2000, .ring_full = 490, .nmi = 2 };
	now.routes[1].so_crash = 239;
	assert_int_equal(look(S), LOSS_TELL);
	assert_string_equal(text, "channel opens: 48 % of the last 1 s lost (ring_full: 490, nmi: 2 in all); "
				  "processor mine: so_crash 239 in all");
	for (int i = 0; i < 9; i++) {
		now.channels[0].produced += 1000;
		now.channels[0].ring_full += 1;
		assert_int_equal(look(S), LOSS_NOTHING_NEW);
	}
	now.routes[0].decode = 1;
	now.routes[0].oversize = 2;
	assert_int_equal(look(S), LOSS_TELL);
	assert_string_equal(text, "channel opens: less than 1 % of the last 10 s lost (ring_full: 499, nmi: 2 in all); "
				  "event opened: decode 1, oversize 2 in all; processor mine: so_crash 239 in all");
}

static void a_minute_without_any_it_is_over(void **state)
{
	enum loss_verdict v;
	int told = 0, s = 0;

	(void)state;
	look(0);
	now.channels[1] = (struct loss_channel){ .produced = 4, .ring_full = 4 };
	assert_int_equal(look(S), LOSS_TELL);
	assert_string_equal(text, "channel others: 100 % of the last 1 s lost (ring_full: 4 in all)");
	for (; (v = look(S)) != LOSS_OVER; s++) {
		if (v == LOSS_NOTHING_NEW)
			continue;
		told++;
		assert_string_equal(text, "channel others: nothing just now (ring_full: 4 in all)");
	}
	assert_in_range(s, 58, 60);
	assert_in_range(told, 5, 6);
	assert_int_equal(look(S), LOSS_NOTHING_NEW);
	/* And another one begins anew. */
	now.channels[0] = (struct loss_channel){ .produced = 10, .ring_full = 1 };
	assert_int_equal(look(S), LOSS_TELL);
	assert_string_equal(text, "channel opens: 10 % of the last 1 s lost (ring_full: 1 in all)");
}

static void counters_that_go_back_begin_anew(void **state)
{
	(void)state;
	look(0);
	now.routes[0].so_error = 5;
	assert_int_equal(look(S), LOSS_TELL);
	now.routes[0].so_error = 3;
	assert_int_equal(look(S), LOSS_OVER);
	assert_int_equal(look(S), LOSS_NOTHING_NEW);
	now.routes[0].so_error = 4;
	assert_int_equal(look(S), LOSS_TELL);
	assert_string_equal(text, "event opened: so_error 4 in all");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_lost_before_is_no_news, setup, teardown),
		cmocka_unit_test_setup_teardown(a_loss_is_told_at_once_and_then_every_ten_seconds, setup, teardown),
		cmocka_unit_test_setup_teardown(a_minute_without_any_it_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(counters_that_go_back_begin_anew, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
