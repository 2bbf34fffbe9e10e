/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xdpd: alive, configured, restartable. Its work comes later, and it says so. */
#ifndef EBPF_AGENT_XDPD_H
#define EBPF_AGENT_XDPD_H

#include "../common/svc.h"

/* No keys of its own yet: a key that changes nothing would be a lie. */
struct xdpd_conf {
	char none[0];
};
extern const struct conf_schema xdpd_schema;

/* No methods yet: whoever calls one is told so by the bus. */
extern const sd_bus_vtable xdpd_methods[];

struct xdpd;

int xdpd_start(struct svc *s, void **ret_self);
int xdpd_reload(void *self, const void *conf);
void xdpd_look(void *self);
void xdpd_stop(void *self);

#endif
