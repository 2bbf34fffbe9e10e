/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing is asked and nothing said of a job that ends soon. */
#include <string.h>
#include <sys/ioctl.h>

#include "../abi/names.h"
#include "job.h"
#include "rows.h"
#include "text.h"

#define SHOW_AFTER_MS          1000
#define SHOW_AFTER_ON_LINE_MS   300
#define LINE_EVERY_MS          1000	/* a log shall not be full of it */

#define MATCH                                                                                    \
	"type='signal',sender='" AGENT_BUS_LOADER "',interface='" DBUS_INTERFACE_PROPERTIES      \
	"',member='PropertiesChanged',path_namespace='" AGENT_BUS_PATH "/loader1/job'"

/* ---- what is told ----------------------------------------------------------------------------------------------- */

static void take_property(void *arg, const char *name, DBusMessageIter *v)
{
	struct job_progress *p = arg;
	int type = dbus_message_iter_get_arg_type(v);
	const char *text;

	if (!strcmp(name, "Phase") && type == DBUS_TYPE_STRING) {
		dbus_message_iter_get_basic(v, &text);
		snprintf(p->phase, sizeof(p->phase), "%s", text);
		p->changed = true;
	} else if (!strcmp(name, "Progress") && type == DBUS_TYPE_UINT32) {
		dbus_message_iter_get_basic(v, &p->percent);
		p->changed = true;
	}
}

static DBusHandlerResult on_message(DBusConnection *conn, DBusMessage *m, void *arg)
{
	struct job_progress *p = arg;
	DBusMessageIter args;

	(void)conn;
	if (!dbus_message_is_signal(m, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged") ||
	    !dbus_message_has_path(m, p->path) || !dbus_message_has_sender(m, p->loaderd) ||
	    !dbus_message_has_signature(m, "sa{sv}as") || !dbus_message_iter_init(m, &args))
		return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
	dbus_message_iter_next(&args);
	client_each_property(&args, take_property, p);
	return DBUS_HANDLER_RESULT_HANDLED;
}

/* Listens first, then asks: nothing is missed between the two. */
static void follow(struct job_progress *p)
{
	const char *interface = AGENT_BUS_LOADER_JOB;
	cleanup(message_unrefp) DBusMessage *m = NULL, *reply = NULL;
	DBusMessageIter args;

	p->follows = true;
	if (!dbus_connection_add_filter(p->c->conn, on_message, p, NULL))
		return;
	dbus_bus_add_match(p->c->conn, MATCH, NULL);
	m = client_message(ctl_daemon_find("loaderd"), DBUS_INTERFACE_PROPERTIES, "GetAll");
	if (!dbus_message_set_path(m, p->path) ||
	    !dbus_message_append_args(m, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID))
		return;
	reply = dbus_connection_send_with_reply_and_block(p->c->conn, m, SHOW_AFTER_MS, NULL);
	if (reply && dbus_message_has_signature(reply, "a{sv}") && dbus_message_iter_init(reply, &args))
		client_each_property(&args, take_property, p);
}

/* ---- what is said ----------------------------------------------------------------------------------------------- */

static void say_json(const struct job_progress *p)
{
	struct json j = { 0 };
	cleanup(freep) char *text = NULL;

	json_open_object(&j, NULL);
	json_str(&j, "job", p->path);
	json_str(&j, "phase", p->phase);
	json_u64(&j, "progress", p->percent);
	json_close_object(&j);
	text = json_finish(&j, NULL);
	if (text)
		fprintf(stderr, "%s\n", text);
	json_fini(&j);
}

/* In one piece: daemons of a run write to the same place. */
static void say_plain(const char *before, const char *text, const char *after)
{
	cleanup(freep) char *whole = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&whole, &len);

	if (!f)
		return;
	fputs(before, f);
	print_plain(f, text);
	fputs(after, f);
	if (fclose(f) == 0)
		fwrite(whole, 1, len, stderr);
}

/* Cut to the terminal's width: a line that wraps could not be written over. */
static void say_on_line(struct job_progress *p, char *text)
{
	struct winsize w = { 0 };
	size_t columns = ioctl(2, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;

	if (strlen(text) >= columns) {
		size_t end = columns - 1;

		while (end > 0 && (text[end] & 0xc0) == 0x80)	/* not amid a character */
			end--;
		text[end] = '\0';
	}
	say_plain("\r\033[K", text, "");
	p->on_line = true;
}

static void say(struct job_progress *p)
{
	cleanup(freep) char *text = NULL;

	if (p->ctl->json) {
		say_json(p);
		return;
	}
	text = text_printf("%s: %s (%u %%)", p->doing, p->phase, p->percent);
	if (isatty(2))
		say_on_line(p, text);
	else
		say_plain("ebpfctl: ", text, "\n");
}

void job_progress_look(struct job_progress *p)
{
	int64_t now = client_now_ms();
	bool line = isatty(2) && !p->ctl->json;

	if (now < p->begun_ms + (line ? SHOW_AFTER_ON_LINE_MS : SHOW_AFTER_MS))
		return;
	if (!p->follows)
		follow(p);
	if (!p->changed || (!line && p->shown_ms && now < p->shown_ms + LINE_EVERY_MS))
		return;
	p->changed = false;
	p->shown_ms = now;
	say(p);
}

void job_progress_end(struct job_progress *p)
{
	if (p->follows)
		dbus_connection_remove_filter(p->c->conn, on_message, p);
	if (p->follows)
		dbus_bus_remove_match(p->c->conn, MATCH, NULL);
	if (p->on_line)
		fputs("\r\033[K", stderr);
}
