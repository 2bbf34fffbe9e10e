/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one process with more rights that a daemon may have: started first, watched, and stopped last. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "spawn.h"
#include "svc_private.h"

#define HELPER_FD      3	/* its end of the socket */
#define STOP_WAIT_MS 1000

int svc_helper_start(struct svc *s)
{
	const struct rights *r = s->def->rights;
	char path[PATH_MAX], *argv[] = { (char *)r->helper, NULL };
	int pair[2], err = spawn_helper_path(r->helper, path);
	struct spawn child = { .path = path, .argv = argv, .n_fds = 1, .ambient_caps = r->helper_caps,
			       .new_session = true };
	struct spawn_fd fd;
	pid_t pid;

	if (err < 0)
		return err;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	fd = (struct spawn_fd){ pair[1], HELPER_FD };
	child.fds = &fd;
	pid = spawn(&child);
	close(pair[1]);
	if (pid < 0) {
		log_error("cannot start %s: %s", path, strerror(-pid));
		close(pair[0]);
		return pid;
	}
	s->helper = pid;
	s->helper_fd = pair[0];
	/* By pid, not SIGCHLD: daemons have other children, and reap those themselves. */
	s->helper_pidfd = syscall(SYS_pidfd_open, pid, 0);
	return s->helper_pidfd < 0 ? -errno : 0;
}

static void on_helper_end(uv_poll_t *p, int status, int events)
{
	struct svc *s = p->data;
	int how = 0;

	(void)status, (void)events;
	uv_poll_stop(p);
	if (waitpid(s->helper, &how, WNOHANG) != s->helper)
		how = 0;
	s->helper = 0;
	if (s->stopping)
		return;
	if (WIFSIGNALED(how))
		log_error("%s was killed by signal %d; without it this cannot go on", s->def->rights->helper,
			  WTERMSIG(how));
	else
		log_error("%s ended with status %d; without it this cannot go on", s->def->rights->helper,
			  WEXITSTATUS(how));
	svc_stop(s, EXIT_FAILURE);
}

int svc_helper_watch(struct svc *s)
{
	int err;

	if (s->helper_pidfd < 0)
		return 0;
	err = uv_poll_init(&s->loop, &s->helper_poll, s->helper_pidfd);
	s->helper_poll.data = s;
	return err < 0 ? err : uv_poll_start(&s->helper_poll, UV_READABLE, on_helper_end);
}

/* Its socket's end tells it to go. */
void svc_helper_stop(struct svc *s)
{
	struct pollfd p = { .fd = s->helper_pidfd, .events = POLLIN };

	if (s->helper_fd >= 0)
		close(s->helper_fd);
	if (s->helper > 0) {
		if (poll(&p, 1, STOP_WAIT_MS) == 0)
			kill(s->helper, SIGKILL);
		while (waitpid(s->helper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (s->helper_pidfd >= 0)
		close(s->helper_pidfd);
	s->helper_fd = s->helper_pidfd = -1;
	s->helper = 0;
}
