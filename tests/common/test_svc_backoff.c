/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon that a unit starts again and again begins later each time; one that is started otherwise never waits. */
#include "svctest.h"
#include "common/paths.h"

/* As systemd does it: the process knows that it is the one that the unit names. */
static pid_t begin_unit(void)
{
	char *self = realpath("/proc/self/exe", NULL), script[512];
	char *argv[] = { "bash", "-c", script, NULL };
	int out = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	struct spawn_fd fds[] = { { out, STDOUT_FILENO }, { out, STDERR_FILENO } };
	struct spawn s = { .path = "/bin/bash", .argv = argv, .fds = fds, .n_fds = 2, .keep_caps = true };
	pid_t pid;

	snprintf(script, sizeof(script), "INVOCATION_ID=0123 SYSTEMD_EXEC_PID=$$ exec -a testd %s", self);
	forget_notifications();
	pid = spawn(&s);
	assert_true(pid > 0);
	close(out);
	free(self);
	return daemon_pid = pid;
}

static void have_counted(const char *text)
{
	char path[PATH_MAX];

	assert_int_equal(path_lock("testd", path), 0);
	testbus_write(path, text);
}

static void counted(unsigned early, unsigned unready)
{
	char path[PATH_MAX], wanted[32];

	snprintf(wanted, sizeof(wanted), "%3u %3u\n", early, unready);
	assert_int_equal(path_lock("testd", path), 0);
	assert_string_equal(slurp(path), wanted);
}

static void die(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(wait_status(pid), 128 + SIGKILL);
}

static void an_early_death_makes_the_next_begin_later(void **state)
{
	pid_t pid;

	(void)state;
	configure("size: 1K\n");
	pid = begin_unit();
	eventually(notified("READY=1"));
	assert_false(logged("begins in"));
	counted(1, 0);
	die(pid);
	pid = begin_unit();
	eventually(notified("EXTEND_TIMEOUT_USEC="));
	eventually(notified("READY=1"));
	assert_true(logged("died early 1 times in a row, begins in 0.1 s"));
	counted(2, 0);
	die(pid);
	pid = begin_unit();
	eventually(notified("READY=1"));
	assert_true(logged("died early 2 times in a row, begins in 0.2 s"));
	assert_int_equal(end(pid), 0);
	counted(0, 0);		/* an orderly end is no death */
}

static void one_that_never_gets_ready_waits_longest(void **state)
{
	pid_t pid;

	(void)state;
	have_counted("");
	configure("sice: 1K\n");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(wait_status(begin_unit()), 1);
		counted(i + 1, i + 1);
	}
	have_counted(" 20  20\n");
	pid = begin_unit();
	eventually(logged("died early 20 times in a row, begins in 10.0 s"));
	assert_int_equal(end(pid), 0);	/* who stops it does something about it */
	counted(0, 0);
	configure("size: 1K\n");
	have_counted(" 20   0\n");
	pid = begin_unit();
	eventually(logged("died early 20 times in a row, begins in 2.0 s"));
	die(pid);
	counted(20, 0);		/* killed while it waits, it has not lived */
}

static void what_is_no_count_is_none(void **state)
{
	static const char *const bad[] = { "", "\n", "x", "0 0\n", "x 7\n", "-0 -0\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		pid_t pid;

		have_counted(bad[i]);
		pid = begin_unit();
		eventually(notified("READY=1"));
		assert_false(logged("begins in"));
		assert_int_equal(end(pid), 0);
		counted(0, 0);
	}
}

static void one_that_no_unit_started_neither_waits_nor_counts(void **state)
{
	pid_t pid;

	(void)state;
	have_counted(" 20  20\n");
	setenv("INVOCATION_ID", "0123", 1);
	setenv("SYSTEMD_EXEC_PID", "1", 1);	/* something above it is a unit's */
	pid = begin(NULL, NULL);
	unsetenv("INVOCATION_ID");
	unsetenv("SYSTEMD_EXEC_PID");
	eventually(notified("READY=1"));
	assert_false(logged("begins in"));
	assert_int_equal(end(pid), 0);
	counted(20, 20);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		svc_test(an_early_death_makes_the_next_begin_later),
		svc_test(one_that_never_gets_ready_waits_longest),
		svc_test(what_is_no_count_is_none),
		svc_test(one_that_no_unit_started_neither_waits_nor_counts),
	};
	int status = testd_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, setup, teardown);
}
