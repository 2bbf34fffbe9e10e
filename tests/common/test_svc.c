/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon's life: it begins, looks, is watched, and ends. */
#include "svctest.h"
#include "common/wire.h"

static void check_prints_the_effective_configuration(void **state)
{
	(void)state;
	configure("size: 2K\n");
	assert_int_equal(wait_status(begin("--check", NULL)), 0);
	assert_true(logged("size: 2048") || logged("size: 2K"));
	assert_true(logged("log-level: info"));
	configure("size: 2K\nlog-level: loud\n");
	assert_int_equal(wait_status(begin("--check", NULL)), 1);
	assert_true(logged("testd.yaml:2: "));
	configure("sice: 2K\n");
	assert_int_equal(wait_status(begin(NULL, NULL)), 1);	/* nor does it start */
	assert_true(logged("testd.yaml:1: "));
	assert_int_equal(wait_status(begin("--frobnicate", NULL)), 2);
	assert_int_equal(wait_status(begin("--log-level", "loud")), 2);
	assert_int_equal(wait_status(begin("argument", NULL)), 2);
	assert_int_equal(wait_status(begin("--version", NULL)), 0);
	assert_true(logged("ebpf-testd " AGENT_VERSION));
	assert_int_equal(wait_status(begin("--help", NULL)), 0);
	assert_true(logged("a daemon for tests"));
}

static void it_says_when_it_is_ready_and_when_it_stops(void **state)
{
	pid_t pid = begin(NULL, NULL);
	sd_bus *bus = testbus_client();

	(void)state;
	eventually(notified("READY=1"));
	assert_true(testbus_has_owner(bus, NAME));
	assert_true(property_has(bus, "Version", "s", AGENT_VERSION));
	assert_true(property_has(bus, "About", "s", "a daemon for tests"));
	assert_true(property_has(bus, "Status", "s", "size 1024 looks"));
	assert_false(property_has(bus, "Degraded", "as", ""));
	assert_int_equal(end(pid), 0);
	eventually(notified("STOPPING=1"));
	assert_false(testbus_has_owner(bus, NAME));
	sd_bus_flush_close_unref(bus);
}

static void the_watchdog_is_fed(void **state)
{
	pid_t pid;

	(void)state;
	setenv("WATCHDOG_USEC", "100000", 1);
	pid = begin(NULL, NULL);
	unsetenv("WATCHDOG_USEC");
	eventually(notified("READY=1"));
	for (int i = 0; i < 3; i++)
		eventually(notified("WATCHDOG=1"));
	kill(pid, SIGSTOP);
	sleep_ms(60);
	forget_notifications();
	sleep_ms(250);
	assert_false(notified("WATCHDOG=1"));
	kill(pid, SIGCONT);
	assert_int_equal(end(pid), 0);
}

static unsigned looks_of(sd_bus *bus)
{
	char *s = NULL;
	unsigned n = 0;

	sd_bus_get_property_string(bus, NAME, PATH, AGENT_BUS_DAEMON, "Status", NULL, &s);
	if (s)
		sscanf(s, "size %*d looks %u", &n);
	free(s);
	return n;
}

static void it_looks_once_a_second_and_at_every_hint(void **state)
{
	pid_t pid = begin(NULL, NULL);
	sd_bus *bus = testbus_client();
	struct wire *w;
	time_t begun;
	unsigned n;

	(void)state;
	eventually(notified("READY=1"));
	n = looks_of(bus);
	assert_true(n >= 1);
	begun = time(NULL);
	sleep_ms(2500);
	n = looks_of(bus) - n;
	assert_in_range(n, 1, time(NULL) - begun + 2);
	assert_int_equal(wire_connect("testd", &w), 0);
	for (unsigned i = 0; i < 10; i++) {
		n = looks_of(bus);
		for (int k = 0; k < 80 && looks_of(bus) == n; k++) {
			wire_send(w, HINT_MANIFEST, "x");
			sleep_ms(10);
		}
		assert_true(looks_of(bus) > n);	/* within 0.8 s, ten times: no timer does that */
	}
	wire_free(w);
	sd_bus_flush_close_unref(bus);
	assert_int_equal(end(pid), 0);
}

static void there_is_one_of_each_on_a_directory(void **state)
{
	pid_t pid = begin(NULL, NULL);
	char sentence[128];

	(void)state;
	eventually(notified("READY=1"));
	assert_int_equal(wait_status(begin(NULL, NULL)), 1);
	snprintf(sentence, sizeof(sentence), "another testd runs on %s", rundir);
	assert_true(logged(sentence));
	kill(pid, SIGKILL);
	wait_status(pid);
	pid = begin(NULL, NULL);	/* a killed one is in nobody's way */
	eventually(notified("READY=1"));
	assert_int_equal(end(pid), 0);
}

static void without_its_directory_it_says_one_sentence(void **state)
{
	(void)state;
	setenv(AGENT_ENV_RUNTIME, "/nowhere/at/all", 1);
	assert_int_equal(wait_status(begin(NULL, NULL)), 1);
	setenv(AGENT_ENV_RUNTIME, rundir, 1);
	assert_true(logged("/nowhere/at/all"));
	assert_ptr_equal(strchr(text_buf, '\n'), strrchr(text_buf, '\n'));
}

static pid_t helper_pid(void)
{
	char path[128];

	testbus_path("helper", path);
	return atoi(slurp(path));
}

static void it_does_not_outlive_its_helper_nor_the_helper_it(void **state)
{
	char path[128];
	pid_t pid;

	(void)state;
	setenv("TEST_HELPER", rundir, 1);
	for (int i = 0; i < 3; i++) {
		testbus_path("helper", path);
		unlink(path);
		pid = begin(NULL, NULL);
		eventually(notified("READY=1"));
		eventually(helper_pid() > 0);
		assert_int_equal(kill(helper_pid(), 0), 0);
		if (i == 0) {
			kill(helper_pid(), SIGKILL);
			assert_int_equal(wait_status(pid), 1);
			assert_true(logged("error: test_svc was killed by signal 9"));
		} else if (i == 1) {
			assert_int_equal(end(pid), 0);
		} else {
			kill(pid, SIGKILL);
			wait_status(pid);
		}
		eventually(kill(helper_pid(), 0) < 0 && errno == ESRCH);
	}
	unsetenv("TEST_HELPER");
}

static void a_handle_that_was_left_open_fails(void **state)
{
	pid_t pid;

	(void)state;
	setenv("TEST_LEAK", "1", 1);
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);	/* the leak is on purpose */
	pid = begin(NULL, NULL);
	unsetenv("TEST_LEAK");
	unsetenv("ASAN_OPTIONS");
	eventually(notified("READY=1"));
	assert_int_equal(end(pid), 1);
	assert_true(logged("bug: a timer handle was left open"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		svc_test(check_prints_the_effective_configuration),
		svc_test(it_says_when_it_is_ready_and_when_it_stops),
		svc_test(the_watchdog_is_fed),
		svc_test(it_looks_once_a_second_and_at_every_hint),
		svc_test(there_is_one_of_each_on_a_directory),
		svc_test(without_its_directory_it_says_one_sentence),
		svc_test(it_does_not_outlive_its_helper_nor_the_helper_it),
		svc_test(a_handle_that_was_left_open_fails),
	};
	int status = testd_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, setup, teardown);
}
