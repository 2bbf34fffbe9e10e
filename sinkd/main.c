/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sinkd – all five main.c look like this; common/svc runs the life: parse → config (--check prints the
 * effective one) → loop, signals → start → bus → READY=1 → run → STOPPING=1 → stop. */
#include "../common/svc_san.h"
#include "sinkd.h"

static const struct svc_def sinkd = {
	.name      = "sinkd",
	.bus       = "sink1",
	.about     = "delivers events from the spools to files and other sinks",
	.conf_size = sizeof(struct sinkd_conf),
	.schema    = &sinkd_schema,
	.methods   = sinkd_methods,
	.rights    = &rights_sinkd,
	.start     = sinkd_start,
	.reload    = sinkd_reload,	/* a whole new, valid config, or nothing changes */
	.look      = sinkd_look,
	.stop      = sinkd_stop,
};

int main(int argc, char **argv)
{
	return svc_main(&sinkd, argc, argv);
}
