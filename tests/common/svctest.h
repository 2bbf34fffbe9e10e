/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a test of testd does with it: configures, starts and ends it, and listens to what it says. */
#ifndef EBPF_AGENT_TESTS_SVCTEST_H
#define EBPF_AGENT_TESTS_SVCTEST_H

#include <sys/socket.h>
#include <sys/un.h>

#include "testd.h"

static char etc[128], log_file[128], text_buf[8192];
static pid_t dbus, daemon_pid;	/* 0: none runs */
static int notify = -1;

static inline const char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text_buf, 1, sizeof(text_buf) - 1, f) : 0;

	text_buf[n] = '\0';
	if (f)
		fclose(f);
	return text_buf;
}

static inline void configure(const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/testd.yaml", etc);
	testbus_write(path, text);
}

/* Starts the daemon with up to two arguments; its output goes to a file. */
static inline pid_t begin(const char *a, const char *b)
{
	char *self = realpath("/proc/self/exe", NULL), *argv[] = { "testd", (char *)a, a ? (char *)b : NULL, NULL };
	int out = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	struct spawn_fd fds[] = { { out, STDOUT_FILENO }, { out, STDERR_FILENO } };
	struct spawn s = { .path = self, .argv = argv, .fds = fds, .n_fds = 2, .keep_caps = true };
	pid_t pid = spawn(&s);

	assert_true(pid > 0);
	close(out);
	free(self);
	return daemon_pid = pid;
}

static inline bool logged(const char *what)
{
	return strstr(slurp(log_file), what) != NULL;
}

static inline int end(pid_t pid)
{
	kill(pid, SIGTERM);
	return wait_status(pid);
}

/* The next notification that contains @what; those before it are dropped. */
static inline bool notified(const char *what)
{
	char text[1024];
	ssize_t n = recv(notify, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[MAX(n, (ssize_t)0)] = '\0';
	return n > 0 && strstr(text, what);
}

static inline void forget_notifications(void)
{
	char text[1024];

	while (recv(notify, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
}

static inline bool property_has(sd_bus *bus, const char *property, const char *type, const char *what)
{
	sd_bus_message *m = NULL;
	const char *value = "";
	bool has = false;

	if (sd_bus_get_property(bus, NAME, PATH, AGENT_BUS_DAEMON, property, NULL, &m, type) < 0)
		return false;
	if (*type == 'a')
		sd_bus_message_enter_container(m, 'a', "s");
	while (sd_bus_message_read(m, "s", &value) > 0)
		has |= strstr(value, what) != NULL;
	sd_bus_message_unref(m);
	return has;
}

static inline int reload_by_bus(sd_bus *bus, sd_bus_error *e)
{
	return sd_bus_call_method(bus, NAME, PATH, AGENT_BUS_DAEMON, "Reload", e, NULL, "a{sv}", 0);
}

/* A test that failed left its daemon behind. */
static inline int after_each(void **state)
{
	(void)state;
	if (daemon_pid && waitpid(daemon_pid, NULL, WNOHANG) == 0) {
		fprintf(stderr, "%s", slurp(log_file));
		kill(daemon_pid, SIGKILL);
		wait_status(daemon_pid);
	}
	daemon_pid = 0;
	return 0;
}

static inline int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (rundir_make(state) < 0)
		return -1;
	testbus_path("etc", etc);
	testbus_path("log.txt", log_file);
	mkdir(etc, 0755);
	setenv(AGENT_ENV_CONFIG, etc, 1);
	dbus = testbus_start();
	testbus_path("notify", a.sun_path);
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(notify, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -1;
	return setenv("NOTIFY_SOCKET", a.sun_path, 1);
}

static inline int teardown(void **state)
{
	close(notify);
	testbus_end(dbus);
	return rundir_drop(state);
}

static inline int before_each(void **state)
{
	(void)state;
	configure("");
	forget_notifications();
	return 0;
}

#define svc_test(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)

#endif
