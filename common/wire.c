/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <string.h>
#include <sys/un.h>

#include "paths.h"

#define BUFFER_BYTES     8192	/* of hints that wait; more say nothing new */
#define REDIAL_MS         100
#define REDIAL_MAX_MS    1000	/* a daemon that is away is asked for once a second */

struct wire {
	int socket;
	int fd;		/* receiving end: readable when a hint waits */
};

static int address_of(const char *daemon, char *ret, size_t size)
{
	char path[PATH_MAX];
	int err = path_hint(daemon, path);

	if (err < 0)
		return err;
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return -ENAMETOOLONG;
	return (size_t)snprintf(ret, size, "ipc://%s", path) < size ? 0 : -ENAMETOOLONG;
}

static int set(int socket, int option, int value)
{
	return nn_setsockopt(socket, NN_SOL_SOCKET, option, &value, sizeof(value)) < 0 ? -nn_errno() : 0;
}

static int open_socket(const char *daemon, int protocol, struct wire **ret)
{
	char address[PATH_MAX + 8];
	int err = address_of(daemon, address, sizeof(address));
	struct wire *w;

	if (err < 0)
		return err;
	w = malloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	*w = (struct wire){ .socket = nn_socket(AF_SP, protocol), .fd = -1 };
	err = w->socket < 0 ? -nn_errno() : set(w->socket, protocol == NN_PULL ? NN_RCVBUF : NN_SNDBUF, BUFFER_BYTES);
	if (err == 0 && protocol == NN_PUSH)
		err = set(w->socket, NN_RECONNECT_IVL, REDIAL_MS);
	if (err == 0 && protocol == NN_PUSH)
		err = set(w->socket, NN_RECONNECT_IVL_MAX, REDIAL_MAX_MS);
	if (err == 0)
		err = (protocol == NN_PULL ? nn_bind : nn_connect)(w->socket, address) < 0 ? -nn_errno() : 0;
	if (err < 0) {
		wire_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

int wire_bind(const char *daemon, struct wire **ret)
{
	struct wire *w;
	size_t size = sizeof(w->fd);
	int err = open_socket(daemon, NN_PULL, &w);

	if (err < 0)
		return err;
	if (nn_getsockopt(w->socket, NN_SOL_SOCKET, NN_RCVFD, &w->fd, &size) < 0) {
		err = -nn_errno();
		wire_free(w);
		return err;
	}
	*ret = w;
	return 0;
}

int wire_connect(const char *daemon, struct wire **ret)
{
	return open_socket(daemon, NN_PUSH, ret);
}

int wire_fd(const struct wire *w)
{
	return w->fd;
}

static bool is_hint(const struct hint *h, int n)
{
	return n == sizeof(*h) && h->version == HINT_VERSION && memchr(h->program, '\0', sizeof(h->program));
}

int wire_receive(struct wire *w, struct hint *ret)
{
	struct hint h;
	int n;

	/* nn_recv() says how long the message was, even if that is more than there was room for. */
	do
		n = nn_recv(w->socket, &h, sizeof(h), NN_DONTWAIT);
	while ((n >= 0 && !is_hint(&h, n)) || (n < 0 && nn_errno() == EINTR));
	if (n < 0)
		return -nn_errno();
	*ret = h;
	return 0;
}

void wire_send(struct wire *w, enum hint_type type, const char *program)
{
	struct hint h = { .version = HINT_VERSION, .type = type };

	if (!w)
		return;
	if (program)
		snprintf(h.program, sizeof(h.program), "%s", program);
	(void)nn_send(w->socket, &h, sizeof(h), NN_DONTWAIT);	/* whoever misses it looks again within a second */
}

void wire_free(struct wire *w)
{
	if (!w)
		return;
	if (w->socket >= 0)
		nn_close(w->socket);
	free(w);
}
