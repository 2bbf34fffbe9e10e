/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dbus-daemon of a test's own, in its runtime directory. */
#ifndef EBPF_AGENT_TESTS_TESTBUS_H
#define EBPF_AGENT_TESTS_TESTBUS_H

#include <fcntl.h>
#include <grp.h>
#include <systemd/sd-bus.h>

#include "common/bus.h"
#include "common/spawn.h"
#include "rundir.h"

/* @ret has room for 100 bytes: a socket's address has. */
static inline void testbus_path(const char *name, char *ret)
{
	snprintf(ret, 100, "%s/%s", rundir, name);
}

static inline void testbus_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Its pid; the bus can be connected to. Sets $DBUS_SYSTEM_BUS_ADDRESS. */
static inline pid_t testbus_start(void)
{
	char conf[128], sock[128], arg[160], text[1024];
	char *argv[] = { "dbus-daemon", arg, "--nofork", "--nopidfile", "--nosyslog", NULL };
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);	/* it complains of its limit of files */
	struct spawn_fd fd = { null, STDERR_FILENO };
	struct spawn s = { .path = "/usr/bin/dbus-daemon", .argv = argv, .keep_caps = true, .fds = &fd, .n_fds = 1 };
	pid_t pid;

	testbus_path("bus.conf", conf);
	testbus_path("bus", sock);
	snprintf(arg, sizeof(arg), "--config-file=%s", conf);
	snprintf(text, sizeof(text),
		 "<busconfig><type>custom</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>"
		 "<policy context=\"default\">"
		 "<allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>"
		 "</policy><limit name=\"max_replies_per_connection\">10000</limit></busconfig>", sock);
	testbus_write(conf, text);
	unlink(sock);
	pid = spawn(&s);
	assert_true(pid > 0);
	close(null);
	eventually(access(sock, R_OK) == 0);
	snprintf(text, sizeof(text), "unix:path=%s", sock);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1);
	return pid;
}

static inline void testbus_end(pid_t pid)
{
	kill(pid, SIGTERM);
	wait_status(pid);
}

/* A client, connected. */
static inline sd_bus *testbus_client(void)
{
	sd_bus *bus = NULL;

	eventually(bus_connect(&bus) == 0);
	return bus;
}

static inline bool testbus_has_owner(sd_bus *bus, const char *name)
{
	sd_bus_message *m = NULL;
	int has = 0;

	if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
			       "NameHasOwner", NULL, &m, "s", name) >= 0)
		sd_bus_message_read(m, "b", &has);
	sd_bus_message_unref(m);
	return has;
}

/* Calls a method that takes options; what it answered, or the error's name. */
struct testbus_caller {
	const char *name, *path, *interface, *method;
	uid_t uid;
	gid_t group;	/* the supplementary one */
};

static inline int testbus_call_as(void *arg)
{
	struct testbus_caller *c = arg;
	sd_bus *bus = NULL;
	sd_bus_error e = SD_BUS_ERROR_NULL;

	if (c->uid && (setgroups(1, &c->group) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		       setresuid(c->uid, c->uid, c->uid) < 0))
		return 100;
	if (bus_connect(&bus) < 0)
		return 101;
	if (sd_bus_call_method(bus, c->name, c->path, c->interface, c->method, &e, NULL, "a{sv}", 0) >= 0)
		return 0;
	if (strcmp(e.name, AGENT_ERR_DENIED) == 0)
		return 1;
	fprintf(stderr, "# %s: %s\n", e.name, e.message);
	return 102;
}

#endif
