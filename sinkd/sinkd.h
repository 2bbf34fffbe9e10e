/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sinkd carries records from the spools to where they are kept. It holds nothing that a kill -9 could lose: what is
 * delivered stands in each sink's cursor, and what is not is still in the spool. */
#ifndef EBPF_AGENT_SINKD_H
#define EBPF_AGENT_SINKD_H

#include <limits.h>
#include <time.h>

#include "../common/svc.h"
#include "../common/wire.h"
#include "../abi/names.h"
#include "kafka_conf.h"
#include "sink.h"

#define SINKD_STREAMS_MAX 1024
#define SINKD_JOIN_SIZE   (2 * SPOOL_REC_MAX)	/* lines are joined to writes of at most this many bytes */

/* ---- configuration: conf.c --------------------------------------------------------------------------------- */

enum file_fsync { FILE_FSYNC_NEVER, FILE_FSYNC_ROTATE, FILE_FSYNC_BATCH, FILE_FSYNC_INTERVAL };

enum file_when_full { FILE_HOLD, FILE_DROP };

/* How a file is written: defaults in sinkd.yaml, and each route may say otherwise. */
struct file_rules {
	uint64_t rotate_size;		/* bytes; 0: never */
	uint64_t rotate_time_ns;	/* age; 0: never */
	uint64_t keep;			/* rotated files */
	uint64_t fsync_interval_ns;
	int fsync;			/* enum file_fsync */
	int when_full;			/* enum file_when_full */
};

struct file_conf {
	struct file_rules rules;
	struct conf_strs roots;		/* n == 0: the log and the state directory */
};

struct tail_conf {
	uint64_t clients;
	uint64_t buffer;		/* bytes per client */
};

struct sinkd_conf {
	struct file_conf file;
	struct kafka_conf kafka;
	struct tail_conf tail;
	const struct yaml_node *storage;	/* of programs that do not say; NULL: file alone */
};

extern const struct conf_schema sinkd_schema;

/* A route's `file:` entry. */
struct file_route {
	const char *path;		/* NULL: the default */
	struct file_rules rules;
};
/* @n NULL or a bare `true`: all as @defaults say. 0, -EINVAL (see @d), -ENOMEM. */
int file_route_parse(struct arena *a, const struct yaml_node *n, const struct file_rules *defaults,
		     struct file_route *ret, struct diag *d);

/* ---- the daemon: sinkd.c ----------------------------------------------------------------------------------- */

/* The descriptor that `ebpfctl run` reads (abi/console.h), one for all programs. */
struct console {
	int fd;				/* -1: none */
	uv_poll_t poll;
	bool pollable;			/* a pipe, not a file */
	struct sink *owner;		/* whose line @rest is; NULL: gone */
	char *rest;			/* SPOOL_REC_MAX: of a line that was taken in part */
	size_t rest_off, rest_len;
};

struct tail;
struct kafka_producer;

struct sinkd {
	struct svc *svc;
	const struct sinkd_conf *conf;
	struct stream *streams;
	size_t n_streams;
	size_t n_beyond;		/* programs that the limit keeps out */
	struct console console;
	struct tail *tails;
	size_t n_tails;
	struct wire *to_loaderd;	/* NULL: could not be made; it looks by itself */
	uv_idle_t work;			/* runs while any stream is busy */
	uv_timer_t retry;		/* when the next failed sink, or missing spool, is due */
	uint64_t retry_at_ns;		/* 0: not armed */
	uint64_t second_ns;		/* when it last looked at everything */
	struct timespec manifests_at;	/* mtime of the folder, as last read */
	unsigned syncs;			/* fsyncs, and what precedes them, under way */
	struct kafka_producer *producers;
	unsigned handles;		/* open libuv handles and requests: the last one frees all */
	bool stopping;
	char *join;			/* SINKD_JOIN_SIZE */
	struct sink_rec batch[SINK_BATCH];
	const struct sink_rec *chosen[SINK_BATCH];
};

int sinkd_start(struct svc *s, void **ret_self);
int sinkd_reload(void *self, const void *conf);
void sinkd_look(void *self);
void sinkd_stop(void *self);
extern const sd_bus_vtable sinkd_methods[];

/* There may be work: a slice of it is done in every turn of the loop until there is none. */
void sinkd_wake(struct sinkd *sk, struct stream *st);
/* The sinks that said -EAGAIN may go on. */
void sinkd_wake_waiting(struct sinkd *sk, const struct sink_type *type);
void sinkd_retry_at(struct sinkd *sk, uint64_t ns);
/* A handle or request is closed. */
void sinkd_handle_closed(struct sinkd *sk);
struct stream *sinkd_find(struct sinkd *sk, const char *program);

/* Takes @fd over if it is not -1. */
int console_init(struct sinkd *sk, int fd);
void console_close(struct sinkd *sk);

/* ---- tail clients: sink_live.c ----------------------------------------------------------------------------- */

/* Does anybody read along? */
bool tail_wanted(const struct sinkd *sk, const char *program);
/* @program "": all. The client's end of a stream socket into *ret_fd. -EMFILE: as many as may be. */
int tail_new(struct sinkd *sk, const char *program, int *ret_fd);
/* No more will come of @program ("": of anything): what is buffered is sent, then the stream ends. */
void tail_end(struct sinkd *sk, const char *program);
void tail_close_all(struct sinkd *sk);

/* ---- SIGBUS: sigbus.c -------------------------------------------------------------------------------------- */

/* A spool that somebody cut short kills its reader by SIGBUS. From now on the missing page reads as zeros instead, and
 * the record in it as damaged. */
void sigbus_install(struct sinkd *sk);

#endif
