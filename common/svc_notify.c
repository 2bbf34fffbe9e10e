/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the service manager is told. sd_notify() waits until its socket has room, and a manager that is stopped (an
 * "ebpfctl run" under Ctrl-Z) would stop every daemon with it; so the datagram is sent here, or not at all. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "svc_private.h"

int svc_notify(const char *text)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	cleanup(closep) int fd = -1;
	socklen_t len;
	ssize_t n;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(a.sun_path))
		return 0;
	strcpy(a.sun_path, path);
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] == '/');
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	n = sendto(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&a, len);
	return n < 0 ? -errno : 0;
}

/* What it does, and what is wrong with a configuration that was refused. */
static int tell(const struct svc *s, const char *head)
{
	const char *status = s->text[0] ? s->text : "running", *refused = svc_trouble(s, SVC_TROUBLE_CONFIG) ?: "";
	cleanup(freep) char *text = NULL;

	if (asprintf(&text, "%sSTATUS=%s%s%.*s", head, status, *refused ? "; the new configuration is refused: " : "",
		     (int)strcspn(refused, "\n"), refused) < 0)
		return -ENOMEM;
	return svc_notify(text);
}

void svc_notify_ready(struct svc *s)
{
	s->told_ready = tell(s, "READY=1\n") != -EAGAIN;
}

void svc_notify_status(const struct svc *s)
{
	(void)tell(s, "");
}

void svc_notify_reloading(void)
{
	struct timespec t;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu", t.tv_sec * 1000000ULL + t.tv_nsec / 1000);
	(void)svc_notify(text);
}
