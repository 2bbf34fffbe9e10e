/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xdpd.h"

static const struct conf_key keys[] = {
	{ 0 },
};

const struct conf_schema xdpd_schema = {
	.name = "xdpd.yaml",
	.size = sizeof(struct xdpd_conf),
	.keys = keys,
};
