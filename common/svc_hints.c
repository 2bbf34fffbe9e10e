/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hints from the other daemons: a reason to look again before the second is over. */
#include <string.h>

#include "svc_private.h"

/* However many hints wait, they all say the same: look again, once. */
static void on_hints(uv_poll_t *p, int status, int events)
{
	struct svc *s = p->data;
	struct hint h;

	(void)status, (void)events;
	while (wire_receive(s->hints, &h) == 0)
		;
	svc_look(s);
}

int svc_hints_start(struct svc *s)
{
	int err = wire_bind(s->def->name, &s->hints);

	if (err < 0) {
		/* Hints only make things quick; once a second everybody looks by himself. */
		log_warning("no hints will be received: %s", strerror(-err));
		return 0;
	}
	err = uv_poll_init(&s->loop, &s->hints_poll, wire_fd(s->hints));
	s->hints_poll.data = s;
	return err < 0 ? err : uv_poll_start(&s->hints_poll, UV_READABLE, on_hints);
}
