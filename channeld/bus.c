/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.ebpfagent.channel1 */
#include <string.h>

#include "../abi/names.h"
#include "channeld.h"
#include "supervised_processors.h"

static int method_ledger(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct channeld *c = userdata;
	struct bus_rows rows;
	const char *program;
	int r = sd_bus_message_read(m, "s", &program);

	if (r >= 0)
		r = bus_read_options(m, NULL, NULL, error);
	if (r < 0)
		return r;
	channeld_look(c);		/* a program may have come this very moment */
	if (program[0] && !channeld_find(c, program))
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "no program '%s' is loaded", program);
	bus_rows_begin(&rows, m);
	for (const struct supervised *child = c->children; child; child = child->next)
		if (child->manifest && (!program[0] || strcmp(child->program, program) == 0))
			ledger_append(child->manifest, &rows);
	return bus_rows_send(&rows);
}

static int method_workers(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct channeld *c = userdata;
	struct bus_rows rows;
	int r = bus_read_options(m, NULL, NULL, error);

	if (r < 0)
		return r;
	bus_rows_begin(&rows, m);
	for (const struct supervised *child = c->children; child; child = child->next) {
		bus_row_begin(&rows);
		bus_row_str(&rows, "program", child->program);
		bus_row_str(&rows, "state", supervised_state(child));
		bus_row_u64(&rows, "pid", (uint64_t)child->pid);
		bus_row_u64(&rows, "restarts", child->restarts);
		bus_row_str(&rows, "last_end", child->last_end);
		bus_row_end(&rows);
	}
	return bus_rows_send(&rows);
}

static int method_processors(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct channeld *c = userdata;
	struct bus_rows rows;
	int r = bus_read_options(m, NULL, NULL, error);

	if (r < 0)
		return r;
	bus_rows_begin(&rows, m);
	for (const struct supervised *child = c->children; child; child = child->next)
		processors_append(child, &rows);
	return bus_rows_send(&rows);
}

const sd_bus_vtable channeld_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Ledger", SD_BUS_ARGS("s", program, "a{sv}", options), SD_BUS_RESULT("aa{sv}", rows),
				method_ledger, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Workers", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("aa{sv}", rows), method_workers,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Processors", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("aa{sv}", rows),
				method_processors, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
