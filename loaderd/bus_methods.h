/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loaderd on D-Bus: bus.c has the table, bus_<what>.c what is behind it. What takes time is answered at once, with the
 * path of a job (bus_job.h), after everything was refused that can be refused at once. */
#ifndef EBPF_AGENT_LOADERD_BUS_H
#define EBPF_AGENT_LOADERD_BUS_H

#include "../common/bus.h"
#include "loaderd.h"

/* bus_load.c, bus_unload.c, bus_list.c, bus_missed.c; @userdata: loaderd. Who may change things is checked in each. */
int method_load(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_load_text(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_unload(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_unload_all(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_show(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_missed(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus_unload.c: jobs that wait for a drain tell how far it is. */
void bus_unload_look(struct loaderd *d);

/* bus_program.c: called by entry.c alone. */
int bus_program_offer(struct loaderd *d, sd_bus *bus);
void bus_program_announce_all(struct loaderd *d);
void bus_program_added(const struct entry *e);
void bus_program_changed(const struct entry *e, bool all);	/* or its state alone */
void bus_program_removed(const struct entry *e);		/* while it can still be found */
const char *bus_program_state(const struct entry *e);

/* bus_options.c: of Unload and UnloadAll. */
struct unload_options {
	enum unload_how how;
	uint64_t timeout_ms;
};
int unload_options_read(sd_bus_message *m, struct unload_options *o, sd_bus_error *error);

#endif
