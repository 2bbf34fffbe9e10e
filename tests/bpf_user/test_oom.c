/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf/oom.bpf.c, called as the kernel calls it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/oom.bpf.c"

#include "user.h"
#include "whole.h"
#include <cmocka.h>

static void begin(unsigned char garbage)
{
	user_reset();
	user.garbage = garbage;
	user.cgroup_id = 9;
	USER_ADD_RING(oom_events);
	USER_ADD_MAP(oom_events_counts);
}

static void run(void)
{
	struct trace_event_raw_mark_victim ctx = { .pid = 99 };

	assert_int_equal(on_mark_victim(&ctx), 0);
	assert_int_equal(user.n_reserved, 0);
}

static void victim_and_trigger_are_told(void **state)
{
	const struct oom_event *e;

	(void)state;
	begin(0xa5);
	run();
	e = (const void *)user.records->data;
	assert_int_equal(user.records->size, sizeof(*e));
	assert_int_equal(e->pid, 99);
	assert_int_equal(e->trigger_pid, 7);
	assert_int_equal(e->cgroup_id, 9);
	assert_string_equal(e->trigger_comm, "someone");
	assert_true(user_records_are_whole(begin, run));
}

static void what_finds_no_room_is_counted(void **state)
{
	const struct agent_counts *c;

	(void)state;
	begin(0xa5);
	user_find_map(&oom_events)->locked = true;
	run();
	c = user_per_cpu(&oom_events_counts, 0);
	assert_int_equal(c->produced, 1);
	assert_int_equal(c->nmi, 1);
	user_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(victim_and_trigger_are_told),
		cmocka_unit_test(what_finds_no_room_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
