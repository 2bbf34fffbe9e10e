/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ebpfctl run`: a private instance in the foreground, one concern per file. One thread, one poll loop (run.c). */
#ifndef EBPF_AGENT_RUN_H
#define EBPF_AGENT_RUN_H

#include <limits.h>
#include <poll.h>
#include <sys/types.h>

#include "../common/rights.h"
#include "ctl.h"
#include "event.h"
#include "lines.h"

/* What is started, in this order, and stopped in the reverse one; the bus first and last. */
enum run_child { RUN_BUS, RUN_SINKD, RUN_CHANNELD, RUN_LOADERD, RUN_TAGD, RUN_XDPD, RUN_N };

struct run_def {
	const char *binary;		/* also the name of its user */
	const char *bus;		/* what it may own on the bus; NULL: nothing */
	const struct rights *rights;	/* NULL: none at all */
};
extern const struct run_def run_defs[RUN_N];

#define RUN_BUS_GROUP "ebpf-bus"

/* ---- run_ids.c: who they run as ------------------------------------------------------------------------- */

#define RUN_IDS_BLOCK 64
#define RUN_IDS_SANDBOX 16		/* the block's ids from here on are the sandboxes' */

struct run_ids {
	int lease;			/* abstract socket: as long as it is bound, the block is ours */
	uid_t base;
	uid_t uid[RUN_N];
	gid_t gid, bus_gid;		/* the agent's group; the bus's own */
	bool named[RUN_N], group_named;	/* the machine has that user or group */
};
/* 0, or -errno with @why. */
int run_ids_lease(struct run_ids *ids, char why[256]);
void run_ids_release(struct run_ids *ids);
/* /etc/passwd or /etc/group with the leased ids added, as the daemons are to see them: dbus-daemon knows nobody by
 * number. */
int run_ids_write(const struct run_ids *ids, const char *source, const char *target, bool group);

/* ---- run_dir.c: the folder of an instance --------------------------------------------------------------- */

struct run_dir {
	char base[64];			/* /tmp/ebpf-agent.XXXXXX: where everything lies for the daemons */
	char state[PATH_MAX];		/* --state DIR, "" without: keeps lib and log, and has a link to the bus */
	int base_lock, state_lock;
	int state_fd;			/* the folder that was looked at: its path may lead elsewhere by now */
	bool in_ns;			/* the mount namespace is ours alone */
};
/* 0, or -errno with @why: -EBUSY another instance has @state. */
int run_dir_make(struct run_dir *d, const char *state, char why[256]);
/* After the mounts are gone. Keeps what --state is for. */
void run_dir_remove(struct run_dir *d);
/* Removes what dead instances left in /tmp. */
void run_dir_sweep(void);

/* ---- run_tree.c ----------------------------------------------------------------------------------------- */

/* Removes @name in @dirfd and everything below, following no link and entering no other file system. */
int tree_remove(int dirfd, const char *name);
/* Gives everything below @path (itself included) to @uid and @gid; files with several links are left alone. */
int tree_chown(const char *path, uid_t uid, gid_t gid);

/* ---- run_ns.c: a mount namespace of its own ------------------------------------------------------------- */

/* From here on this process sees, and its children see, BASE/run as a tmpfs with all that the daemons need. */
int run_ns_enter(struct run_dir *d, const struct run_ids *ids, const char *config, char why[256]);
/* Unmounts, if it was entered. */
void run_ns_leave(const struct run_dir *d);
/* The folder with the daemons' binaries. */
int run_find_binaries(char ret[PATH_MAX], char why[256]);

/* ---- run_bus.c: the bus --------------------------------------------------------------------------------- */

/* Writes its configuration and binds BASE/bus; the socket is handed to each dbus-daemon, so callers wait while one is
 * started again. */
int run_bus_prepare(const struct run_dir *d, int *ret_socket, char why[256]);
/* Where dbus-daemon is; NULL: not installed. */
const char *run_bus_binary(void);

/* ---- run_super.c: the children -------------------------------------------------------------------------- */

struct child {
	const struct run_def *def;
	pid_t pid;			/* 0: not running */
	int pidfd;
	bool ready, once_ready;		/* this one said READY=1; any one ever did */
	bool stopping, killed;		/* told to stop; SIGKILLed after that, or for its silence */
	int64_t started_ms, last_ping_ms;
	int64_t start_at_ms;		/* not running: when to start it again; 0: never */
	int64_t stop_by_ms;		/* SIGKILL then */
	unsigned backoff_ms, early_deaths;
	char cause[32];			/* of its last death */
	char status[128];		/* its last STATUS= */
};

struct super {
	const struct run_dir *dir;
	const struct run_ids *ids;
	struct child children[RUN_N];
	int notify_fd, bus_socket, null_fd;
	bool config;			/* there is a --config folder */
	bool verbose;			/* the daemons log as they are configured; else warnings and what is worse */
	bool stopping;
	bool failed;			/* one was not well when it stopped */
	char *gave_up;			/* a child that cannot be started: why, for the user */
	int (*console)(void *arg);	/* a new sinkd: the fd to write events to; taken */
	void *arg;
};
int super_start(struct super *s, char why[256]);
/* Descriptors to poll: RUN_N + 1 at most. Returns how many. */
size_t super_poll(const struct super *s, struct pollfd *ret);
/* Looks at everything that could have happened; returns in how many milliseconds to call again at the latest. */
int super_look(struct super *s, int64_t now_ms);
bool super_all_ready(const struct super *s);
/* Stops them one after the other; goes on in super_look(). */
void super_stop(struct super *s);
bool super_all_stopped(const struct super *s);
/* Kills what is left, and waits for it. */
void super_fini(struct super *s);
/* The environment of children, to be freed by strv_free(). */
char **super_env(const struct super *s, const char *notify);
void strv_free(char **v);

int64_t now_ms(void);

/* ---- run_out.c: from sinkd to stdout -------------------------------------------------------------------- */

#define OUT_MAX (1u << 20)		/* beyond it the pipes are left alone until stdout has taken some */
#define OUT_PIPES 32
#define OUT_STREAMS 1024

/* What was seen last of one stream: results of an event come in order within (program, ring, event). */
struct out_stream {
	char program[64];
	uint32_t boot, ring;
	uint16_t event, result;
	uint64_t pos, used;		/* used: for replacing the one not seen for longest */
};

struct out {
	bool json;
	struct event_style style;
	int pipes[OUT_PIPES];		/* oldest first: only the first is read */
	size_t n_pipes;
	struct lines lines;
	struct buf text;		/* not yet written from `done` on */
	size_t done;
	int fd;				/* stdout, not blocking where that can be had */
	bool is_socket, is_file;
	bool closed;			/* nobody reads stdout any more */
	int error;			/* or it cannot be written: errno */
	struct out_stream *streams;
	size_t n_streams;
	uint64_t printed, repeated, clock;
};
int out_init(struct out *o, bool json, bool color);
void out_fini(struct out *o);
/* A new pipe, whose writing end is returned; -errno. */
int out_pipe(struct out *o);
/* At most two descriptors. */
size_t out_poll(const struct out *o, struct pollfd *ret);
void out_look(struct out *o);
/* All pipes are at their end, and all is written (or cannot be). */
bool out_finished(const struct out *o);
/* Takes one line (with its line feed): prints it unless it was seen before. */
void out_line(struct out *o, const char *line, size_t len);

#endif
