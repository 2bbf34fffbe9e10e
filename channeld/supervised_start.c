/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker's start, and the socket to it, which outlives neither the worker nor, by the time of a close callback, the
 * child. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "../common/spawn.h"
#include "clock.h"
#include "launcher.h"
#include "perf_buffers.h"
#include "supervised_processors.h"
#include "supervised_start.h"
#include "worker.h"

struct control {
	uv_poll_t poll;
	int fd;
	struct supervised *child;		/* NULL: closing */
};

static void on_control_closed(uv_handle_t *h)
{
	struct control *k = container_of((uv_poll_t *)h, struct control, poll);

	close(k->fd);
	free(k);
}

void control_close(struct supervised *child)
{
	struct control *k = take(child->control);

	if (!k)
		return;
	k->child = NULL;
	uv_close((uv_handle_t *)&k->poll, on_control_closed);
}

/* The worker opens no sockets; its hints are passed on. */
static void on_control(uv_poll_t *p, int status, int events)
{
	struct control *k = container_of(p, struct control, poll);
	struct channeld *c = k->child->channeld;
	char what;
	ssize_t n;

	(void)status, (void)events;
	while ((n = recv(k->fd, &what, 1, MSG_DONTWAIT)) > 0) {
		if (what == WORKER_SAYS_SPOOL && c->to_sinkd)
			wire_send(c->to_sinkd, HINT_SPOOL, k->child->program);
		if (what == WORKER_SAYS_DRAINED && c->to_loaderd)
			wire_send(c->to_loaderd, HINT_DRAINED, k->child->program);
	}
	if (n == 0)
		uv_poll_stop(p);	/* it is dead: SIGCHLD comes */
}

bool control_say(struct supervised *child, char what)
{
	return child->control && send(child->control->fd, &what, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

int supervised_tell(struct supervised *child, char what, int fd)
{
	return child->control ? fdpass_send(child->control->fd, &what, 1, &fd, 1) : -ENOTCONN;
}

static int control_new(struct supervised *child, int *ret_theirs)
{
	struct control *k = calloc(1, sizeof(*k));
	int pair[2], err;

	if (!k)
		return -ENOMEM;
	/* Neither end waits for the other. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
		err = -errno;
		free(k);
		return err;
	}
	k->fd = pair[0];
	k->child = child;
	err = uv_poll_init(svc_loop(child->channeld->svc), &k->poll, k->fd);
	if (err < 0) {
		close(pair[0]);
		close(pair[1]);
		free(k);
		return err;
	}
	child->control = k;
	*ret_theirs = pair[1];
	return uv_poll_start(&k->poll, UV_READABLE, on_control);
}

/* A connection of the worker's own to the launcher, which gets the other end from us. */
static int launcher_connect(const struct supervised *child, int *ret)
{
	static const char message = LAUNCHER_CONNECT;
	int helper = svc_helper_fd(child->channeld->svc), pair[2], err;

	if (helper < 0)
		return -ENOTCONN;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	err = fdpass_send(helper, &message, 1, &pair[1], 1);
	close(pair[1]);
	if (err < 0)
		close(pair[0]);
	else
		*ret = pair[0];
	return err < 0 ? err : 0;
}

/* Descriptors that a worker gets: those that it needs (not -1), and an option for each that says its number. */
struct worker_fds {
	int control, launcher, buffers;
};

static void worker_fds_close(struct worker_fds *w)
{
	closep(&w->control);
	closep(&w->launcher);
	closep(&w->buffers);
}

static pid_t start_worker(struct supervised *child, const struct worker_fds *w)
{
	const struct channeld_conf *conf = svc_conf(child->channeld->svc);
	const struct { char *option; struct spawn_fd fd; } all[] = {
		{ "--control", { w->control, WORKER_FD_CONTROL } },
		{ "--launcher", { w->launcher, WORKER_FD_LAUNCHER } },
		{ "--processors", { child->processors_fd, WORKER_FD_PROCESSORS } },
		{ "--buffers", { w->buffers, WORKER_FD_BUFFERS } },
	};
	struct spawn_fd fds[ARRAY_SIZE(all)];
	char path[PATH_MAX], numbers[ARRAY_SIZE(all)][16], size[24], full[16];
	char *argv[2 * ARRAY_SIZE(all) + 8] = { "ebpf-channeld", "worker", "--spool-size", size, "--spool-full", full };
	char **next = argv + 6;
	struct spawn s = { .path = path, .argv = argv, .fds = fds, .new_session = true };
	int err = spawn_helper_path("ebpf-channeld", path);

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].fd.ours < 0)
			continue;
		fds[s.n_fds++] = all[i].fd;
		snprintf(numbers[i], sizeof(numbers[i]), "%d", all[i].fd.theirs);
		*next++ = all[i].option;
		*next++ = numbers[i];
	}
	*next = child->program;
	snprintf(size, sizeof(size), "%llu", (unsigned long long)conf->spool.size);
	snprintf(full, sizeof(full), "%d", conf->spool.full + SPOOL_FULL_STOP);
	return err < 0 ? err : spawn(&s);
}

int supervised_start(struct supervised *child)
{
	cleanup(worker_fds_close) struct worker_fds fds = { -1, -1, -1 };
	int err = perf_buffers_for_worker(child->manifest, &fds.buffers);
	pid_t pid = 0;

	if (err == 0)
		err = control_new(child, &fds.control);
	if (err == 0)
		err = processors_prepare(child);
	if (err == 0 && processors_any(child))
		err = launcher_connect(child, &fds.launcher);
	if (err == 0) {
		pid = start_worker(child, &fds);
		err = pid < 0 ? pid : 0;
	}
	if (err < 0) {
		control_close(child);
		return err;
	}
	child->pid = pid;
	child->killed = child->told_drain = false;
	child->started_ns = clock_monotonic();
	return 0;
}
