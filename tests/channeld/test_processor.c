/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processors through real sandboxes. PROCESSOR_BENCH=1 also measures. */
#include "sandbox_fixture.h"

#include <time.h>

#include "../../abi/batch.h"
#include "../../abi/exec.h"
#include "../../common/batch.h"
#include "../../common/listener.h"

#define MAX_RESULTS 4096

struct results {
	size_t n;
	struct {
		uint64_t cookie;
		enum spool_drop drop;
		char text[128];
		size_t len;
	} r[MAX_RESULTS];
};
static struct results got;

static void on_result(void *arg, uint64_t cookie, enum spool_drop drop, const char *json, size_t len,
		      const uint64_t *key)
{
	struct results *g = arg;

	(void)key;
	assert_true(g->n < MAX_RESULTS);
	g->r[g->n].cookie = cookie;
	g->r[g->n].drop = drop;
	g->r[g->n].len = len;
	snprintf(g->r[g->n++].text, sizeof(g->r[0].text), "%.*s", (int)MIN(len, (size_t)127), json ? json : "");
}

static void run(struct processor *p)
{
	int r = processor_run(p, on_result, &got);

	if (r < 0)
		fail_msg("processor_run: %d %s", r, processor_error(p));
}

/* One record per character of @letters, one run; the cookie is its index. */
static void run_letters(struct processor *p, const char *letters)
{
	got.n = 0;
	for (size_t i = 0; letters[i]; i++)
		assert_int_equal(processor_add(p, &fixture_call, letters + i, 1, i), 0);
	run(p);
	assert_int_equal(got.n, strlen(letters));
	for (size_t i = 0; i < got.n; i++)
		assert_int_equal(got.r[i].cookie, i);
}

static void expect(size_t i, enum spool_drop drop, const char *text)
{
	if (got.r[i].drop != drop || (text && strcmp(got.r[i].text, text)))
		fail_msg("result %zu is %d '%s', not %d '%s'", i, got.r[i].drop, got.r[i].text, drop, text ? text : "");
}

static struct processor *start_with_deadline(struct fixture *f, uint64_t ms)
{
	fixture_limits(f);
	f->limits.deadline_ns = ms * NSEC_PER_MSEC;
	return fixture_start(f, "misbehave", NULL);
}

static void records_come_back_as_results_in_order(void **state)
{
	struct processor *p = fixture_start(*state, "plain", "process");
	uint32_t next = 0;

	got.n = 0;
	for (int batch = 0; batch < 4; batch++) {
		for (int i = 0; i < BATCH_MAX; i++, next++)
			assert_int_equal(processor_add(p, &fixture_call, &next, sizeof(next), 1000 + next), 0);
		assert_int_equal(processor_add(p, &fixture_call, &next, sizeof(next), 0), -ENOSPC);
		run(p);
	}
	run(p);		/* nothing added: nothing happens */
	assert_int_equal(got.n, next);
	for (uint32_t i = 0; i < next; i++) {
		char text[32];

		snprintf(text, sizeof(text), "{\"n\":%u}", i);
		expect(i, SPOOL_N_DROPS, text);
		assert_int_equal(got.r[i].cookie, 1000 + i);
	}
	assert_int_equal(processor_restarts(p), 0);
	processor_free(p);
}

static void records_of_all_lengths_fit_or_are_refused(void **state)
{
	struct processor *p = fixture_start(*state, "plain", "echo");
	static char big[BATCH_IN_SIZE + 1];
	int n = 0;

	memset(big, 'x', sizeof(big));
	got.n = 0;
	assert_int_equal(processor_add(p, &fixture_call, big, BATCH_IN_SIZE + 1, 0), -EMSGSIZE);
	assert_int_equal(processor_add(p, &fixture_call, big, BATCH_IN_SIZE, 0), 0);
	assert_int_equal(processor_add(p, &fixture_call, "", 0, 1), 0);
	assert_int_equal(processor_add(p, &fixture_call, big, 1, 2), -ENOSPC);
	run(p);
	expect(0, SPOOL_DROP_OVERSIZE, NULL);
	expect(1, SPOOL_N_DROPS, "\"\"");
	while (processor_add(p, &fixture_call, big, 50000, 10) == 0)
		n++;
	assert_int_equal(n, 20);
	run(p);
	for (int i = 0; i < n; i++) {
		assert_int_equal(got.r[2 + i].len, 50002);
		expect(2 + (size_t)i, SPOOL_N_DROPS, NULL);
	}
	processor_free(p);
}

static void bad_results_are_counted_by_reason_and_the_next_goes_through(void **state)
{
	struct processor *p = start_with_deadline(*state, 1000);

	run_letters(p, ".e.l.L.u.U.j.J.f.m.S");
	for (size_t i = 0; i < got.n; i += 2)
		expect(i, SPOOL_N_DROPS, "\".\"");
	expect(1, SPOOL_DROP_SO_ERROR, NULL);
	expect(3, SPOOL_DROP_OVERSIZE, NULL);
	expect(5, SPOOL_DROP_OVERSIZE, NULL);
	for (size_t i = 7; i <= 13; i += 2)
		expect(i, SPOOL_DROP_SO_ERROR, NULL);
	expect(15, SPOOL_DROP_FILTERED, NULL);
	expect(17, SPOOL_N_DROPS, NULL);
	assert_int_equal(got.r[17].len, BATCH_OUT_ROOM);
	fixture_limits(*state);
	processor_free(p);
}

static void only_the_record_that_kills_is_blamed(void **state)
{
#ifdef AGENT_SAN
	static const char deaths[] = "caxT";	/* without a limit, M would take the machine's memory */
#else
	static const char deaths[] = "caxTM";
#endif
	struct processor *p = fixture_start(*state, "misbehave", NULL);	/* M takes a while */

	for (const char *d = deaths; *d; d++) {
		char letters[] = ".. .  ";

		letters[2] = letters[5] = *d;
		letters[4] = '.';
		run_letters(p, letters);
		for (size_t i = 0; i < got.n; i++)
			expect(i, letters[i] == *d ? SPOOL_DROP_SO_CRASH : SPOOL_N_DROPS, NULL);
	}
	/* Each killed twice. */
	assert_int_equal(processor_restarts(p), 2 * 2 * strlen(deaths) - 1);
	processor_free(p);
}

static void only_the_record_that_hangs_is_blamed(void **state)
{
	struct processor *p;

	p = start_with_deadline(*state, 1000);
	run_letters(p, "..h.");
	expect(2, SPOOL_DROP_SO_TIMEOUT, NULL);
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			expect(i, SPOOL_N_DROPS, "\".\"");
	fixture_limits(*state);
	processor_free(p);
}

static void a_kill_from_outside_blames_nobody(void **state)
{
	struct processor *p = fixture_start(*state, "plain", "process");

	got.n = 0;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(processor_add(p, &fixture_call, &i, sizeof(i), i), 0);
		if (i % 100 == 50) {
			run(p);
			assert_int_equal(kill(processor_pid(p), SIGKILL), 0);
		}
	}
	run(p);
	assert_int_equal(got.n, 1000);
	for (size_t i = 0; i < got.n; i++) {
		expect(i, SPOOL_N_DROPS, NULL);
		assert_int_equal(got.r[i].cookie, i);
	}
	assert_int_equal(processor_restarts(p), 10);
	processor_free(p);
}

static void a_sandbox_cannot_fake_a_kill_from_outside(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", NULL);

	run_letters(p, ".K.");
	expect(1, SPOOL_N_DROPS, "\"kill refused\"");
	processor_free(p);
}

static void scribbling_spoils_only_its_own_results(void **state)
{
	struct processor *p;

	p = start_with_deadline(*state, 300);
	run_letters(p, "s");
	expect(0, SPOOL_DROP_SO_ERROR, NULL);		/* sixteen bytes 0xff */
	for (int i = 0; i < 20; i++) {
		run_letters(p, "A");	/* whatever it was counted as, we are alive, and so is the next batch */
		run_letters(p, "..");
		assert_int_equal(got.n, 2);
	}
	run_letters(p, ".o.");
	run_letters(p, "...");
	run_letters(p, "..o");
	processor_free(p);
	/* And a neighbour has noticed nothing. */
	p = fixture_start(*state, "misbehave", NULL);
	run_letters(p, "..");
	expect(1, SPOOL_N_DROPS, "\".\"");
	fixture_limits(*state);
	processor_free(p);
}

static void no_death_is_counted_of_one_that_lives(void **state)
{
	struct fixture *f = *state;
	static struct processor_row row;
	struct processor *p;

	f->row = &row;
	p = start_with_deadline(f, 50);
	f->limits.failed_after = UINT64_MAX;
	f->limits.delay_min_ns = f->limits.delay_max_ns = 1;
	for (int i = 0; i < 50; i++) {
		run_letters(p, "D");	/* answered, or too late, as it happens */
		assert_int_equal(row.deaths, processor_restarts(p) + (processor_pid(p) == 0));
	}
	processor_free(p);
	f->row = NULL;
	fixture_limits(f);
}

static void who_asks_without_end_holds_up_himself_alone(void **state)
{
	struct fixture *f = *state;
	static struct processor_row row;
	struct processor *p;
	uint64_t before;

	f->row = &row;
	p = fixture_start(f, "misbehave", NULL);
	run_letters(p, ".F..");
	for (size_t i = 0; i < got.n; i++)
		expect(i, SPOOL_N_DROPS, i == 1 ? "\"asking\"" : "\".\"");
	for (int i = 0; i < 100; i++) {
		before = row.refusals.n;
		processor_look(p, (uint64_t)i);
		assert_in_range(row.refusals.n - before, 0, LISTENER_ANSWERS_MAX);
	}
	before = row.refusals.n;
	for (int i = 0; i < 1000 && row.refusals.n == before; i++)
		run_letters(p, "....");
	assert_true(row.refusals.n > before);
	assert_int_equal(row.deaths, 0);
	assert_int_equal(row.refusals.calls[0].n, row.refusals.n);
	processor_free(p);
	f->row = NULL;
}

static void loading_is_over_whatever_it_says(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", NULL);

	run_letters(p, "O.");
	expect(0, SPOOL_N_DROPS, "\"refused\"");
	expect(1, SPOOL_N_DROPS, "\".\"");
	processor_free(p);
}

static void what_libraries_do_with_signals_blocked_is_no_trap(void **state)
{
	struct processor *p = fixture_start(*state, "misbehave", NULL);

	run_letters(p, "H.");
	expect(0, SPOOL_N_DROPS, "\"alive\"");
	expect(1, SPOOL_N_DROPS, "\".\"");
	processor_free(p);
}

static void a_trap_can_neither_be_caught_nor_shut_out(void **state)
{
	struct fixture *f = *state;
	static struct processor_row row;
	struct processor *p;

	f->row = &row;
	p = fixture_start(f, "misbehave", NULL);
	run_letters(p, ".B.b.");
	for (size_t i = 0; i < got.n; i += 2)
		expect(i, SPOOL_N_DROPS, "\".\"");
	expect(1, SPOOL_N_DROPS, "\"refused\"");
	expect(3, SPOOL_DROP_SO_CRASH, "killed by signal 31 (SIGSYS)");
	/* The one that cannot be told of ends the process, which is. */
	assert_int_equal(row.refusals.n, 2);
	assert_string_equal(row.last_end, "killed by signal 31 (SIGSYS)");
	processor_free(p);
	f->row = NULL;
}

static void records_behind_a_scribbler_that_dies_are_unharmed(void **state)
{
	struct processor *p;

	p = start_with_deadline(*state, 300);
	run_letters(p, ".c.u.c.");
	for (size_t i = 0; i < got.n; i += 2)
		expect(i, SPOOL_N_DROPS, "\".\"");
	fixture_limits(*state);
	processor_free(p);
}

static void a_processor_that_cannot_be_loaded_says_why(void **state)
{
	static const struct {
		const char *so, *function, *why;
	} bad[] = {
		{ "plain", "no_such", "has no function no_such" },
		{ "unresolved", "process", "undefined symbol: nobody_has_this_function" },
		{ "constructor", "process", "died while it was being loaded: killed by signal 11 (SIGSEGV)" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct processor *p = fixture_start(*state, bad[i].so, bad[i].function);

		for (int again = 0; again < 2; again++) {
			got.n = 0;
			if (again == 0)
				assert_int_equal(processor_add(p, &fixture_call, "abcd", 4, 1), 0);
			assert_int_equal(processor_run(p, on_result, &got), -ENOEXEC);
			assert_non_null(strstr(processor_error(p), "processor test/so: "));
			if (!strstr(processor_error(p), bad[i].why))
				fail_msg("'%s' does not say '%s'", processor_error(p), bad[i].why);
			assert_int_equal(got.n, 0);
		}
		processor_free(p);
	}
}

static void an_artifact_that_is_absent_or_no_object_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct processor *p = NULL;

	fixture_processor(f, "no-such", "process");
	assert_int_equal(fixture_new(f, &p), -ENOENT);
	assert_non_null(strstr(f->d.error, "no-such.so: No such file"));
	f->d.error[0] = 0;
	assert_int_equal(processor_new(&f->m, "other", f->worker, &f->limits, NULL, &p, &f->d), -EINVAL);
	assert_null(p);
	fixture_processor(f, "plain", "process");
	strcpy(f->artifact, "/etc/passwd");
	assert_int_equal(fixture_new(f, &p), 0);
	assert_int_equal(processor_add(p, &fixture_call, "abcd", 4, 1), 0);
	assert_int_equal(processor_run(p, on_result, &got), -ENOEXEC);
	assert_non_null(strstr(processor_error(p), "cannot be loaded: "));
	processor_free(p);
}

static void two_processors_of_one_worker_do_not_mix(void **state)
{
	struct processor *a = fixture_start(*state, "plain", "echo"), *b = fixture_start(*state, "misbehave", NULL);

	run_letters(b, ".c.");
	run_letters(a, "c");
	expect(0, SPOOL_N_DROPS, "\"c\"");
	assert_int_equal(processor_restarts(a), 0);
	processor_free(b);
	run_letters(a, "cc");
	processor_free(a);
}

static void the_sdk_example_keeps_what_ended_badly(void **state)
{
	struct fixture *f = *state;
	struct exec_event ev = { .run_ns = 1500000, .pid = 10, .ppid = 9, .uid = 8, .kind = EXIT, .comm = "a\"\xff" };
	struct processor *p = NULL;

	fixture_processor(f, "", "process");
	fixture_path("sdk/example.so", f->artifact);
	assert_int_equal(fixture_new(f, &p), 0);
	assert_int_equal(processor_add(p, &fixture_call, &ev, sizeof(ev), 0), 0);
	ev.exit_code = 3;
	assert_int_equal(processor_add(p, &fixture_call, &ev, sizeof(ev), 1), 0);
	assert_int_equal(processor_add(p, &fixture_call, &ev, sizeof(ev) - 1, 2), 0);
	got.n = 0;
	run(p);
	expect(0, SPOOL_DROP_FILTERED, NULL);
	expect(1, SPOOL_N_DROPS, "{\"verdict\":\"failed\",\"pid\":10,\"ppid\":9,\"uid\":8,"
	       "\"comm\":\"a\\\"\xef\xbf\xbd\",\"exit_code\":3,\"run_ms\":1.500}");
	expect(2, SPOOL_DROP_SO_ERROR, NULL);
	processor_free(p);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static void on_nothing(void *arg, uint64_t cookie, enum spool_drop drop, const char *json, size_t len,
		       const uint64_t *key)
{
	(void)json, (void)len, (void)key;
	*(uint64_t *)arg += cookie + (drop == SPOOL_N_DROPS);
}

static void measure(void **state)
{
	const uint32_t records = 2000000;
	static const uint32_t batches[] = { 1, 32, 64, 256 };
	struct processor *p = fixture_start(*state, "plain", "process");
	char record[64] = { 0 };
	uint64_t sum = 0;

	if (!getenv("PROCESSOR_BENCH"))
		goto out;
	for (size_t k = 0; k < ARRAY_SIZE(batches); k++) {
		uint32_t n = records / (batches[k] == 1 ? 100 : 1);
		uint64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);

		for (uint32_t i = 0; i < n; i++) {
			memcpy(record, &i, sizeof(i));
			processor_add(p, &fixture_call, record, sizeof(record), i);
			if (i % batches[k] == batches[k] - 1)
				assert_int_equal(processor_run(p, on_nothing, &sum), 0);
		}
		wall = now_ns(CLOCK_MONOTONIC) - wall;
		cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		print_message("batch %3u: %6.1f ns/record (worker's CPU %.1f), %.2f M/s\n", batches[k],
			      (double)wall / n, (double)cpu / n, n * 1e3 / (double)wall);
	}
out:
	processor_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back_as_results_in_order),
		cmocka_unit_test(records_of_all_lengths_fit_or_are_refused),
		cmocka_unit_test(bad_results_are_counted_by_reason_and_the_next_goes_through),
		cmocka_unit_test(only_the_record_that_kills_is_blamed),
		cmocka_unit_test(only_the_record_that_hangs_is_blamed),
		cmocka_unit_test(a_kill_from_outside_blames_nobody),
		cmocka_unit_test(a_sandbox_cannot_fake_a_kill_from_outside),
		cmocka_unit_test(scribbling_spoils_only_its_own_results),
		cmocka_unit_test(no_death_is_counted_of_one_that_lives),
		cmocka_unit_test(who_asks_without_end_holds_up_himself_alone),
		cmocka_unit_test(loading_is_over_whatever_it_says),
		cmocka_unit_test(what_libraries_do_with_signals_blocked_is_no_trap),
		cmocka_unit_test(a_trap_can_neither_be_caught_nor_shut_out),
		cmocka_unit_test(records_behind_a_scribbler_that_dies_are_unharmed),
		cmocka_unit_test(a_processor_that_cannot_be_loaded_says_why),
		cmocka_unit_test(an_artifact_that_is_absent_or_no_object_is_an_error),
		cmocka_unit_test(two_processors_of_one_worker_do_not_mix),
		cmocka_unit_test(the_sdk_example_keeps_what_ended_badly),
		cmocka_unit_test(measure),
	};

	if (fixture_not_root("test_processor"))
		return 0;
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
