/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.ebpfagent.loader1.Program: every program that loaderd knows of, also while it is being loaded. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "bus_methods.h"

#define PREFIX AGENT_BUS_PATH "/loader1/program"

/* ---- properties ------------------------------------------------------------------------------------------------- */

const char *bus_program_state(const struct entry *e)
{
	return e->refused ? "degraded" : entry_state_names[e->state];
}

static int property_text(sd_bus *bus, const char *path, const char *interface, const char *property,
			 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct entry *e = userdata;
	const struct manifest *m = e->manifest;
	const char *text = !strcmp(property, "Name")	      ? e->name :
			   !strcmp(property, "State")	      ? bus_program_state(e) :
			   !strcmp(property, "File")	      ? m ? m->file : NULL :
			   !strcmp(property, "Description") ? m ? m->description : NULL :
							      NULL;

	(void)bus, (void)path, (void)interface, (void)error;
	return bus_append_text(reply, text);
}

static uint64_t usec_of(const char *rfc3339)
{
	struct tm tm = { 0 };

	return rfc3339 && strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) * 1000000ULL : 0;
}

static int property_number(sd_bus *bus, const char *path, const char *interface, const char *property,
			   sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct manifest *m = ((const struct entry *)userdata)->manifest;
	uint64_t n = !m ? 0 : strcmp(property, "Generation") ? usec_of(m->loaded_at) : m->generation;

	(void)bus, (void)path, (void)interface, (void)error;
	return sd_bus_message_append(reply, "t", n);
}

static int append_each(sd_bus_message *m, const struct conf_strs *s)
{
	int err = 0;

	for (size_t k = 0; k < s->n && err >= 0; k++)
		err = bus_append_text(m, s->s[k]);
	return err;
}

static int property_texts(sd_bus *bus, const char *path, const char *interface, const char *property,
			  sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct entry *e = userdata;
	const struct manifest *m = e->manifest;
	bool degraded = !strcmp(property, "Degraded");
	int err = sd_bus_message_open_container(reply, 'a', "s");

	(void)bus, (void)path, (void)interface, (void)error;
	if (err >= 0 && degraded && e->refused)
		err = bus_append_text(reply, e->refused);
	if (err >= 0 && m)
		err = append_each(reply, degraded ? &m->degraded : &m->warnings);
	return err < 0 ? err : sd_bus_message_close_container(reply);
}

static int property_names(sd_bus *bus, const char *path, const char *interface, const char *property,
			  sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct manifest *m = ((const struct entry *)userdata)->manifest;
	const struct manifest_item *items = m ? m->items.items : NULL;
	const struct manifest_channel *channels = m ? m->channels.items : NULL;
	bool of_items = !strcmp(property, "Items");
	size_t n = !m ? 0 : of_items ? m->items.n : m->channels.n;
	int err = sd_bus_message_open_container(reply, 'a', "s");

	(void)bus, (void)path, (void)interface, (void)error;
	for (size_t k = 0; k < n && err >= 0; k++)
		err = bus_append_text(reply, of_items ? items[k].name : channels[k].name);
	return err < 0 ? err : sd_bus_message_close_container(reply);
}

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
static const sd_bus_vtable program_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Name", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("State", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("Generation", "t", property_number, 0, CHANGES),
	SD_BUS_PROPERTY("LoadedAt", "t", property_number, 0, CHANGES),
	SD_BUS_PROPERTY("File", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("Description", "s", property_text, 0, CHANGES),
	SD_BUS_PROPERTY("Items", "as", property_names, 0, CHANGES),
	SD_BUS_PROPERTY("Channels", "as", property_names, 0, CHANGES),
	SD_BUS_PROPERTY("Degraded", "as", property_texts, 0, CHANGES),
	SD_BUS_PROPERTY("Warnings", "as", property_texts, 0, CHANGES),
	SD_BUS_VTABLE_END,
};

/* ---- objects ---------------------------------------------------------------------------------------------------- */

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret, sd_bus_error *error)
{
	cleanup(freep) char *name = NULL;
	int err = sd_bus_path_decode(path, PREFIX, &name);

	(void)bus, (void)interface, (void)error;
	if (err <= 0)
		return err;
	*ret = entry_find(userdata, name);
	return *ret != NULL;
}

static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	size_t n = 0, room = 1;
	char **paths;

	(void)bus, (void)prefix, (void)error;
	for (const struct entry *e = d->entries; e; e = e->next)
		room++;
	paths = calloc(room, sizeof(*paths));
	for (const struct entry *e = d->entries; e && paths; e = e->next)
		n += sd_bus_path_encode(PREFIX, e->name, &paths[n]) >= 0;
	*ret = paths;
	return paths ? 0 : -ENOMEM;
}

int bus_program_offer(struct loaderd *d, sd_bus *bus)
{
	int err = sd_bus_add_fallback_vtable(bus, NULL, PREFIX, AGENT_BUS_LOADER_PROGRAM, program_vtable, find, d);

	return err < 0 ? err : sd_bus_add_node_enumerator(bus, NULL, PREFIX, enumerate, d);
}

/* NULL: nobody can hear it. At stop programs stay as they are: who follows them sees the daemon's name go. */
static sd_bus *bus_and_path(const struct entry *e, char **ret_path)
{
	sd_bus *bus = e->d->stopping ? NULL : svc_bus(e->d->svc);

	return bus && sd_bus_path_encode(PREFIX, e->name, ret_path) >= 0 ? bus : NULL;
}

void bus_program_added(const struct entry *e)
{
	cleanup(freep) char *path = NULL;
	sd_bus *bus = bus_and_path(e, &path);

	if (bus)
		(void)sd_bus_emit_object_added(bus, path);
}

void bus_program_changed(const struct entry *e, bool all)
{
	cleanup(freep) char *path = NULL;
	sd_bus *bus = bus_and_path(e, &path);

	if (bus && all)
		(void)sd_bus_emit_properties_changed(bus, path, AGENT_BUS_LOADER_PROGRAM, "State", "Generation",
						     "LoadedAt", "File", "Description", "Items", "Channels", "Degraded",
						     "Warnings", NULL);
	else if (bus)
		(void)sd_bus_emit_properties_changed(bus, path, AGENT_BUS_LOADER_PROGRAM, "State", NULL);
}

void bus_program_removed(const struct entry *e)
{
	cleanup(freep) char *path = NULL;
	sd_bus *bus = bus_and_path(e, &path);

	if (bus)
		(void)sd_bus_emit_object_removed(bus, path);
}

void bus_program_announce_all(struct loaderd *d)
{
	for (const struct entry *e = d->entries; e; e = e->next)
		bus_program_added(e);
}
