/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting a child: exec'd, with exactly the descriptors, rights and identity said here, dead when its parent is. */
#ifndef EBPF_AGENT_SPAWN_H
#define EBPF_AGENT_SPAWN_H

#include <sys/types.h>

#include "base.h"

struct spawn_fd {
	int ours;		/* stays open here */
	int theirs;		/* its number in the child */
};

struct spawn {
	const char *path;		/* absolute */
	char *const *argv;
	char *const *envp;		/* NULL: ours */
	const struct spawn_fd *fds;	/* besides 0, 1, 2, which are inherited unless named here */
	size_t n_fds;
	bool change_id;			/* uid, gid and the one supplementary group below are set */
	uid_t uid;
	gid_t gid;
	uint64_t ambient_caps;		/* what it starts with */
	bool keep_caps;			/* all as they are here (root's children in tests) */
	bool new_session;		/* terminal signals do not reach it */
	bool survive;			/* no PDEATHSIG */
	bool listen_pid;		/* adds LISTEN_PID=<the child's pid> to envp, in which the caller has put
					 * LISTEN_FDS (and LISTEN_FDNAMES): sd_listen_fds(3) believes nobody else's */
};

/* PDEATHSIG (SIGKILL) is set after the change of identity, and a parent that died before it is noticed.
 * Returns the pid, or -errno of whatever failed in the child up to exec. */
pid_t spawn(const struct spawn *s);

/* The path of one of our own binaries ("ebpf-load"), into @ret (PATH_MAX). */
int spawn_helper_path(const char *binary, char *ret);

/* Sends @text and up to 8 descriptors over a SOCK_SEQPACKET pair; receives them (CLOEXEC). 0, -errno; receive returns
 * bytes, 0: the peer is gone. *n_fds in: room, out: received. */
int fdpass_send(int sock, const void *data, size_t len, const int *fds, size_t n_fds);
ssize_t fdpass_receive(int sock, void *data, size_t size, int *fds, size_t *n_fds);

#endif
