/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <time.h>

#include "../abi/names.h"
#include "../common/json.h"
#include "client.h"
#include "rows.h"

struct status {
	const struct ctl_daemon *daemon;
	bool running;
	DBusMessage *reply;		/* the strings lie in it */
	const char *version, *status, *about;
	uint64_t started_at;		/* microseconds, wall time */
	char **degraded;		/* of dbus_free_string_array() */
	size_t n_degraded;
	char *error;			/* it is on the bus, and did not answer */
};

static void status_fini(struct status *s)
{
	dbus_free_string_array(s->degraded);
	free(s->error);
	if (s->reply)
		dbus_message_unref(s->reply);
}

/* Grows by one, NULL at the end: libdbus reads string arrays at once only as the argument of a message. */
static void read_degraded(DBusMessageIter *v, struct status *s)
{
	DBusMessageIter it;
	size_t room;

	if (dbus_message_iter_get_element_type(v) != DBUS_TYPE_STRING)
		return;
	room = (size_t)MAX(dbus_message_iter_get_element_count(v), 0);
	s->degraded = dbus_malloc0((room + 1) * sizeof(char *));
	if (!s->degraded)
		return;
	dbus_message_iter_recurse(v, &it);
	for (; dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_STRING && s->n_degraded < room;
	     dbus_message_iter_next(&it)) {
		const char *text;
		char *copy;

		dbus_message_iter_get_basic(&it, &text);
		copy = dbus_malloc(strlen(text) + 1);
		if (copy)
			s->degraded[s->n_degraded++] = strcpy(copy, text);
	}
}

static void read_property(const char *name, DBusMessageIter *v, struct status *s)
{
	int type = dbus_message_iter_get_arg_type(v);
	const char **str = !strcmp(name, "Version") ? &s->version : !strcmp(name, "Status") ? &s->status :
			   !strcmp(name, "About") ? &s->about : NULL;

	if (type == DBUS_TYPE_STRING && str)
		dbus_message_iter_get_basic(v, str);
	else if (type == DBUS_TYPE_UINT64 && !strcmp(name, "StartedAt"))
		dbus_message_iter_get_basic(v, &s->started_at);
	else if (type == DBUS_TYPE_ARRAY && !strcmp(name, "Degraded"))
		read_degraded(v, s);
}

static void read_properties(struct status *s)
{
	DBusMessageIter args, dict, entry, v;

	if (strcmp(dbus_message_get_signature(s->reply), "a{sv}") || !dbus_message_iter_init(s->reply, &args))
		return;
	dbus_message_iter_recurse(&args, &dict);
	for (; dbus_message_iter_get_arg_type(&dict) == DBUS_TYPE_DICT_ENTRY; dbus_message_iter_next(&dict)) {
		const char *name;

		dbus_message_iter_recurse(&dict, &entry);
		dbus_message_iter_get_basic(&entry, &name);
		dbus_message_iter_next(&entry);
		dbus_message_iter_recurse(&entry, &v);
		read_property(name, &v, s);
	}
}

static void ask(struct client *c, const struct ctl_daemon *d, struct status *s)
{
	const char *interface = AGENT_BUS_DAEMON;
	DBusMessageIter args;
	DBusMessage *m;

	*s = (struct status){ .daemon = d, .running = client_present(c, d) };
	if (!s->running)
		return;
	m = client_message(d, DBUS_INTERFACE_PROPERTIES, "GetAll");
	dbus_message_iter_init_append(m, &args);
	dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &interface);
	if (client_call(c, m, 5000, NULL, &s->reply) == 0)
		read_properties(s);
	else
		s->error = strdup(c->error);
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
	const char *state = s->error ? "silent" : !s->running ? "not running" : s->n_degraded ? "degraded" : "running";
	const char *color = ctl_paint(c, bad ? PAINT_RED : s->n_degraded ? PAINT_YELLOW : PAINT_GREEN);
	const char *text = s->error ?: s->status;
	char since[32];

	if (!text || !text[0])
		text = s->about ?: "-";
	format_time(s->started_at, since, sizeof(since));
	printf("%-10s%s%-12s%s%-9s%-21s", s->daemon->name, color, state, ctl_paint(c, PAINT_OFF), s->version ?: "-",
	       since);
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
	json_bool(j, "running", s->running);
	json_str(j, "version", s->version);
	json_u64(j, "started_at_usec", s->started_at);
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

	if (client_open(&client, c) < 0)
		return ctl_error("%s", client.error);
	json_open_array(&j, NULL);
	if (!c->json)
		printf("%s%-10s%-12s%-9s%-21s%s%s\n", ctl_paint(c, PAINT_BOLD), "DAEMON", "STATE", "VERSION", "SINCE",
		       "STATUS", ctl_paint(c, PAINT_OFF));
	for (size_t i = 0; i < CTL_N_DAEMONS; i++) {
		cleanup(status_fini) struct status s;

		ask(&client, &ctl_daemons[i], &s);
		if (c->json)
			status_json(&s, &j);
		else
			print_status(c, &s);
	}
	json_close_array(&j);
	text = json_finish(&j, NULL);
	if (c->json && text)
		puts(text);
	return CTL_DONE;
}
