/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ebpfctl run`: a private instance in the foreground, one concern per file. One thread, one poll loop (run.c);
 * run_phase.h: what it goes through, run_super.h: its children, run_out.h: what it prints.
 * Here: ids, folders, mounts, the bus. */
#ifndef EBPF_AGENT_RUN_H
#define EBPF_AGENT_RUN_H

#include <limits.h>
#include <sys/types.h>

#include "../common/rights.h"

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

/* ---- run_bus.c: the bus --------------------------------------------------------------------------------- */

/* Writes its configuration and binds BASE/bus; the socket is handed to each dbus-daemon, so callers wait while one is
 * started again. */
int run_bus_prepare(const struct run_dir *d, int *ret_socket, char why[256]);
/* Where dbus-daemon is; NULL: not installed. */
const char *run_bus_binary(void);

#endif
