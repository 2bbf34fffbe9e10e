/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a daemon, the same for all five:
 *
 *   parse arguments → wait, if it is a unit's and died early (svc_backoff.c) →
 *   read configuration (--check prints the effective one and ends) →
 *   one instance, by lock → privileged helper, if it has one → capabilities dropped → loop, signals →
 *   start() → system calls filtered → bus → READY=1 → run → STOPPING=1 → stop() → loop closed.
 *
 * SIGHUP, Reload on the bus: a whole new, valid configuration, or nothing changes. SIGTERM, SIGINT: orderly stop.
 * Watchdog: pinged from the loop, so a loop that hangs is noticed. Options: a table in
 * svc_main.c. */
#ifndef EBPF_AGENT_SVC_H
#define EBPF_AGENT_SVC_H

#include <systemd/sd-bus.h>
#include <uv.h>

#include "arena.h"
#include "conf.h"
#include "log.h"
#include "rights.h"

#define AGENT_VERSION "0.1.0"

struct svc;

struct svc_def {
	const char *name;		/* "loaderd" */
	const char *bus;		/* "loader1": name and interface org.ebpfagent.loader1 */
	const char *about;		/* one line for --help and status */
	size_t conf_size;
	const struct conf_schema *schema;
	const sd_bus_vtable *methods;	/* may be NULL; the daemon's own interface. userdata: *ret_self of start() */
	const struct rights *rights;

	/* At every (re)connect, before the name is ours: adds to @bus what the daemon serves besides @methods, such as
	 * objects of its own. May be NULL. */
	int (*offer)(void *self, sd_bus *bus);
	/* After it, once the name is ours and svc_bus() can be used: objects can be announced. May be NULL. */
	void (*named)(void *self);

	/* Everything the daemon does hangs on the loop after it; *ret_self is handed to all others. Not filtered yet,
	 * but with no more capabilities than it keeps (they belong to threads, which begin here). May be NULL. */
	int (*start)(struct svc *s, void **ret_self);
	/* Once: the bus is connected, or was not within 2 s (then svc_bus() is NULL). An error ends the daemon. May
	 * be NULL. */
	int (*running)(void *self);
	/* @conf: the new one, already valid, and kept by svc if 0 is returned. An error: the old one stays. May be
	 * NULL. */
	int (*reload)(void *self, const void *conf);
	/* Look again: after a hint, and once a second in any case. May be NULL. */
	void (*look)(void *self);
	/* Closes every handle of the daemon and frees @self, now or in close callbacks. */
	void (*stop)(void *self);
};

/* Returns the process's exit status. */
int svc_main(const struct svc_def *def, int argc, char **argv);

uv_loop_t *svc_loop(struct svc *s);
const void *svc_conf(const struct svc *s);	/* the present configuration; a reload replaces it */
sd_bus *svc_bus(struct svc *s);			/* NULL before running(), and while the bus is away: ask each time */
/* The daemon's end of the socket to its privileged helper; -1: none. */
int svc_helper_fd(const struct svc *s);

/* What is not as it should be, by a key of the caller's ("sink:file"); shown by `ebpfctl status`, on D-Bus (Degraded,
 * with PropertiesChanged), and logged when it changes. NULL text clears. */
void svc_degraded(struct svc *s, const char *key, const char *fmt, ...) printf_like(3, 4);
/* STATUS= for systemctl status. */
void svc_status(struct svc *s, const char *fmt, ...) printf_like(2, 3);
/* Leaves the loop as after SIGTERM; the process ends with @status. */
void svc_stop(struct svc *s, int status);

#endif
