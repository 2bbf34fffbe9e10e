/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listener.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "spawn.h"

static const char *const while_loading[] = {
	"open", "openat", "access", "faccessat", "faccessat2", "stat", "newfstatat", "readlink", "readlinkat",
};

int listener_new(struct listener *l, int *ret_theirs)
{
	int pair[2];

	listener_close(l);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	*l = (struct listener){ .sock = pair[0], .fd = -1, .loading = true };
	*ret_theirs = pair[1];
	return 0;
}

void listener_close(struct listener *l)
{
	closep(&l->sock);
	closep(&l->fd);
	l->sock = l->fd = -1;
}

int listener_poll_fd(const struct listener *l)
{
	return l->fd >= 0 ? l->fd : l->sock;
}

static void receive(struct listener *l)
{
	size_t n_fds = 1;
	char what;

	if (fdpass_receive(l->sock, &what, 1, &l->fd, &n_fds) <= 0 || n_fds == 0)
		l->fd = -1;
	closep(&l->sock);
	l->sock = -1;
}

static bool is_for_loading(int nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(while_loading); i++)
		if (seccomp_syscall_resolve_name(while_loading[i]) == nr)
			return true;
	return false;
}

/* Whether a call waits; to take it before one does would block. No listener any more: its sandbox is gone. */
static bool is_asked(struct listener *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	if (poll(&p, 1, 0) > 0 && !(p.revents & POLLIN) && (p.revents & (POLLHUP | POLLNVAL)))
		listener_close(l);
	return p.revents & POLLIN;
}

static int refused_call(const struct seccomp_data *d)
{
	return d->nr == SYS_seccomp && d->args[0] == LISTENER_TELLS ? (int)d->args[1] : d->nr;
}

/* The sizes of what these two take are a part of their numbers. */
static void answer_one(const struct listener *l, void (*on_refused)(void *arg, int nr), void *arg)
{
	struct seccomp_notif asked = { 0 };
	struct seccomp_notif_resp answer = { .error = -EPERM };

	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return;		/* a signal or its end came before */
	answer.id = asked.id;
	if (l->loading && is_for_loading(asked.data.nr)) {
		answer.error = 0;
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	}
	/* One that a signal took back in the meantime asks again. */
	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0 && answer.error)
		on_refused(arg, refused_call(&asked.data));
}

void listener_answer(struct listener *l, void (*on_refused)(void *arg, int nr), void *arg)
{
	if (l->fd < 0)
		receive(l);
	for (int i = 0; i < LISTENER_ANSWERS_MAX && l->fd >= 0 && is_asked(l); i++)
		answer_one(l, on_refused, arg);
}
