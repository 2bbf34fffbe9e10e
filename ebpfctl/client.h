/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A blocking D-Bus client, by libdbus-1: the control plane is used through another D-Bus implementation than the one
 * that serves it. */
#ifndef EBPF_AGENT_CLIENT_H
#define EBPF_AGENT_CLIENT_H

#include <dbus/dbus.h>
#include <signal.h>

#include "ctl.h"

#define CLIENT_TIMEOUT_MS 30000		/* for questions; loading and unloading take longer */

struct client {
	DBusConnection *conn;
	char *address;
	char *error;		/* what went wrong last, for the user; a verifier's words make it several lines */
	char error_name[128];	/* its D-Bus name, "" if it did not come over D-Bus */
	const volatile sig_atomic_t *stop;	/* of client_catch_signals(); NULL: nothing interrupts a call */
};

/* Connects to --bus, $DBUS_SYSTEM_BUS_ADDRESS or the system bus. 0, -ENOTCONN (see c->error). */
int client_open(struct client *c, const struct ctl *ctl);
/* Accepts a zeroed one. */
void client_close(struct client *c);

/* A call of @member of the daemon's own interface, or of @interface if not NULL. Never NULL: out of memory aborts. */
DBusMessage *client_message(const struct ctl_daemon *d, const char *interface, const char *member);
/* The last argument of every method: a{sv}; here with booleans and numbers that are not zero. */
struct client_option {
	const char *name;
	bool flag;
	uint64_t number;
};
void client_options(DBusMessageIter *args, const struct client_option *options, size_t n);

/* Called about ten times a second while a reply is waited for. False: it is waited for no more. */
struct client_watch {
	bool (*look)(void *arg);
	void *arg;
};

/* Sends @m (taken) and waits for the reply, to be unreferenced by the caller. @watch: says how long; NULL: until
 * c->stop is set. 0; -EREMOTEIO: refused, or nobody there; -EINTR: waited no more; both are said in c->error. */
int client_call(struct client *c, DBusMessage *m, int timeout_ms, const struct client_watch *watch, DBusMessage **ret);
/* The same for a method that takes only a program's name ("" for all; NULL: no such argument) and options; by default
 * within CLIENT_TIMEOUT_MS. */
int client_ask(struct client *c, const struct ctl_daemon *d, const char *member, const char *program,
	       DBusMessage **ret);
int client_ask_within(struct client *c, const struct ctl_daemon *d, const char *member, const char *program,
		      int timeout_ms, DBusMessage **ret);

/* Is that daemon on the bus? */
bool client_present(struct client *c, const struct ctl_daemon *d);

/* From here on SIGINT and SIGTERM do not kill; what is returned counts them, for client.stop. */
const volatile sig_atomic_t *client_catch_signals(void);

/* @each for every entry of the a{sv} at @at. */
void client_each_property(DBusMessageIter *at, void (*each)(void *arg, const char *name, DBusMessageIter *value),
			  void *arg);

/* c->error, which then did not come over D-Bus. */
void client_set_error(struct client *c, const char *fmt, ...) printf_like(2, 3);
/* CLOCK_MONOTONIC. */
int64_t client_now_ms(void);
/* For cleanup(). */
void message_unrefp(DBusMessage **m);

#endif
