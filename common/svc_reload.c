/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration, read again: a whole new, valid one, or nothing changes. */
#include <errno.h>
#include <string.h>

#include "svc_private.h"

static int reload_config(struct svc *s, struct diag *d)
{
	struct svc_config c;
	int err = svc_config_read(&s->schema, s->dirs, s->def->name, &c, d);

	if (err < 0)
		return err;
	err = s->def->reload ? s->def->reload(s->self, c.obj) : 0;
	if (err < 0) {
		svc_config_fini(&c);
		return diag_fail(d, err, NULL, 0, "the new configuration was refused: %s", strerror(-err));
	}
	svc_config_fini(&s->config);
	s->config = c;
	svc_level_apply(s);
	return 0;
}

int svc_reload(struct svc *s, struct diag *d)
{
	int err;

	svc_notify_reloading();
	err = reload_config(s, d);
	for (size_t i = 0; i < d->n_warnings; i++)
		log_warning("%s", d->warnings[i]);
	if (err < 0)
		svc_degraded(s, SVC_TROUBLE_CONFIG, "%s", d->error[0] ? d->error : strerror(-err));
	else
		svc_degraded(s, SVC_TROUBLE_CONFIG, NULL);
	if (err == 0)
		log_info("configuration read again");
	if (s->ready)
		svc_notify_ready(s);
	return err;
}
