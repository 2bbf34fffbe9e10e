/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xdpd – all five main.c look like this; common/svc runs the life: parse → config (--check prints the
 * effective one) → loop, signals → start → bus → READY=1 → run → STOPPING=1 → stop. */
#include "../common/svc_san.h"
#include "xdpd.h"

static const struct svc_def xdpd = {
	.name      = "xdpd",
	.bus       = "xdp1",
	.about     = "follows kernel connection tracking into XDP fast paths",
	.conf_size = sizeof(struct xdpd_conf),
	.schema    = &xdpd_schema,
	.methods   = xdpd_methods,
	.rights    = &rights_xdpd,
	.start     = xdpd_start,
	.reload    = xdpd_reload,	/* a whole new, valid config, or nothing changes */
	.look      = xdpd_look,
	.stop      = xdpd_stop,
};

int main(int argc, char **argv)
{
	return svc_main(&xdpd, argc, argv);
}
