/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../abi/names.h"
#include "../common/json.h"
#include "client.h"
#include "rows.h"

#define PATIENCE_MS 3000	/* for all together: a daemon that lives answers at once */

struct status {
	const struct ctl_daemon *daemon;
	bool running;
	DBusPendingCall *pending;
	DBusMessage *reply;		/* the strings lie in it */
	const char *version, *status, *about;
	uint64_t started_at;		/* microseconds, wall time */
	uint64_t uptime;		/* seconds */
	const char **degraded;
	size_t n_degraded;
	char *error;			/* it is on the bus, and did not answer */
};

static void status_fini(struct status *s)
{
	free(s->degraded);
	free(s->error);
	if (s->reply)
		dbus_message_unref(s->reply);
	if (s->pending)
		dbus_pending_call_unref(s->pending);
}

static void read_degraded(DBusMessageIter *v, struct status *s)
{
	DBusMessageIter it;
	size_t room;

	if (dbus_message_iter_get_element_type(v) != DBUS_TYPE_STRING)
		return;
	room = (size_t)MAX(dbus_message_iter_get_element_count(v), 0);
	s->degraded = calloc(room + 1, sizeof(*s->degraded));
	dbus_message_iter_recurse(v, &it);
	for (; s->degraded && s->n_degraded < room && dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_STRING;
	     dbus_message_iter_next(&it))
		dbus_message_iter_get_basic(&it, &s->degraded[s->n_degraded++]);
}

static void read_started_at(DBusMessageIter *v, struct status *s)
{
	struct timespec now;
	uint64_t started;

	dbus_message_iter_get_basic(v, &s->started_at);
	clock_gettime(CLOCK_REALTIME, &now);
	started = s->started_at / 1000000;
	s->uptime = (uint64_t)now.tv_sec > started ? (uint64_t)now.tv_sec - started : 0;
}

static void read_property(void *arg, const char *name, DBusMessageIter *v)
{
	struct status *s = arg;
	int type = dbus_message_iter_get_arg_type(v);
	const char **str = !strcmp(name, "Version") ? &s->version : !strcmp(name, "Status") ? &s->status :
			   !strcmp(name, "About") ? &s->about : NULL;

	if (type == DBUS_TYPE_STRING && str)
		dbus_message_iter_get_basic(v, str);
	else if (type == DBUS_TYPE_UINT64 && !strcmp(name, "StartedAt"))
		read_started_at(v, s);
	else if (type == DBUS_TYPE_ARRAY && !strcmp(name, "Degraded"))
		read_degraded(v, s);
}

static void read_properties(struct status *s)
{
	DBusMessageIter args;

	if (!strcmp(dbus_message_get_signature(s->reply), "a{sv}") && dbus_message_iter_init(s->reply, &args))
		client_each_property(&args, read_property, s);
}

static void ask(struct client *c, const struct ctl_daemon *d, struct status *s)
{
	const char *interface = AGENT_BUS_DAEMON;
	cleanup(message_unrefp) DBusMessage *m = NULL;
	DBusMessageIter args;

	*s = (struct status){ .daemon = d, .running = client_present(c, d) };
	if (!s->running)
		return;
	m = client_message(d, DBUS_INTERFACE_PROPERTIES, "GetAll");
	dbus_message_iter_init_append(m, &args);
	dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &interface);
	if (!dbus_connection_send_with_reply(c->conn, m, &s->pending, DBUS_TIMEOUT_INFINITE) || !s->pending)
		s->error = strdup("the bus is gone");
}

/* One that hangs keeps nobody from hearing of the others. */
static void await(struct client *c, const struct status *all, size_t n)
{
	int64_t left, end = client_now_ms() + PATIENCE_MS;
	size_t open;

	do {
		open = 0;
		for (size_t i = 0; i < n; i++)
			open += all[i].pending && !dbus_pending_call_get_completed(all[i].pending);
		left = end - client_now_ms();
	} while (open && left > 0 && dbus_connection_read_write_dispatch(c->conn, (int)left));
}

static void take_answer(struct client *c, struct status *s)
{
	DBusError e = DBUS_ERROR_INIT;
	char text[128];

	if (!s->pending)
		return;
	if (dbus_pending_call_get_completed(s->pending)) {
		s->reply = dbus_pending_call_steal_reply(s->pending);
		if (s->reply && !dbus_set_error_from_message(&e, s->reply)) {
			read_properties(s);
			return;
		}
		/* It went while it was asked. */
		s->running = client_present(c, s->daemon);
		snprintf(text, sizeof(text), "%s", e.message ?: "no answer");
		dbus_error_free(&e);
	} else {
		dbus_pending_call_cancel(s->pending);
		snprintf(text, sizeof(text), "hangs: it is on the bus, and did not answer within %d s",
			 PATIENCE_MS / 1000);
	}
	s->error = strdup(text);
}

/* "12s", "3m 4s", "5h 6m", "7d 8h" */
static void format_uptime(const struct status *s, char *ret, size_t size)
{
	static const struct {
		uint64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0, len;

	if (!s->started_at) {
		snprintf(ret, size, "-");
		return;
	}
	while (units[i].seconds > 1 && s->uptime < units[i].seconds)
		i++;
	len = (size_t)snprintf(ret, size, "%" PRIu64 "%c", s->uptime / units[i].seconds, units[i].letter);
	if (units[i].seconds > 1 && len < size)
		snprintf(ret + len, size - len, " %" PRIu64 "%c", s->uptime % units[i].seconds / units[i + 1].seconds,
			 units[i + 1].letter);
}

static const char *state_of(const struct status *s)
{
	if (!s->running)
		return "not running";
	return s->error ? "silent" : s->n_degraded ? "degraded" : "running";
}

static void format_time(uint64_t usec, char *ret, size_t size)
{
	time_t t = (time_t)(usec / 1000000);
	struct tm tm;

	if (!usec || !localtime_r(&t, &tm) || !strftime(ret, size, "%F %T", &tm))
		snprintf(ret, size, "-");
}

static void print_status(const struct ctl *c, const struct status *s)
{
	bool bad = !s->running || s->error;
	const char *color = ctl_paint(c, bad ? PAINT_RED : s->n_degraded ? PAINT_YELLOW : PAINT_GREEN);
	const char *text = s->error ? s->error : s->running ? s->status : "nobody has its name on the bus";
	char since[32], uptime[48];

	if (!text || !text[0])
		text = s->about ?: "-";
	format_time(s->started_at, since, sizeof(since));
	format_uptime(s, uptime, sizeof(uptime));
	printf("%-10s%s%-12s%s%-9s%-21s%-8s ", s->daemon->name, color, state_of(s), ctl_paint(c, PAINT_OFF),
	       s->version ?: "-", since, uptime);
	print_plain(stdout, text);
	putchar('\n');
	for (size_t i = 0; i < s->n_degraded; i++) {
		printf("%-10s%s", "", color);
		print_plain(stdout, s->degraded[i]);
		puts(ctl_paint(c, PAINT_OFF));
	}
}

static void status_json(const struct status *s, struct json *j)
{
	json_open_object(j, NULL);
	json_str(j, "daemon", s->daemon->name);
	json_str(j, "state", state_of(s));
	json_bool(j, "running", s->running);
	json_str(j, "version", s->version);
	json_u64(j, "started_at_usec", s->started_at);
	json_u64(j, "uptime_s", s->uptime);
	json_str(j, "status", s->status);
	json_str(j, "about", s->about);
	json_open_array(j, "degraded");
	for (size_t i = 0; i < s->n_degraded; i++)
		json_str(j, NULL, s->degraded[i]);
	json_close_array(j);
	if (s->error)
		json_str(j, "error", s->error);
	json_close_object(j);
}

int verb_status(const struct ctl *c, int argc, char **argv)
{
	(void)argc, (void)argv;
	cleanup(client_close) struct client client = {};
	cleanup(json_fini) struct json j = {};
	cleanup(freep) char *text = NULL;
	struct status all[CTL_N_DAEMONS];

	if (client_open(&client, c) < 0)
		return ctl_error("%s", client.error);
	for (size_t i = 0; i < CTL_N_DAEMONS; i++)
		ask(&client, &ctl_daemons[i], &all[i]);
	await(&client, all, CTL_N_DAEMONS);
	json_open_array(&j, NULL);
	if (!c->json)
		printf("%s%-10s%-12s%-9s%-21s%-9s%s%s\n", ctl_paint(c, PAINT_BOLD), "DAEMON", "STATE", "VERSION",
		       "SINCE", "UPTIME", "STATUS", ctl_paint(c, PAINT_OFF));
	for (size_t i = 0; i < CTL_N_DAEMONS; i++) {
		take_answer(&client, &all[i]);
		if (c->json)
			status_json(&all[i], &j);
		else
			print_status(c, &all[i]);
		status_fini(&all[i]);
	}
	json_close_array(&j);
	text = json_finish(&j, NULL);
	if (c->json && text)
		puts(text);
	return CTL_DONE;
}
