/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.ebpfagent.loader1, and the objects beneath it. */
#include "bus_job.h"
#include "bus_methods.h"

#define PATH AGENT_BUS_PATH "/loader1"
#define MAY_CHANGE                                                                                                     \
	SD_BUS_VTABLE_UNPRIVILEGED /* who may is checked in the handlers: root and a group, not CAP_SYS_ADMIN */

const sd_bus_vtable loaderd_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Load", SD_BUS_ARGS("h", yaml, "s", file, "s", base, "a{sv}", options),
				SD_BUS_RESULT("o", job), method_load, MAY_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("LoadText", SD_BUS_ARGS("s", yaml, "s", file, "s", base, "a{sv}", options),
				SD_BUS_RESULT("o", job), method_load_text, MAY_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("Unload", SD_BUS_ARGS("s", program, "a{sv}", options), SD_BUS_RESULT("o", job),
				method_unload, MAY_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("UnloadAll", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("o", job), method_unload_all,
				MAY_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("aa{sv}", programs), method_list,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Show", SD_BUS_ARGS("s", program, "a{sv}", options), SD_BUS_RESULT("s", manifest),
				method_show, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Missed", SD_BUS_ARGS("s", program, "a{sv}", options), SD_BUS_RESULT("aa{sv}", rows),
				method_missed, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

int loaderd_offer(void *self, sd_bus *bus)
{
	int err = sd_bus_add_object_manager(bus, NULL, PATH);

	if (err >= 0)
		err = bus_program_offer(self, bus);
	return err < 0 ? err : bus_job_offer(self, bus);
}

/* For whoever only listens: a daemon that is started again, or a bus, shows what there is. */
void loaderd_named(void *self)
{
	bus_program_announce_all(self);
	bus_job_announce_all(self);
}
