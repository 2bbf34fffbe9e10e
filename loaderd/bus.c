/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.ebpfagent.loader1. */
#include "bus_methods.h"

#define MAY_CHANGE                                                                                                     \
	SD_BUS_VTABLE_UNPRIVILEGED /* who may is checked in the handlers: root and a group, not CAP_SYS_ADMIN */

void reply_outcome(sd_bus_message *call, const struct outcome *o)
{
	sd_bus_reply_method_errorf(call, o->error, "%s", o->text);
}

const sd_bus_vtable loaderd_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_NAMES("Load", "hssa{sv}",
				 SD_BUS_PARAM(yaml) SD_BUS_PARAM(file) SD_BUS_PARAM(base) SD_BUS_PARAM(options), "sas",
				 SD_BUS_PARAM(program) SD_BUS_PARAM(warnings), method_load, MAY_CHANGE),
	SD_BUS_METHOD_WITH_NAMES("Unload", "sa{sv}", SD_BUS_PARAM(program) SD_BUS_PARAM(options), "", , method_unload,
				 MAY_CHANGE),
	SD_BUS_METHOD_WITH_NAMES("UnloadAll", "a{sv}", SD_BUS_PARAM(options), "as", SD_BUS_PARAM(programs),
				 method_unload_all, MAY_CHANGE),
	SD_BUS_METHOD_WITH_NAMES("List", "a{sv}", SD_BUS_PARAM(options), "aa{sv}", SD_BUS_PARAM(programs), method_list,
				 SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Show", "sa{sv}", SD_BUS_PARAM(program) SD_BUS_PARAM(options), "s",
				 SD_BUS_PARAM(manifest), method_show, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
