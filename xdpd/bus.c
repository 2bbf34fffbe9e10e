/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xdpd.h"

const sd_bus_vtable xdpd_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_VTABLE_END,
};
