/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tagd.h"

#include <errno.h>

struct tagd {
	struct svc *svc;
};

int tagd_start(struct svc *s, void **ret_self)
{
	struct tagd *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->svc = s;
	svc_status(s, "not built in this version: tags (systemd units, containers, cgroups)");
	*ret_self = d;
	return 0;
}

int tagd_reload(void *self, const void *conf)
{
	(void)self, (void)conf;
	return 0;
}

void tagd_look(void *self)
{
	(void)self;
}

void tagd_stop(void *self)
{
	free(self);
}
