/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tagd: alive, configured, restartable. Its work comes later, and it says so. */
#ifndef EBPF_AGENT_TAGD_H
#define EBPF_AGENT_TAGD_H

#include "../common/svc.h"

/* No keys of its own yet: a key that changes nothing would be a lie. */
struct tagd_conf {
	char none[0];
};
extern const struct conf_schema tagd_schema;

/* No methods yet: whoever calls one is told so by the bus. */
extern const sd_bus_vtable tagd_methods[];

struct tagd;

int tagd_start(struct svc *s, void **ret_self);
int tagd_reload(void *self, const void *conf);
void tagd_look(void *self);
void tagd_stop(void *self);

#endif
