/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of svc share, and nobody else. */
#ifndef EBPF_AGENT_SVC_PRIVATE_H
#define EBPF_AGENT_SVC_PRIVATE_H

#include <limits.h>

#include "bus.h"
#include "svc.h"
#include "wire.h"

/* The daemon's table with the keys that all have behind it. */
struct svc_schema {
	struct conf_schema schema;
	struct conf_key *keys;
	size_t log_level;	/* offset of an int: index of the level */
};

/* One configuration, whole. */
struct svc_config {
	struct arena *arena;
	void *obj;
	const struct yaml_node *root;	/* what it was read from: says where each value stands */
};

struct svc_trouble {
	struct svc_trouble *next;
	char *text;
	char key[];
};

/* In a row, this life included unless it is known better. */
struct svc_deaths {
	unsigned early;		/* within some seconds */
	unsigned unready;	/* before it was ready */
};

struct svc {
	const struct svc_def *def;
	void *self;
	bool started;		/* start() was successful */

	const char *dirs;	/* of configuration */
	int forced_level;	/* --log-level, or -1 */
	struct svc_schema schema;
	struct svc_config config;

	int lock;
	int helper_fd;		/* -1: none */
	pid_t helper;
	int helper_pidfd;
	uv_poll_t helper_poll;

	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_timer_t tick;	/* once a second */
	uv_timer_t watchdog;
	struct wire *hints;
	uv_poll_t hints_poll;
	unsigned ticks, ticks_ready;
	bool ready, stopping;
	bool deaths_counted;	/* it is a unit's: svc_backoff.c */
	struct svc_deaths deaths;
	bool told_ready;	/* the service manager had room for it */
	int status;		/* of the process */

	char bus_path[64], bus_name[64];
	sd_bus *bus;		/* connected and named */
	sd_bus *connecting;
	struct bus_loop *bus_loop;

	uint64_t started_at;	/* µs, CLOCK_REALTIME */
	char text[256];		/* STATUS= */
	struct svc_trouble *troubles;
};

/* svc.c */
int svc_run(struct svc *s);	/* from the lock to the end; the process's exit status */
void svc_ready(struct svc *s);
void svc_look(struct svc *s);

/* svc_ground.c; what is missing is logged */
int svc_ground_folders(void);
int svc_ground_check(const struct svc *s);
int svc_ground_lock(struct svc *s);

/* svc_backoff.c */
bool svc_backoff_wait(struct svc *s);	/* whether it shall go on; SIGTERM may have come meanwhile */
void svc_backoff_ready(struct svc *s);
void svc_backoff_tick(struct svc *s);	/* once a second */
void svc_backoff_end(struct svc *s, bool well);

/* svc_loop.c */
int svc_loop_start(struct svc *s);
/* What is done once a second is done now, and a second later again. */
void svc_tick_soon(struct svc *s);
void svc_loop_end(struct svc *s);	/* closes what is svc's; what the daemon left open is an error */

/* svc_hints.c */
int svc_hints_start(struct svc *s);

/* svc_reload.c */
int svc_reload(struct svc *s, struct diag *d);

/* svc_conf.c */
int svc_schema_init(struct svc_schema *s, const struct svc_def *def);
void svc_schema_fini(struct svc_schema *s);
int svc_config_read(const struct svc_schema *schema, const char *dirs, const char *daemon, struct svc_config *ret,
		    struct diag *d);
void svc_config_fini(struct svc_config *c);
/* The effective one, each value with where it comes from. 0, -ENOMEM. */
int svc_config_print(const struct svc *s, bool json, FILE *f);
int svc_config_level(const struct svc_schema *schema, const struct svc_config *c);	/* of syslog */
/* -EINVAL */
int svc_level_parse(const char *name);
void svc_level_apply(const struct svc *s);	/* the configuration's, or the command line's */

/* svc_bus.c */
void svc_bus_try(struct svc *s);	/* if it is away */
void svc_bus_close(struct svc *s);
void svc_bus_changed(struct svc *s, const char *property);

/* svc_notify.c: sd_notify(3), that never waits. 0 (also: nobody wants to know), -EAGAIN, -errno. */
int svc_notify(const char *text);
void svc_notify_ready(struct svc *s);	/* tried again every second until it was told */
void svc_notify_status(const struct svc *s);
void svc_notify_reloading(void);

/* svc_trouble.c */
/* What is said of @key; NULL: nothing is wrong with it. */
const char *svc_trouble(const struct svc *s, const char *key);
#define SVC_TROUBLE_CONFIG "config"	/* the last reload was refused */
void svc_troubles_free(struct svc *s);

/* svc_helper.c */
int svc_helper_start(struct svc *s);
int svc_helper_watch(struct svc *s);
void svc_helper_stop(struct svc *s);

#endif
