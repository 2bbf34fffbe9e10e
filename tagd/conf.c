/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tagd.h"

static const struct conf_key keys[] = {
	{ 0 },
};

const struct conf_schema tagd_schema = {
	.name = "tagd.yaml",
	.size = sizeof(struct tagd_conf),
	.keys = keys,
};
