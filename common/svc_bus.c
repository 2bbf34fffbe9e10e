/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon on the bus: its name, the interface that all daemons serve, and coming back after the bus was away. */
#include <errno.h>
#include <string.h>

#include "svc_private.h"
#include "../abi/names.h"

/* ---- org.ebpfagent.daemon1 ----------------------------------------------------------------------------------- */

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct svc *s = userdata;
	cleanup(diag_fini) struct diag d = { 0 };
	int err = bus_check_may_change(m, error);

	if (err >= 0)
		err = bus_read_options(m, NULL, NULL, error);
	if (err < 0)
		return err;
	err = svc_reload(s, &d);
	if (err < 0)
		return bus_fail(error, AGENT_ERR_INVALID, "%s", d.error[0] ? d.error : strerror(-err));
	return sd_bus_reply_method_return(m, NULL);
}

static int config_option(sd_bus_message *m, const char *key, const char *type, void *arg, sd_bus_error *error)
{
	int err, *json = arg;

	(void)error;
	if (strcmp(key, "json") || strcmp(type, "b"))
		return 0;
	err = sd_bus_message_read(m, "v", "b", json);
	return err < 0 ? err : 1;
}

static int method_get_config(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct svc *s = userdata;
	cleanup(freep) char *text = NULL;
	int json = 0, err = bus_read_options(m, config_option, &json, error);
	size_t len;
	FILE *f;

	if (err < 0)
		return err;
	f = open_memstream(&text, &len);
	if (!f)
		return -ENOMEM;
	err = svc_config_print(s, json, f);
	if (fclose(f) != 0 || err < 0)
		return -ENOMEM;
	return sd_bus_reply_method_return(m, "s", text);
}

static int property_text(sd_bus *bus, const char *path, const char *interface, const char *property,
			 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct svc *s = userdata;
	const char *text = strcmp(property, "Version") == 0 ? AGENT_VERSION :
			   strcmp(property, "Status") == 0  ? s->text :
							      s->def->about;

	(void)bus, (void)path, (void)interface, (void)error;
	return sd_bus_message_append(reply, "s", text ?: "");
}

static int property_started_at(sd_bus *bus, const char *path, const char *interface, const char *property,
			       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct svc *s = userdata;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "t", s->started_at);
}

static int property_degraded(sd_bus *bus, const char *path, const char *interface, const char *property,
			     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct svc *s = userdata;
	int err = sd_bus_message_open_container(reply, 'a', "s");

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	for (struct svc_trouble *t = s->troubles; t && err >= 0; t = t->next) {
		cleanup(freep) char *line = NULL;

		if (asprintf(&line, "%s: %s", t->key, t->text) < 0)
			return -ENOMEM;
		err = sd_bus_message_append(reply, "s", line);
	}
	return err < 0 ? err : sd_bus_message_close_container(reply);
}

static const sd_bus_vtable daemon_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_reload,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetConfig", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", yaml), method_get_config,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Version", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("About", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("StartedAt", "t", property_started_at, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Degraded", "as", property_degraded, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Status", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

void svc_bus_changed(struct svc *s, const char *property)
{
	if (s->bus)
		(void)sd_bus_emit_properties_changed(s->bus, s->bus_path, AGENT_BUS_DAEMON, property, NULL);
}

/* ---- the connection ------------------------------------------------------------------------------------------ */

static void disconnect(struct svc *s)
{
	s->bus = s->connecting = NULL;
	bus_loop_free(take(s->bus_loop));
}

static void fail_connecting(struct svc *s, int err, const char *what)
{
	disconnect(s);
	svc_degraded(s, "bus", "%s: %s; trying again every second", what, strerror(-err));
}

static void on_closed(void *arg)
{
	struct svc *s = arg;
	bool was_there = s->bus;

	if (s->stopping)
		return;
	fail_connecting(s, -ECONNRESET, "the bus is gone");
	if (was_there)		/* maybe only this connection is: whoever asks meanwhile is told that nobody is there */
		svc_tick_soon(s);
}

/* org.freedesktop.DBus.RequestName: 1 is the owner, 4 was it already. */
static int on_named(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct svc *s = userdata;
	uint32_t answer = 0;

	(void)error;
	if (s->stopping)
		return 0;
	if (sd_bus_message_is_method_error(m, NULL)) {
		log_debug("RequestName: %s", sd_bus_message_get_error(m)->message);
		fail_connecting(s, -EACCES, s->bus_name);
		return 0;
	}
	if (sd_bus_message_read(m, "u", &answer) < 0 || (answer != 1 && answer != 4)) {
		fail_connecting(s, -EEXIST, s->bus_name);
		return 0;
	}
	s->bus = take(s->connecting);
	svc_degraded(s, "bus", NULL);
	if (s->def->named)
		s->def->named(s->self);
	svc_ready(s);
	return 0;
}

static int offer(struct svc *s, sd_bus *bus)
{
	int err = sd_bus_add_object_vtable(bus, NULL, s->bus_path, AGENT_BUS_DAEMON, daemon_methods, s);

	if (err >= 0 && s->def->methods)
		err = sd_bus_add_object_vtable(bus, NULL, s->bus_path, s->bus_name, s->def->methods, s->self);
	if (err >= 0 && s->def->offer)
		err = s->def->offer(s->self, bus);
	if (err >= 0)
		err = sd_bus_request_name_async(bus, NULL, s->bus_name, 0, on_named, s);
	return err;
}

void svc_bus_try(struct svc *s)
{
	sd_bus *bus = NULL;
	int err;

	if (s->bus || s->connecting)
		return;
	err = bus_connect(&bus);
	if (err < 0) {
		fail_connecting(s, err, "cannot connect");
		return;
	}
	err = bus_loop_new(&s->loop, bus, on_closed, s, &s->bus_loop);
	if (err < 0) {
		sd_bus_unref(bus);
		fail_connecting(s, err, "cannot watch the bus");
		return;
	}
	s->connecting = bus;
	err = offer(s, bus);
	if (err < 0)
		fail_connecting(s, err, s->bus_name);
}

void svc_bus_close(struct svc *s)
{
	disconnect(s);
}
