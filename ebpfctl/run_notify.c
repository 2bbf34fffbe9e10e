/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the children say: READY=1, STATUS= and signs of life, each word by whom the kernel says it is from. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "run_super.h"

static void take_word(struct child *c, const char *line, int64_t now)
{
	if (!strcmp(line, "READY=1"))
		c->ready = c->once_ready = true, c->early_deaths = 0;
	else if (!strncmp(line, "STATUS=", 7))
		snprintf(c->status, sizeof(c->status), "%s", line + 7);
	else if (strcmp(line, "WATCHDOG=1"))
		return;
	c->last_ping_ms = now;
}

static pid_t sender_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(c), sizeof(u));
			return u.pid;
		}
	return 0;
}

static bool hear_one(struct super *s, int64_t now)
{
	char text[2048], control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(16 * sizeof(int))], *save = NULL;
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(s->notify_fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	pid_t pid;

	if (n < 0)
		return errno == EINTR;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
				close(((int *)CMSG_DATA(c))[i]);	/* nobody was asked for any */
	pid = sender_of(&m);
	text[n] = '\0';
	for (int i = 0; i < RUN_N; i++)
		if (pid && s->children[i].pid == pid)
			for (char *w = strtok_r(text, "\n", &save); w; w = strtok_r(NULL, "\n", &save))
				take_word(&s->children[i], w, now);
	return true;
}

void notify_hear(struct super *s, int64_t now)
{
	while (hear_one(s, now))
		;
}

int notify_bind(struct super *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup(closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int yes = 1;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/run/notify", s->dir->base);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chown(a.sun_path, 0, s->ids->gid) < 0 ||
	    chmod(a.sun_path, 0660) < 0)
		return -errno;
	s->notify_fd = take_fd(&fd);
	return 0;
}
