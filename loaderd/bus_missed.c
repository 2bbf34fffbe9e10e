/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Missed: loaderd's part of the ledger. It alone may open the pins of progs and links. */
#include <errno.h>
#include <string.h>

#include "../common/pins.h"
#include "bus_methods.h"
#include "missed.h"

static void add_prog(struct bus_rows *r, const struct entry *e, const struct manifest_item *i,
		     const struct manifest_prog *p)
{
	cleanup(closep) int prog = pin_get(e->name, i->name, PIN_PROG, p->name);
	cleanup(closep) int link = pin_get(e->name, i->name, PIN_LINK, p->name);
	uint64_t missed;
	int err = prog < 0 ? prog : missed_read(prog, link, &missed);

	bus_row_begin(r);
	bus_row_str(r, "kind", "prog");
	bus_row_str(r, "program", e->name);
	bus_row_str(r, "item", i->name);
	bus_row_str(r, "prog", p->name);
	if (err < 0)
		bus_row_str(r, "missed", "unknown");
	else
		bus_row_u64(r, "missed", missed);
	bus_row_end(r);
}

static void add_progs(struct bus_rows *r, const struct entry *e)
{
	const struct manifest_item *items = e->manifest ? e->manifest->items.items : NULL;

	for (size_t i = 0; items && i < e->manifest->items.n; i++) {
		const struct manifest_prog *progs = items[i].progs.items;

		for (size_t k = 0; k < items[i].progs.n; k++)
			if (!strcmp(progs[k].state, "attached"))
				add_prog(r, e, &items[i], &progs[k]);
	}
}

int method_missed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct bus_rows r = { 0 };
	const char *program;
	int err = sd_bus_message_read(m, "s", &program);

	if (err >= 0)
		err = bus_read_options(m, NULL, NULL, error);
	if (err < 0)
		return err;
	if (program[0] && !entry_find(d, program))
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "no program '%s' is loaded", program);
	bus_rows_begin(&r, m);
	for (const struct entry *e = d->entries; e; e = e->next)
		if (!program[0] || !strcmp(e->name, program))
			add_progs(&r, e);
	return bus_rows_send(&r);
}
