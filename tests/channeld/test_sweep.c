/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which spools a new channeld removes: those of programs that are not loaded any more, and no other. */
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "abi/names.h"
#include "common/log.h"
#include "common/paths.h"
#include "svc_stub.h"

#define PROGRAMS 700			/* manifests that take more than one call to read */

static char folder[] = "/dev/shm/sweep-test.XXXXXX";

static const char *name_of(int i)
{
	static char name[64];

	snprintf(name, sizeof(name), "a-program-with-quite-a-usual-name-%03d", i);
	return name;
}

static void touch(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
}

/* Not one that can be read: no worker is started. */
static void write_manifest(int i)
{
	char path[PATH_MAX], made[PATH_MAX + 8];

	assert_int_equal(path_manifest(name_of(i), path), 0);
	snprintf(made, sizeof(made), "%s.new", path);
	touch(made);
	assert_int_equal(rename(made, path), 0);
}

static void make(void)
{
	char path[PATH_MAX];

	assert_non_null(mkdtemp(folder));
	setenv(AGENT_ENV_RUNTIME, folder, 1);
	snprintf(path, sizeof(path), "%s/manifest", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/spool", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	for (int i = 0; i < PROGRAMS; i++) {
		write_manifest(i);
		assert_int_equal(path_spool(name_of(i), path), 0);
		touch(path);
	}
	assert_int_equal(path_spool("unloaded", path), 0);
	touch(path);
}

static int n_spools(void)
{
	char path[PATH_MAX];
	int n = 0;

	for (int i = 0; i < PROGRAMS; i++)
		n += path_spool(name_of(i), path) == 0 && access(path, F_OK) == 0;
	return n;
}

static void look_as_if_new(struct svc *svc)
{
	struct channeld c = { .svc = svc };

	uv_timer_init(&svc->loop, &c.timer);
	channeld_look(&c);
	while (c.children) {
		struct supervised *child = c.children;

		c.children = child->next;
		supervised_free(child);
	}
	uv_close((uv_handle_t *)&c.timer, NULL);
	uv_run(&svc->loop, UV_RUN_DEFAULT);
}

static void clear(void)
{
	char path[PATH_MAX];

	for (int i = 0; i < PROGRAMS; i++) {
		path_spool(name_of(i), path);
		unlink(path);
		path_manifest(name_of(i), path);
		unlink(path);
		strcat(path, ".new");
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/manifest", folder);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/spool", folder);
	rmdir(path);
	rmdir(folder);
}

static void a_spool_is_not_removed_on_a_guess(void **state)
{
	char path[PATH_MAX];
	struct svc svc = {};
	int n = PROGRAMS;
	pid_t pid;

	(void)state;
	make();
	uv_loop_init(&svc.loop);
	pid = fork();
	if (pid == 0)
		for (int i = 0;; i = (i + 1) % PROGRAMS)
			write_manifest(i);
	for (int i = 0; i < 100 && n == PROGRAMS; i++) {
		look_as_if_new(&svc);
		n = n_spools();
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(path_spool("unloaded", path), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	clear();
	assert_int_equal(n, PROGRAMS);
	assert_int_equal(uv_loop_close(&svc.loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spool_is_not_removed_on_a_guess),
	};

	log_init("channeld", LOG_CRIT);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("channeld/sweep", tests, NULL, NULL);
}
