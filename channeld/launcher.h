/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpf-launcher, channeld's helper: the one process here that may change identities. It starts sandboxes, each under a
 * uid of its own, kills them and says how they ended; nothing else. It talks over SOCK_SEQPACKET connections: its fd 3
 * leads to channeld, and every further one came over another. A connection has at most one sandbox at a time, and takes
 * it along when it is closed. */
#ifndef EBPF_AGENT_LAUNCHER_H
#define EBPF_AGENT_LAUNCHER_H

#include <stdint.h>

#define LAUNCHER_FD 3
#define LAUNCHER_MAX_CONNECTIONS 256

/* The uids it may give out, "FIRST-LAST", each with the gid of the same number. The default: nobody's in systemd's and
 * Debian's lists, outside the range of dynamic users and of what `ebpfctl run` leases (61184 to 65519). */
#define LAUNCHER_ENV_UIDS     "EBPF_AGENT_SANDBOX_UIDS"
#define LAUNCHER_DEFAULT_UIDS "60706-60769"

/* A message of this one byte with one descriptor: one more connection. No answer. On every connection. */
#define LAUNCHER_CONNECT 'W'

#define LAUNCHER_FUNCTIONS_MAX 4096

enum launcher_request_type {
	/* With 5 descriptors: batch memfd, request and done eventfd, shared object, the listener's socket; with a
	 * sixth: the file that a row may ask for. Answer: SPAWNED or FAILED. */
	LAUNCHER_SPAWN = 1,
	LAUNCHER_KILL = 2,	/* SIGKILL to the sandbox, if there is one. The answer is its EXITED */
};
struct launcher_request {
	uint32_t type, spare;
	uint64_t memory;		/* bytes of private writable memory (RLIMIT_DATA), 0: no limit */
	char functions[LAUNCHER_FUNCTIONS_MAX];	/* as ebpf-sandbox takes them, NUL-terminated */
};

enum launcher_reply_type {
	LAUNCHER_SPAWNED = 1,	/* pid, uid */
	LAUNCHER_FAILED = 2,	/* error: -EBUSY there is one already; -EUSERS every uid is in use; what spawn() says */
	LAUNCHER_EXITED = 3,	/* pid, and status or signal */
};
struct launcher_reply {
	uint32_t type;
	int32_t pid, error, status, signal;
	uint32_t uid;
};

#endif
