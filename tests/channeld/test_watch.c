/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's look at what a program loses. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "abi/counts.h"
#include "abi/names.h"
#include "channeld/watch.h"
#include "common/paths.h"
#include "common/pins.h"
#include "common/spool.h"
#include "svc_stub.h"

static int counts = -1;			/* of the program; its pin */

int pin_get(const char *program, const char *item, enum pin_kind kind, const char *name)
{
	(void)program, (void)item, (void)kind, (void)name;
	return counts < 0 ? -ENOENT : fcntl(counts, F_DUPFD_CLOEXEC, 3);
}

static void a_loss_is_said_and_a_spool_cut_short_kills_nobody(void **state)
{
	char folder[] = "/dev/shm/watch-test.XXXXXX", path[PATH_MAX], spools[64];
	struct manifest_route route = { .event_name = "e" };
	struct manifest m = { .program = "p", .generation = 4, .routes = { &route, 1 } };
	struct spool_writer w = {};
	struct svc svc = {};
	struct watch *watch;

	(void)state;
	assert_non_null(mkdtemp(folder));
	setenv(AGENT_ENV_RUNTIME, folder, 1);
	snprintf(spools, sizeof(spools), "%s/spool", folder);
	assert_int_equal(mkdir(spools, 0755), 0);
	assert_int_equal(path_spool("p", path), 0);
	assert_int_equal(spool_writer_open(&w, path, "p", 0, NULL), 0);
	w.next.generation = 4;
	w.next.n_routes = 1;
	spool_commit(&w);
	watch = watch_new(&m);
	assert_non_null(watch);
	watch_look(watch, &svc, &m, NSEC_PER_SEC);
	assert_false(svc.degraded);
	w.next.routes[0].dropped[SPOOL_DROP_DECODE] = 1;
	spool_commit(&w);
	watch_look(watch, &svc, &m, 2 * NSEC_PER_SEC);
	assert_true(svc.degraded);
	assert_int_equal(truncate(path, 0), 0);
	watch_look(watch, &svc, &m, 3 * NSEC_PER_SEC);
	watch_free(watch, &svc, "p");
	assert_false(svc.degraded);
	spool_writer_close(&w);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(spools), 0);
	assert_int_equal(rmdir(folder), 0);
}

/* As on a CPU that has no perf buffer: no commit tells of it. */
static void what_only_the_program_knows_to_be_lost_is_said(void **state)
{
	const int cpus = libbpf_num_possible_cpus();
	cleanup(freep) struct agent_counts *values = calloc((size_t)cpus, sizeof(*values));
	struct manifest_channel channel = { .name = "c", .counts = "c_counts" };
	struct manifest m = { .program = "p", .generation = 4, .channels = { &channel, 1 } };
	const uint32_t zero = 0;
	struct watch *watch;
	struct svc svc = {};

	(void)state;
	setenv(AGENT_ENV_RUNTIME, "/nonexistent", 1);
	counts = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "c_counts", 4, sizeof(*values), 1, NULL);
	if (counts < 0 && errno == EPERM) {
		print_message("# skipped: no right to make BPF maps\n");
		free(take(values));
		skip();
	}
	assert_true(counts >= 0);
	watch = watch_new(&m);
	assert_non_null(watch);
	watch_look(watch, &svc, &m, NSEC_PER_SEC);
	assert_false(svc.degraded);
	values[cpus - 1] = (struct agent_counts){ .produced = 5, .lost = 5 };
	assert_int_equal(bpf_map_update_elem(counts, &zero, values, BPF_ANY), 0);
	watch_look(watch, &svc, &m, 2 * NSEC_PER_SEC);
	assert_true(svc.degraded);
	watch_free(watch, &svc, "p");
	closep(&counts);
	counts = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_is_said_and_a_spool_cut_short_kills_nobody),
		cmocka_unit_test(what_only_the_program_knows_to_be_lost_is_said),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("channeld/watch", tests, NULL, NULL);
}
