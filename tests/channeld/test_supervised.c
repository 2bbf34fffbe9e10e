/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a worker that died is started again, and what is said of it meanwhile. Without a bus and without workers: their
 * lives and deaths are told. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "abi/names.h"
#include "channeld/clock.h"
#include "channeld/supervised_processors.h"
#include "common/paths.h"
#include "svc_stub.h"

static struct svc svc;
static struct channeld channeld;
static struct supervised *child;

static int setup(void **state)
{
	(void)state;
	memset(&svc, 0, sizeof(svc));
	svc.conf.restart.delay_min = 10 * NSEC_PER_MSEC;
	svc.conf.restart.delay_max = 5 * NSEC_PER_SEC;
	svc.conf.restart.failed_after = 3;
	svc.conf.restart.retry = 30 * NSEC_PER_SEC;
	channeld = (struct channeld){ .svc = &svc };
	child = supervised_new(&channeld, "p");
	return child ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	supervised_free(child);
	return 0;
}

/* Lived for so long, then ended with status 1. */
static void live_and_die(uint64_t ns)
{
	child->pid = 1;
	child->started_ns = clock_monotonic() - ns;
	supervised_ended(child, 1 << 8);
	assert_int_equal(child->pid, 0);
}

static void quick_deaths_make_it_failed(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_false(svc.degraded);
		assert_string_equal(supervised_state(child), "no manifest");
		live_and_die(0);
	}
	assert_true(svc.degraded);
	assert_string_equal(supervised_state(child), "failed");
	assert_true(child->retry_at_ns > clock_monotonic() + 29 * NSEC_PER_SEC);
}

/* Before anybody looked at it while it lived. */
static void one_that_lived_a_while_is_not_failed_any_more(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		live_and_die(0);
	live_and_die(3 * NSEC_PER_SEC / 2);
	assert_string_equal(supervised_state(child), "no manifest");
	assert_false(svc.degraded);
	assert_true(child->retry_at_ns < clock_monotonic() + NSEC_PER_SEC);
}

/* Nobody hands them over while loaderd is away, however long that is. */
static void one_without_its_buffers_is_not_looked_at_all_the_time(void **state)
{
	struct manifest_channel channel = { .name = "c", .type = CHANNEL_PERF_BUFFER };
	struct manifest m = { .program = "p", .generation = 1, .channels = { &channel, 1 } };
	uint64_t now = clock_monotonic();

	(void)state;
	child->manifest = &m;
	supervised_look(child, now);
	assert_int_equal(child->pid, 0);
	assert_int_equal(child->retry_at_ns, now + NSEC_PER_SEC);
	assert_int_equal(child->quick_deaths, 0);
	supervised_hurry(child);
	assert_int_equal(child->retry_at_ns, 0);
	child->manifest = NULL;
}

static void write_manifest(const char *state)
{
	char path[PATH_MAX], made[PATH_MAX + 8];
	FILE *f;

	assert_int_equal(path_manifest("p", path), 0);
	snprintf(made, sizeof(made), "%s.new", path);
	f = fopen(made, "w");
	assert_non_null(f);
	fprintf(f,
		"{\"version\":1,\"generation\":1,\"program\":\"p\",\"state\":\"%s\",\"items\":[],\"channels\":[],"
		"\"routes\":[]}",
		state);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(made, path), 0);
}

static void a_manifest_that_cannot_be_read_for_a_while_is_read_later(void **state)
{
	char folder[] = "/tmp/supervised-test.XXXXXX", path[PATH_MAX];
	struct rlimit before, limit;

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv(AGENT_ENV_RUNTIME, folder, 1);
	assert_int_equal(path_manifest("p", path), 0);
	assert_int_equal(mkdir(dirname(path), 0755), 0);
	write_manifest("loaded");
	supervised_refresh(child);
	assert_int_equal(child->manifest->state, MANIFEST_LOADED);
	write_manifest("draining");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){ 3, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	supervised_refresh(child);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(child->manifest->state, MANIFEST_LOADED);
	supervised_refresh(child);
	assert_int_equal(child->manifest->state, MANIFEST_DRAINING);
	assert_int_equal(path_manifest("p", path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dirname(path)), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* A worker that is being killed may still count something. */
static void another_load_finds_nothing_of_the_last_one(void **state)
{
	struct processor_area *last;

	(void)state;
	assert_int_equal(processors_prepare(child), 0);
	assert_int_equal(processor_area_map(child->processors_fd, &last), 0);
	last->rows[0].deaths = 1;
	processors_forget(child);
	last->rows[0].in_row = 9;
	last->letters_lost = 1;
	assert_int_equal(processors_prepare(child), 0);
	assert_int_equal(child->processors->rows[0].deaths, 0);
	assert_int_equal(child->processors->rows[0].in_row, 0);
	assert_int_equal(child->processors->letters_lost, 0);
	processor_area_free(last);
}

static void put(const char *path, size_t bytes)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (size_t i = 0; i < bytes; i++)
		fputc('\n', f);
	assert_int_equal(fclose(f), 0);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : st.st_size;
}

/* The worker has the new file by then, and writes. */
static void letters_of_an_exchange_that_fails_are_kept(void **state)
{
	char folder[] = "/tmp/supervised-test.XXXXXX", path[PATH_MAX], older[PATH_MAX + 8], fresh[PATH_MAX + 8];

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv(AGENT_ENV_STATE, folder, 1);
	assert_int_equal(path_dead_letter("p", path), 0);
	snprintf(older, sizeof(older), "%s.1", path);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	*strrchr(path, '/') = '\0';
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(path_dead_letter("p", path), 0);
	put(path, 10);
	assert_int_equal(mkdir(older, 0755), 0);	/* nothing takes its place */
	svc.conf.processor.limits.letters_size = 10;
	assert_int_equal(processors_prepare(child), 0);
	processors_look(child);
	assert_int_equal(size_of(path), 10);
	put(fresh, 3);
	processors_look(child);
	assert_int_equal(size_of(fresh), 3);
	assert_int_equal(rmdir(older), 0);
	processors_look(child);
	assert_int_equal(size_of(older), 10);
	assert_int_equal(size_of(path), 3);
	assert_int_equal(unlink(older) | unlink(path), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path) | rmdir(folder), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(quick_deaths_make_it_failed),
		T(one_that_lived_a_while_is_not_failed_any_more),
		T(one_without_its_buffers_is_not_looked_at_all_the_time),
		T(a_manifest_that_cannot_be_read_for_a_while_is_read_later),
		T(another_load_finds_nothing_of_the_last_one),
		T(letters_of_an_exchange_that_fails_are_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("channeld/supervised", tests, NULL, NULL);
}
