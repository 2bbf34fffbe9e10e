/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "processor_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/spawn.h"
#include "launcher.h"

#define ANSWER_MS 10000		/* the launcher forks, no more; a machine that swaps may take a while */

int child_connect(struct processor_child *c, int launcher_sock)
{
	const char hello = LAUNCHER_CONNECT;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	r = fdpass_send(launcher_sock, &hello, 1, &pair[1], 1);
	close(pair[1]);
	if (r < 0) {
		close(pair[0]);
		return r == -EPIPE ? -ECONNRESET : r;
	}
	*c = (struct processor_child){ .conn = pair[0] };
	return 0;
}

void child_disconnect(struct processor_child *c)
{
	closep(&c->conn);
	c->conn = -1;
	c->pid = 0;
}

static int receive(struct processor_child *c, struct launcher_reply *ret)
{
	struct pollfd p = { .fd = c->conn, .events = POLLIN };
	size_t no_fds = 0;
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, ANSWER_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = fdpass_receive(c->conn, ret, sizeof(*ret), NULL, &no_fds);
	if (n < 0)
		return (int)n;
	return n == sizeof(*ret) ? 0 : n == 0 ? -ECONNRESET : -EPROTO;
}

static int request(struct processor_child *c, const struct launcher_request *req, const int *fds, size_t n_fds)
{
	int r = fdpass_send(c->conn, req, sizeof(*req), fds, n_fds);

	return r == -EPIPE ? -ECONNRESET : r;
}

int child_start(struct processor_child *c, const char *functions, uint64_t memory, const int *fds, size_t n_fds)
{
	struct launcher_request req = { .type = LAUNCHER_SPAWN, .memory = memory };
	struct launcher_reply reply;
	int r;

	if (strlen(functions) >= sizeof(req.functions))
		return -ENAMETOOLONG;
	strcpy(req.functions, functions);
	r = request(c, &req, fds, n_fds);
	if (r == 0)
		r = receive(c, &reply);
	if (r < 0)
		return r;
	if (reply.type != LAUNCHER_SPAWNED)
		return reply.type == LAUNCHER_FAILED && reply.error < 0 ? reply.error : -EPROTO;
	c->pid = reply.pid;
	c->uid = reply.uid;
	c->killed = false;
	return 0;
}

int child_kill(struct processor_child *c)
{
	struct launcher_request req = { .type = LAUNCHER_KILL };

	c->killed = true;
	return request(c, &req, NULL, 0);
}

int child_receive(struct processor_child *c)
{
	struct launcher_reply reply;
	int r = receive(c, &reply);

	if (r < 0)
		return r;
	if (reply.type != LAUNCHER_EXITED || reply.pid != c->pid)
		return -EPROTO;
	c->pid = 0;
	c->status = reply.status;
	c->signal = reply.signal;
	return 0;
}

bool child_died_of_others(const struct processor_child *c)
{
	return c->signal == SIGKILL && !c->killed;
}
