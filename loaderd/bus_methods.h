/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loaderd on D-Bus: bus.c has the table, bus_<what>.c what is behind it. Load and Unload answer later; the loop goes on
 * meanwhile. */
#ifndef EBPF_AGENT_LOADERD_BUS_H
#define EBPF_AGENT_LOADERD_BUS_H

#include "../common/bus.h"
#include "loaderd.h"

/* What went wrong, as the late answer to @call. */
void reply_outcome(sd_bus_message *call, const struct outcome *o);

/* bus_load.c, bus_unload.c, bus_programs.c; @userdata: loaderd. Who may change things is checked in each. */
int method_load(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_unload(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_unload_all(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_show(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* bus_options.c: the last argument of every method, a{sv}. */
struct unload_options {
	enum unload_how how;
	uint64_t timeout_ms;
};
/* @o NULL: there are none to know. */
int options_read(sd_bus_message *m, struct unload_options *o, sd_bus_error *error);

#endif
