/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "../abi/names.h"
#include "client.h"
#include "text.h"

#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"
#define LOOK_EVERY_MS 100

void client_set_error(struct client *c, const char *fmt, ...)
{
	free(c->error);
	c->error = text_of(fmt);
	c->error_name[0] = '\0';
}

/* libdbus says of a missing reply that policy, timeouts or the peer may be to blame: none of it helps, so the cases
 * that we know get words of our own. */
static void set_bus_error(struct client *c, const char *destination, const DBusError *e)
{
	const char *daemon = strrchr(destination ?: "", '.');
	const struct ctl_daemon *d = daemon ? ctl_daemon_find(daemon + 1) : NULL;
	char name[sizeof(c->error_name)];

	snprintf(name, sizeof(name), "%s", e->name ?: "");
	if (d && (!strcmp(name, DBUS_ERROR_SERVICE_UNKNOWN) || !strcmp(name, DBUS_ERROR_NAME_HAS_NO_OWNER)))
		client_set_error(c, "ebpf-%s is not running (nobody is %s on %s)", d->name, d->bus, c->address);
	else if (!strcmp(name, DBUS_ERROR_DISCONNECTED))
		client_set_error(c, "the bus is gone: the agent was stopped");
	else if (d && !strcmp(name, DBUS_ERROR_NO_REPLY))
		client_set_error(c, "ebpf-%s did not answer: it died, or takes too long", d->name);
	else
		client_set_error(c, "%s", e->message && e->message[0] ? e->message : name);
	snprintf(c->error_name, sizeof(c->error_name), "%s", name);
}

static char *bus_address(const struct ctl *ctl)
{
	const char *env = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	const char *a = ctl->bus ?: env && env[0] ? env : SYSTEM_BUS;

	/* A plain path is what people type. */
	return text_printf("%s%s", a[0] == '/' ? "unix:path=" : "", a);
}

int client_open(struct client *c, const struct ctl *ctl)
{
	DBusError e = DBUS_ERROR_INIT;

	*c = (struct client){ .address = bus_address(ctl) };
	c->conn = dbus_connection_open_private(c->address, &e);
	if (c->conn)
		dbus_connection_set_exit_on_disconnect(c->conn, false);
	if (!c->conn || !dbus_bus_register(c->conn, &e)) {
		/* A bus that does not want us hangs up without a word. */
		if (c->conn && (dbus_error_has_name(&e, DBUS_ERROR_NO_REPLY) ||
				dbus_error_has_name(&e, DBUS_ERROR_DISCONNECTED)))
			client_set_error(c,
					 "the bus at %s refuses us: it takes only users that have a name (uid %u)",
					 c->address, geteuid());
		else
			client_set_error(c, "no bus at %s: %s (is the agent running? `ebpfctl run` prints its address)",
				  c->address, e.message ?: "no answer");
		dbus_error_free(&e);
		return -ENOTCONN;
	}
	return 0;
}

void client_close(struct client *c)
{
	if (c->conn) {
		dbus_connection_close(c->conn);
		dbus_connection_unref(c->conn);
	}
	free(c->address);
	free(c->error);
	*c = (struct client){};
}

DBusMessage *client_message(const struct ctl_daemon *d, const char *interface, const char *member)
{
	DBusMessage *m = dbus_message_new_method_call(d->bus, d->path, interface ?: d->bus, member);

	if (!m)
		abort();
	dbus_message_set_auto_start(m, false);
	return m;
}

void client_options(DBusMessageIter *args, const struct client_option *options, size_t n)
{
	DBusMessageIter dict, entry, variant;

	dbus_message_iter_open_container(args, DBUS_TYPE_ARRAY, "{sv}", &dict);
	for (size_t i = 0; i < n; i++) {
		const struct client_option *o = &options[i];
		dbus_bool_t flag = true;

		if (!o->flag && !o->number)
			continue;
		dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
		dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &o->name);
		dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, o->flag ? "b" : "t", &variant);
		dbus_message_iter_append_basic(&variant, o->flag ? DBUS_TYPE_BOOLEAN : DBUS_TYPE_UINT64,
					       o->flag ? (const void *)&flag : &o->number);
		dbus_message_iter_close_container(&entry, &variant);
		dbus_message_iter_close_container(&dict, &entry);
	}
	dbus_message_iter_close_container(args, &dict);
}

int64_t client_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool goes_on(const struct client *c, const struct client_watch *watch)
{
	return watch ? watch->look(watch->arg) : !(c->stop && *c->stop);
}

static DBusMessage *send_and_wait(struct client *c, DBusMessage *m, int timeout_ms, const struct client_watch *watch,
				  bool *ret_left)
{
	int64_t until = client_now_ms() + timeout_ms;
	DBusPendingCall *p = NULL;
	DBusMessage *reply = NULL;

	if (!dbus_connection_send_with_reply(c->conn, m, &p, timeout_ms) || !p)
		return NULL;
	/* The time is ours to keep: libdbus looks at its timeouts only in a main loop. */
	while (!dbus_pending_call_get_completed(p) && client_now_ms() < until && !(*ret_left = !goes_on(c, watch)))
		if (!dbus_connection_read_write_dispatch(c->conn, LOOK_EVERY_MS))
			break;
	if (dbus_pending_call_get_completed(p))
		reply = dbus_pending_call_steal_reply(p);
	else
		dbus_pending_call_cancel(p);
	dbus_pending_call_unref(p);
	return reply;
}

int client_call(struct client *c, DBusMessage *m, int timeout_ms, const struct client_watch *watch, DBusMessage **ret)
{
	cleanup(message_unrefp) DBusMessage *call = m, *reply = NULL;
	DBusError e = DBUS_ERROR_INIT;
	bool left = false;

	reply = send_and_wait(c, call, timeout_ms, watch, &left);
	if (!reply && left) {
		client_set_error(c, "interrupted");
		return -EINTR;
	}
	if (!reply && dbus_connection_get_is_connected(c->conn))
		dbus_set_error_const(&e, DBUS_ERROR_NO_REPLY, "no answer in time");
	else if (!reply)
		dbus_set_error_const(&e, DBUS_ERROR_DISCONNECTED, "the bus is gone");
	if (!reply || dbus_set_error_from_message(&e, reply)) {
		set_bus_error(c, dbus_message_get_destination(call), &e);
		dbus_error_free(&e);
		return -EREMOTEIO;
	}
	*ret = take(reply);
	return 0;
}

int client_ask_within(struct client *c, const struct ctl_daemon *d, const char *member, const char *program,
		      int timeout_ms, DBusMessage **ret)
{
	DBusMessage *m = client_message(d, NULL, member);
	DBusMessageIter args;

	dbus_message_iter_init_append(m, &args);
	if (program && !dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &program)) {
		dbus_message_unref(m);
		client_set_error(c, "not enough memory");
		return -EREMOTEIO;
	}
	client_options(&args, NULL, 0);
	return client_call(c, m, timeout_ms, NULL, ret);
}

int client_ask(struct client *c, const struct ctl_daemon *d, const char *member, const char *program,
	       DBusMessage **ret)
{
	return client_ask_within(c, d, member, program, CLIENT_TIMEOUT_MS, ret);
}

bool client_present(struct client *c, const struct ctl_daemon *d)
{
	return dbus_bus_name_has_owner(c->conn, d->bus, NULL);
}

static volatile sig_atomic_t told_to_stop;

static void on_signal(int signal)
{
	(void)signal;
	if (told_to_stop < 2)
		told_to_stop++;
}

const volatile sig_atomic_t *client_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };	/* no SA_RESTART: read() returns */

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	return &told_to_stop;
}

void client_each_property(DBusMessageIter *at, void (*each)(void *arg, const char *name, DBusMessageIter *value),
			  void *arg)
{
	DBusMessageIter dict, entry, value;

	dbus_message_iter_recurse(at, &dict);
	for (; dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY; dbus_message_iter_next(&dict)) {
		const char *name;

		dbus_message_iter_recurse(&dict, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &value);
		each(arg, name, &value);
	}
}

void message_unrefp(DBusMessage **m)
{
	if (*m)
		dbus_message_unref(*m);
}
