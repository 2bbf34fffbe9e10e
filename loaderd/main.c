/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loaderd – all five main.c look like this; common/svc runs the life: parse → config (--check prints the
 * effective one) → loop, signals → start → bus → READY=1 → run → STOPPING=1 → stop. */
#include "../common/svc_san.h"
#include "loaderd.h"

static const struct svc_def loaderd = {
	.name      = "loaderd",
	.bus       = "loader1",
	.about     = "loads BPF programs as their YAML says, and keeps them loaded",
	.conf_size = sizeof(struct loaderd_conf),
	.schema    = &loaderd_schema,
	.methods   = loaderd_methods,
	.offer     = loaderd_offer,
	.named     = loaderd_named,
	.rights    = &rights_loaderd,
	.start     = loaderd_start,
	.reload    = loaderd_reload,	/* a whole new, valid config, or nothing changes */
	.look      = loaderd_look,
	.stop      = loaderd_stop,
};

int main(int argc, char **argv)
{
	return svc_main(&loaderd, argc, argv);
}
