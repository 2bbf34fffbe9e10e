/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bpf/exec.bpf.c, called as the kernel calls it, on tasks of a test's making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define on_exit exec_on_exit	/* libc has one */
#include "bpf/exec.bpf.c"

#include "user.h"
#include "whole.h"
#include <cmocka.h>

#define ARGS_AT 0x7ffc00001000UL

static char args[EXEC_ARGS_MAX + 100];
static struct mm_struct mm;
static struct signal_struct sig;
static struct task_struct task, leader, parent;

static void begin(unsigned char garbage)
{
	user_reset();
	user.garbage = garbage;
	user.now_ns = 5000;
	user.cgroup_id = 77;
	user.uid_gid = 1000ULL << 32 | 1001;
	USER_ADD_RING(exec_events);
	USER_ADD_MAP(exec_events_counts);
	USER_ADD_MAP(scratch);
	USER_ADD_MAP(ended);
	for (unsigned i = 0; i < USER_CPUS; i++)
		memset(user_per_cpu(&scratch, i), garbage, sizeof(struct scratch));
	memset(args, 0, sizeof(args));
	memcpy(args, "ls\0-l", 6);
	mm = (struct mm_struct){ ARGS_AT, ARGS_AT + 6 };
	sig = (struct signal_struct){ .live.counter = 0 };
	parent = (struct task_struct){ .pid = 40, .tgid = 40 };
	leader = (struct task_struct){ .pid = 41, .tgid = 41, .start_time = 2000, .comm = "ls" };
	task = leader;
	task.pid = 42;
	task.real_parent = &parent;
	task.group_leader = &leader;
	task.mm = &mm;
	task.signal = &sig;
	user_kernel_memory(&task, sizeof(task));
	user_kernel_memory(&leader, sizeof(leader));
	user_kernel_memory(&parent, sizeof(parent));
	user_kernel_memory(&mm, sizeof(mm));
	user_kernel_memory(&sig, sizeof(sig));
	user_process_memory(ARGS_AT, args, sizeof(args));
}

static int setup(void **state)
{
	(void)state;
	begin(0xa5);
	return 0;
}

static void run(int (*prog)(unsigned long long *))
{
	unsigned long long ctx[] = { (uintptr_t)&task };

	assert_int_equal(prog(ctx), 0);
	assert_int_equal(user.n_reserved, 0);
}

static const struct exec_event *last(void)
{
	const struct user_record *r = user_last();

	assert_non_null(r);
	assert_true(r->size >= sizeof(struct exec_event) && r->size <= sizeof(struct scratch));
	return (const void *)r->data;
}

static const struct agent_counts *counts(void)
{
	return user_per_cpu(&exec_events_counts, 0);
}

static void a_process_that_begins_is_told_with_its_arguments(void **state)
{
	const struct exec_event *e;

	run(on_exec);
	e = last();
	assert_int_equal(e->ts_ns, 5000);
	assert_int_equal(e->pid, 41);
	assert_int_equal(e->ppid, 40);
	assert_int_equal(e->uid, 1001);
	assert_int_equal(e->cgroup_id, 77);
	assert_int_equal(e->kind, EXEC);
	assert_string_equal(e->comm, "ls");
	assert_false(e->args_cut);
	assert_int_equal(user.records->size, sizeof(*e) + 6);
	assert_memory_equal(e->args, "ls\0-l", 6);
	(void)state;
}

static void too_many_arguments_are_cut(void **state)
{
	mm.arg_end = ARGS_AT + sizeof(args);
	run(on_exec);
	assert_true(last()->args_cut);
	assert_int_equal(user.records->size, sizeof(struct exec_event) + EXEC_ARGS_MAX);
	(void)state;
}

static void arguments_that_moved_away_are_left_out(void **state)
{
	static const struct mm_struct nonsense[] = {
		{ ARGS_AT + 6, ARGS_AT }, { 0, 6 }, { ~0UL, 0 }, { 0, ~0UL }, { ~0UL - 2, ~0UL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		begin(0xa5);
		mm = nonsense[i];
		run(on_exec);
		assert_true(last()->args_cut);
		assert_int_equal(user.records->size, sizeof(struct exec_event));
	}
}

static void ends_are_told_as_wait_tells_them(void **state)
{
	(void)state;
	leader.exit_code = 3 << 8;
	run(on_exit);
	assert_int_equal(last()->kind, EXIT);
	assert_int_equal(last()->exit_code, 3);
	assert_int_equal(last()->signal, 0);
	assert_int_equal(last()->run_ns, 3000);
	begin(0xa5);
	leader.exit_code = 3 << 8;
	sig.flags = SIGNAL_GROUP_EXIT;
	sig.group_exit_code = 11 | 0x80;
	run(on_exit);
	assert_int_equal(last()->exit_code, 0);
	assert_int_equal(last()->signal, 11);
	assert_true(last()->core_dumped);
}

static void only_the_last_thread_is_an_end_and_only_once(void **state)
{
	(void)state;
	sig.live.counter = 1;
	run(on_exit);
	assert_int_equal(user.n_records, 0);
	sig.live.counter = 0;
	run(on_exit);
	task.pid = 43;		/* another thread, which also found that none is left */
	run(on_exit);
	assert_int_equal(user.n_records, 1);
	leader.start_time++;	/* another process under the same number */
	run(on_exit);
	assert_int_equal(user.n_records, 2);
	user_find_map(&ended)->absent = true;	/* the map is out of memory: rather twice than not at all */
	run(on_exit);
	assert_int_equal(user.n_records, 3);
}

static void what_finds_no_room_is_counted(void **state)
{
	struct user_map *ring = user_find_map(&exec_events);

	(void)state;
	while (user_produce(ring, 8))
		;
	run(on_exec);
	run(on_exit);
	ring->consumed = ring->produced;
	ring->locked = true;
	run(on_exec);
	assert_int_equal(user.n_records, 0);
	assert_int_equal(counts()->produced, 3);
	assert_int_equal(counts()->ring_full, 2);
	assert_int_equal(counts()->nmi, 1);
}

static unsigned fault_at;

static void run_both_with_a_fault(void)
{
	user.fault_in = fault_at;
	run(on_exec);
	run(on_exit);
}

static void whatever_cannot_be_read_records_are_whole_and_counted(void **state)
{
	unsigned reads;

	(void)state;
	fault_at = 0;
	assert_true(user_records_are_whole(begin, run_both_with_a_fault));
	reads = user.n_reads;
	assert_true(reads > 15);
	for (fault_at = 1; fault_at <= reads; fault_at++) {
		assert_true(user_records_are_whole(begin, run_both_with_a_fault));
		assert_int_equal(counts()->produced, user.n_records);
	}
}

static void a_task_without_memory_or_leader_is_told_all_the_same(void **state)
{
	(void)state;
	task.mm = NULL;
	task.group_leader = task.real_parent = NULL;
	task.signal = NULL;
	run(on_exec);
	assert_int_equal(last()->ppid, 0);
	run(on_exit);
	assert_int_equal(user.n_records, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, user_teardown)
	const struct CMUnitTest tests[] = {
		T(a_process_that_begins_is_told_with_its_arguments),
		T(too_many_arguments_are_cut),
		T(arguments_that_moved_away_are_left_out),
		T(ends_are_told_as_wait_tells_them),
		T(only_the_last_thread_is_an_end_and_only_once),
		T(what_finds_no_room_is_counted),
		T(whatever_cannot_be_read_records_are_whole_and_counted),
		T(a_task_without_memory_or_leader_is_told_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
