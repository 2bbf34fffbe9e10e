/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xdpd.h"

#include <errno.h>

struct xdpd {
	struct svc *svc;
};

int xdpd_start(struct svc *s, void **ret_self)
{
	struct xdpd *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->svc = s;
	svc_status(s, "not built in this version: connection tracking in XDP");
	*ret_self = d;
	return 0;
}

int xdpd_reload(void *self, const void *conf)
{
	(void)self, (void)conf;
	return 0;
}

void xdpd_look(void *self)
{
	(void)self;
}

void xdpd_stop(void *self)
{
	free(self);
}
