/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "buffers_link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "paths.h"
#include "spawn.h"

#define QUEUE_MAX 4096		/* messages: a peer that reads none of so many is dead */

struct queued {
	struct queued *next;
	struct buffers_message m;
	int fds[BUFFERS_PER_MESSAGE];	/* duplicates */
	size_t n_fds;
};

struct buffers_link {
	uv_poll_t poll;
	int fd, prot;
	const struct buffers_link_ops *ops;
	void *arg;
	bool closing;
	struct buffers *coming;		/* not complete yet */
	struct queued *first, **last;
	size_t n_queued;
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void drop_first(struct buffers_link *l)
{
	struct queued *q = l->first;

	l->first = q->next;
	if (!l->first)
		l->last = &l->first;
	l->n_queued--;
	for (size_t i = 0; i < q->n_fds; i++)
		close(q->fds[i]);
	free(q);
}

static void on_closed(uv_handle_t *h)
{
	struct buffers_link *l = container_of((uv_poll_t *)h, struct buffers_link, poll);

	while (l->first)
		drop_first(l);
	buffers_free(l->coming);
	close(l->fd);
	free(l);
}

void buffers_link_close(struct buffers_link *l)
{
	if (!l || l->closing)
		return;
	l->closing = true;
	uv_close((uv_handle_t *)&l->poll, on_closed);
}

static void end(struct buffers_link *l)
{
	if (l->closing)
		return;
	buffers_link_close(l);
	l->ops->closed(l->arg, l);
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static void on_ready(uv_poll_t *p, int status, int events);

static void send_queued(struct buffers_link *l)
{
	while (l->first) {
		struct queued *q = l->first;
		int err = fdpass_send(l->fd, &q->m, sizeof(q->m), q->fds, q->n_fds);

		if (err == -EAGAIN)
			break;
		if (err < 0) {
			end(l);
			return;
		}
		drop_first(l);
	}
	uv_poll_start(&l->poll, UV_READABLE | (l->first ? UV_WRITABLE : 0), on_ready);
}

/* -EMFILE, …: half of a program would be of no use. */
static int enqueue(struct buffers_link *l, const struct buffers_message *m, const int *fds)
{
	struct queued *q = l->n_queued < QUEUE_MAX ? calloc(1, sizeof(*q)) : NULL;

	if (!q)
		return -ENOMEM;
	q->m = *m;
	for (; q->n_fds < (m->type == BUFFERS_SOME ? m->n : 0); q->n_fds++) {
		q->fds[q->n_fds] = fcntl(fds[q->n_fds], F_DUPFD_CLOEXEC, 3);
		if (q->fds[q->n_fds] < 0)
			break;
	}
	*l->last = q;
	l->last = &q->next;
	l->n_queued++;
	return m->type != BUFFERS_SOME || q->n_fds == m->n ? 0 : -EMFILE;
}

void buffers_link_send(struct buffers_link *l, const struct buffers *b)
{
	int fds[BUFFERS_PER_MESSAGE], err = 0;
	struct buffers_message m;

	for (size_t at = 0; err == 0 && !l->closing && buffers_message_next(b, &at, &m, fds);)
		err = enqueue(l, &m, fds);
	if (err < 0)
		end(l);
	else if (!l->closing)
		send_queued(l);
}

void buffers_link_send_offered(struct buffers_link *l)
{
	const struct buffers_message m = { .type = BUFFERS_OFFERED };

	if (l->closing)
		return;
	if (enqueue(l, &m, NULL) < 0)
		end(l);
	else
		send_queued(l);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static int take_message(struct buffers_link *l, const struct buffers_message *m, const int *fds, size_t n_fds)
{
	int done;

	if (m->type == BUFFERS_OFFERED && n_fds == 0 && !l->coming) {
		l->ops->offered(l->arg, l);
		return 0;
	}
	done = buffers_message_take(&l->coming, m, fds, n_fds, l->prot);
	if (done > 0)
		l->ops->received(l->arg, take(l->coming));
	return MIN(done, 0);
}

static void receive_all(struct buffers_link *l)
{
	for (int i = 0; i < 64 && !l->closing; i++) {	/* then others have their turn */
		struct buffers_message m;
		int fds[BUFFERS_PER_MESSAGE];
		size_t n = BUFFERS_PER_MESSAGE;
		ssize_t len = fdpass_receive(l->fd, &m, sizeof(m), fds, &n);

		if (len == -EAGAIN)
			return;
		if (len <= 0) {
			end(l);
			return;
		}
		if (len != sizeof(m))
			m = (struct buffers_message){};		/* refused, with its descriptors */
		if (take_message(l, &m, fds, n) < 0) {
			end(l);
			return;
		}
	}
}

static void on_ready(uv_poll_t *p, int status, int events)
{
	struct buffers_link *l = container_of(p, struct buffers_link, poll);

	if (status < 0) {
		end(l);
		return;
	}
	if (events & UV_READABLE)
		receive_all(l);
	if (!l->closing && events & UV_WRITABLE)
		send_queued(l);
}

int buffers_link_new(uv_loop_t *loop, int fd, int prot, const struct buffers_link_ops *ops, void *arg,
		     struct buffers_link **ret)
{
	struct buffers_link *l = calloc(1, sizeof(*l));
	int err = l ? uv_poll_init(loop, &l->poll, fd) : -ENOMEM;

	if (err < 0) {
		free(l);
		close(fd);
		return err;
	}
	l->fd = fd;
	l->prot = prot;
	l->ops = ops;
	l->arg = arg;
	l->last = &l->first;
	uv_poll_start(&l->poll, UV_READABLE, on_ready);
	*ret = l;
	return 0;
}

/* ---- the socket -------------------------------------------------------------------------------------------------- */

static int make_socket(struct sockaddr_un *a)
{
	char path[PATH_MAX];
	int err = path_buffers(path), fd;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (err == 0 && strlen(path) >= sizeof(a->sun_path))
		err = -ENAMETOOLONG;
	if (err < 0)
		return err;
	strcpy(a->sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

int buffers_listen(void)
{
	struct sockaddr_un a;
	cleanup(closep) int fd = make_socket(&a);

	if (fd < 0)
		return fd;
	if (unlink(a.sun_path) < 0 && errno != ENOENT)	/* of one that died: there is one loaderd, by its lock */
		return -errno;
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(a.sun_path, 0660) < 0 || listen(fd, 4) < 0)
		return -errno;
	return take_fd(&fd);
}

int buffers_connect(void)
{
	struct sockaddr_un a;
	cleanup(closep) int fd = make_socket(&a);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return take_fd(&fd);
}

bool buffers_peer_is(int fd, uid_t uid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == uid || peer.uid == 0);
}
