/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tagd – all five main.c look like this; common/svc runs the life: parse → config (--check prints the
 * effective one) → loop, signals → start → bus → READY=1 → run → STOPPING=1 → stop. */
#include "../common/svc_san.h"
#include "tagd.h"

static const struct svc_def tagd = {
	.name      = "tagd",
	.bus       = "tag1",
	.about     = "says which service or container an event came from",
	.conf_size = sizeof(struct tagd_conf),
	.schema    = &tagd_schema,
	.methods   = tagd_methods,
	.rights    = &rights_tagd,
	.start     = tagd_start,
	.reload    = tagd_reload,	/* a whole new, valid config, or nothing changes */
	.look      = tagd_look,
	.stop      = tagd_stop,
};

int main(int argc, char **argv)
{
	return svc_main(&tagd, argc, argv);
}
