/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processors that die again and again: waited for, given up, tried again. */
#include "sandbox_fixture.h"

#include "../../channeld/clock.h"
#include "../../channeld/processor_health.h"

#define MAX_RESULTS 512

static struct results {
	size_t n, tried;		/* tried: deaths that were said */
	enum spool_drop drop[MAX_RESULTS];
	char text[MAX_RESULTS][128];
} got;

static void on_result(void *arg, uint64_t cookie, enum spool_drop drop, const char *text, size_t len,
		      const uint64_t *key)
{
	(void)arg, (void)key;
	assert_int_equal(cookie, got.n);
	assert_true(got.n < MAX_RESULTS);
	got.drop[got.n] = drop;
	got.tried += drop != SPOOL_N_DROPS && len;
	snprintf(got.text[got.n++], sizeof(got.text[0]), "%.*s", (int)len, text ?: "");
}

/* Waits as a worker does. */
static void run_letters(struct processor *p, const char *letters)
{
	int r;

	memset(&got, 0, sizeof(got));
	for (size_t i = 0; letters[i]; i++)
		assert_int_equal(processor_add(p, &fixture_call, letters + i, 1, i), 0);
	while ((r = processor_run(p, on_result, NULL)) < 0) {
		if (r != -EAGAIN && r != -ENOEXEC)
			fail_msg("processor_run: %d %s", r, processor_error(p));
		poll(NULL, 0, processor_wait_ms(p));
	}
	assert_int_equal(got.n, strlen(letters));
}

static struct processor_row row;

static int setup(void **state)
{
	struct fixture *f;
	int r = fixture_setup(state);

	f = *state;
	memset(&row, 0, sizeof(row));
	f->row = &row;
	fixture_limits(f);
	f->limits.failed_after = 6;
	f->limits.retry_ns = 3600 * NSEC_PER_SEC;
	f->limits.delay_min_ns = NSEC_PER_MSEC;
	return r;
}

static void deaths_in_a_row_make_it_failed_and_the_rest_is_counted_at_once(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", NULL);

	run_letters(p, ".ccccccc.");
	assert_int_equal(got.drop[0], SPOOL_N_DROPS);
	for (size_t i = 1; i < got.n; i++)
		assert_int_equal(got.drop[i], SPOOL_DROP_SO_CRASH);
	/* Three records were tried, twice each; of those after them nobody knows. */
	assert_int_equal(got.tried, 3);
	assert_string_equal(got.text[3], "killed by signal 11 (SIGSEGV)");
	assert_string_equal(got.text[4], "");
	assert_int_equal(row.state, PROCESSOR_FAILED);
	assert_int_equal(row.deaths, 6);
	assert_int_equal(row.starts, 6);
	assert_int_equal(row.pid, 0);
	run_letters(p, "..");
	assert_int_equal(got.drop[0], SPOOL_DROP_SO_CRASH);
	assert_int_equal(row.starts, 6);
	processor_free(p);
}

/* A worker that is killed between a record's two tries leaves the first one to the next worker, which begins anew. */
static void a_death_that_nobody_lived_to_judge_is_none_of_those_in_a_row(void **state)
{
	struct processor_limits limits = processor_default_limits;
	struct processor_row one = {};
	struct health h = { &limits, &one, "some" };

	(void)state;
	for (int i = 0; i < 20; i++)
		health_ended(&h, "killed by signal 11 (SIGSEGV)", true);
	assert_int_equal(one.deaths, 20);
	for (unsigned ends = 2; ends < limits.failed_after; ends += 2) {
		health_judge(&h, 2, 0);
		assert_int_equal(one.in_row, ends);
		assert_int_equal(one.state, PROCESSOR_WAITING);
	}
	health_judge(&h, 2, 0);
	assert_int_equal(one.state, PROCESSOR_FAILED);
}

static void each_record_that_ends_it_makes_it_wait_longer(void **state)
{
	struct processor_limits limits = processor_default_limits;
	struct processor_row one = {};
	struct health h = { &limits, &one, "some" };
	uint64_t wait = limits.delay_min_ns;

	(void)state;
	limits.failed_after = 1000;
	health_judge(&h, 2, 7);
	assert_int_equal(one.retry_at_ns, 7);	/* at once: it may have been the record */
	for (unsigned ends = 3; ends < 80; ends++, wait = MIN(2 * wait, limits.delay_max_ns)) {
		health_judge(&h, 1, 7);
		assert_int_equal(one.state, PROCESSOR_WAITING);
		assert_int_equal(one.retry_at_ns, 7 + wait);
		assert_int_equal(health_due(&h, 8), wait - 1);
	}
	assert_int_equal(wait, limits.delay_max_ns);
}

static void a_record_done_between_begins_anew(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", NULL);

	run_letters(p, "cc.cc.cc.cc.");
	for (size_t i = 0; i < got.n; i++)
		assert_int_equal(got.drop[i], i % 3 == 2 ? SPOOL_N_DROPS : SPOOL_DROP_SO_CRASH);
	assert_int_equal(got.tried, 8);
	assert_int_equal(row.state, PROCESSOR_RUNNING);
	assert_int_equal(row.in_row, 0);
	assert_int_equal(row.deaths, 16);
	processor_free(p);
}

static void a_failed_one_is_tried_again_and_recovers(void **state)
{
	struct fixture *f = *state;
	struct processor *p = fixture_start(f, "misbehave", NULL);

	run_letters(p, "ccc.");
	assert_int_equal(row.state, PROCESSOR_FAILED);
	row.retry_at_ns = clock_monotonic();
	run_letters(p, "c.");		/* one record is tried; it is no better */
	assert_int_equal(got.tried, 1);
	assert_int_equal(got.drop[1], SPOOL_DROP_SO_CRASH);
	assert_int_equal(row.state, PROCESSOR_FAILED);
	row.retry_at_ns = clock_monotonic();
	run_letters(p, "..");
	assert_int_equal(got.drop[0], SPOOL_N_DROPS);
	assert_int_equal(got.drop[1], SPOOL_N_DROPS);
	assert_int_equal(row.state, PROCESSOR_RUNNING);
	processor_free(p);
}

static void a_new_worker_finds_it_failed(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", NULL);

	run_letters(p, "ccc");
	processor_free(p);
	p = fixture_start(*state, "misbehave", NULL);
	assert_int_equal(row.starts, 6);
	run_letters(p, ".");
	assert_int_equal(got.drop[0], SPOOL_DROP_SO_CRASH);
	processor_free(p);
}

static void one_that_cannot_be_loaded_fails_by_the_same_count(void **state)
{
	struct processor *p = fixture_start(*state, "constructor", NULL);

	run_letters(p, "..");
	assert_int_equal(got.drop[0], SPOOL_DROP_SO_CRASH);
	assert_int_equal(got.tried, 0);
	assert_int_equal(row.state, PROCESSOR_FAILED);
	assert_int_equal(row.deaths, 6);
	assert_non_null(strstr(row.last_end, "died while it was being loaded: killed by signal 11"));
	processor_free(p);
}

static void kills_from_outside_never_make_it_failed(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", NULL);

	for (int i = 0; i < 10; i++) {
		assert_int_equal(kill(processor_pid(p), SIGKILL), 0);
		run_letters(p, ".");
		assert_int_equal(got.drop[0], SPOOL_N_DROPS);
	}
	assert_int_equal(row.deaths, 0);
	assert_int_equal(row.in_row, 0);
	assert_int_equal(row.starts, 11);
	processor_free(p);
}

/* A configuration that changes holds for the next sandbox: limits are read where they are needed. */
static void a_memory_limit_holds_from_the_next_sandbox_on(void **state)
{
	struct fixture *f = *state;
	struct processor *p = fixture_start(f, "misbehave", NULL);

#ifndef AGENT_SAN	/* without a limit, M would take the machine's memory */
	f->limits.memory = 32 << 20;
	run_letters(p, "c.M.");
	assert_int_equal(got.drop[1], SPOOL_N_DROPS);
	assert_int_equal(got.drop[2], SPOOL_DROP_SO_CRASH);
	assert_string_equal(got.text[2], "killed by signal 6 (SIGABRT)");
	assert_int_equal(got.drop[3], SPOOL_N_DROPS);
#endif
	processor_free(p);
}

static void threads_that_never_rest_make_it_failed(void **state)
{
	struct fixture *f = *state;
	struct processor *p;
	uint64_t now = clock_monotonic();

	f->limits.background_ns = NSEC_PER_MSEC;
	p = fixture_start(f, "burner", NULL);
	run_letters(p, ".");
	assert_int_equal(got.drop[0], SPOOL_N_DROPS);
	/* Seconds that pass for it alone. */
	for (int i = 0; i < 10 && row.state != PROCESSOR_FAILED; i++) {
		poll(NULL, 0, 100);
		processor_look(p, now += NSEC_PER_SEC);
	}
	assert_int_equal(row.state, PROCESSOR_FAILED);
	assert_int_equal(processor_pid(p), 0);
	assert_non_null(strstr(row.last_end, "of CPU time per second between batches"));
	run_letters(p, ".");
	assert_int_equal(got.drop[0], SPOOL_DROP_SO_CRASH);
	processor_free(p);
}

/* Nobody asked it anything, so no record is to blame; its row does not go on saying that it runs. */
static void one_that_dies_between_batches_blames_no_record(void **state)
{
	struct fixture *f = *state;
	struct processor *p = fixture_start(f, "misbehave", NULL);
	pid_t pid;

	run_letters(p, "Z");
	pid = row.pid;
	assert_int_equal(got.drop[0], SPOOL_N_DROPS);
	/* Until its launcher has said so. */
	for (int i = 0; i < 500 && row.pid; i++) {
		poll(NULL, 0, 10);
		processor_look(p, clock_monotonic());
	}
	assert_int_equal(row.pid, 0);
	assert_true(fixture_gone(pid));
	assert_int_equal(processor_pid(p), 0);
	assert_int_equal(row.deaths, 1);
	assert_string_equal(row.last_end, "killed by signal 11 (SIGSEGV)");
	run_letters(p, "c");
	assert_int_equal(got.drop[0], SPOOL_DROP_SO_CRASH);
	assert_int_equal(row.deaths, 3);	/* it had its two tries */
	processor_free(p);
}

static void one_that_rests_does_not(void **state)
{
	struct fixture *f = *state;
	struct processor *p;
	uint64_t now = clock_monotonic();

	f->limits.background_ns = 10 * NSEC_PER_MSEC;
	p = fixture_start(f, "plain", NULL);
	for (int i = 0; i < 10; i++) {
		run_letters(p, "1234");	/* too short for it: filtered */
		processor_look(p, now += NSEC_PER_SEC);
	}
	assert_int_equal(row.state, PROCESSOR_RUNNING);
	assert_int_equal(row.starts, 1);
	processor_free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		T(deaths_in_a_row_make_it_failed_and_the_rest_is_counted_at_once),
		T(a_death_that_nobody_lived_to_judge_is_none_of_those_in_a_row),
		T(each_record_that_ends_it_makes_it_wait_longer),
		T(a_record_done_between_begins_anew),
		T(a_failed_one_is_tried_again_and_recovers),
		T(a_new_worker_finds_it_failed),
		T(one_that_cannot_be_loaded_fails_by_the_same_count),
		T(kills_from_outside_never_make_it_failed),
		T(a_memory_limit_holds_from_the_next_sandbox_on),
		T(threads_that_never_rest_make_it_failed),
		T(one_that_rests_does_not),
		T(one_that_dies_between_batches_blames_no_record),
	};

	if (fixture_not_root("test_processor_failed"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
