/* SPDX-License-Identifier: GPL-2.0-or-later */
/* channeld – all five main.c look like this; common/svc runs the life: parse → config (--check prints the
 * effective one) → loop, signals → start → bus → READY=1 → run → STOPPING=1 → stop. */
#include <string.h>

#include "../common/svc_san.h"
#include "channeld.h"
#include "worker.h"

static const struct svc_def channeld = {
	.name      = "channeld",
	.bus       = "channel1",
	.about     = "drains the programs' channels: one worker process per program",
	.conf_size = sizeof(struct channeld_conf),
	.schema    = &channeld_schema,
	.methods   = channeld_methods,
	.rights    = &rights_channeld,
	.start     = channeld_start,
	.reload    = channeld_reload,
	.look      = channeld_look,
	.stop      = channeld_stop,
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "worker") == 0)
		return worker_main(argc, argv);
	return svc_main(&channeld, argc, argv);
}
