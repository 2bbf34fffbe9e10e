/* SPDX-License-Identifier: GPL-2.0-or-later */
/* List, Show: what is loaded. */
#include <errno.h>
#include <string.h>

#include "bus_methods.h"

static void add_row(struct bus_rows *r, const struct entry *e)
{
	const struct manifest *m = e->manifest;
	const char *degraded = e->refused ? e->refused : m && m->degraded.n ? m->degraded.s[0] : "";

	bus_row_begin(r);
	bus_row_str(r, "program", e->name);
	bus_row_str(r, "state", bus_program_state(e));
	bus_row_u64(r, "generation", m ? m->generation : 0);
	bus_row_u64(r, "items", m ? m->items.n : 0);
	bus_row_u64(r, "channels", m ? m->channels.n : 0);
	bus_row_u64(r, "degraded", m ? m->degraded.n + !!e->refused : 0);
	bus_row_strf(r, "degraded_text", "%.*s", (int)strcspn(degraded, "\n"), degraded);	/* all of it: Show */
	bus_row_str(r, "loaded_at", m && m->loaded_at ? m->loaded_at : "");
	bus_row_str(r, "file", m && m->file ? m->file : "");
	bus_row_end(r);
}

int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct bus_rows r = { 0 };
	int err = bus_read_options(m, NULL, NULL, error);

	if (err < 0)
		return err;
	bus_rows_begin(&r, m);
	for (const struct entry *e = d->entries; e; e = e->next)
		add_row(&r, e);
	return bus_rows_send(&r);
}

int method_show(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	cleanup(freep) char *json = NULL;
	const struct entry *e;
	const char *program;
	int err = sd_bus_message_read(m, "s", &program);

	if (err >= 0)
		err = bus_read_options(m, NULL, NULL, error);
	if (err < 0)
		return err;
	e = entry_find(d, program);
	if (!e)
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "no program '%s' is loaded", program);
	if (!e->manifest)
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "%s is still being loaded", program);
	json = manifest_format(e->manifest);
	return json ? sd_bus_reply_method_return(m, "s", json) : -ENOMEM;
}
