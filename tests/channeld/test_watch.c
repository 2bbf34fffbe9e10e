/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's look at what a program loses. */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#include "abi/names.h"
#include "channeld/watch.h"
#include "common/paths.h"
#include "common/spool.h"
#include "svc_stub.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_is_said_and_a_spool_cut_short_kills_nobody),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("channeld/watch", tests, NULL, NULL);
}
