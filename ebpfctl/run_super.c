/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd is to the units, in small: starts the children with their rights, hears READY=1 and the watchdog, starts
 * again what dies, and stops all in order. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "../abi/console.h"
#include "../abi/names.h"
#include "../common/spawn.h"
#include "run.h"

#define WATCHDOG_MS       10000
#define START_MS          30000		/* to READY=1 */
#ifdef AGENT_SAN
#define STOP_MS           15000		/* leaks are looked for at exit */
#else
#define STOP_MS            3000		/* from SIGTERM to SIGKILL */
#endif
#define ABORT_MS           2000		/* from SIGABRT to SIGKILL */
#define BACKOFF_FIRST_MS     50
#define BACKOFF_MAX_MS     2000
#define HEALTHY_MS        10000		/* lived as long: the back-off begins anew */
#define EARLY_DEATHS          5		/* without ever having been ready: it never will be */
#define IDLE_MS            1000

const struct run_def run_defs[RUN_N] = {
	[RUN_BUS]      = { "ebpf-bus",      NULL,              NULL },
	[RUN_SINKD]    = { "ebpf-sinkd",    AGENT_BUS_SINK,    &rights_sinkd },
	[RUN_CHANNELD] = { "ebpf-channeld", AGENT_BUS_CHANNEL, &rights_channeld },
	[RUN_LOADERD]  = { "ebpf-loaderd",  AGENT_BUS_LOADER,  &rights_loaderd },
	[RUN_TAGD]     = { "ebpf-tagd",     AGENT_BUS_TAG,     &rights_tagd },
	[RUN_XDPD]     = { "ebpf-xdpd",     AGENT_BUS_XDP,     &rights_xdpd },
};

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static const char *child_name(const struct child *c)
{
	return c->def->rights ? c->def->binary + strlen("ebpf-") : "dbus-daemon";
}

/* ---- starting ------------------------------------------------------------------------------------------- */

static int start_console(struct super *s, struct spawn_fd *fds, size_t *n)
{
	int fd = s->console(s->arg);

	if (fd < 0)
		return fd;
	fds[(*n)++] = (struct spawn_fd){ fd, 3 };
	return 0;
}

static pid_t start_process(struct super *s, struct child *c)
{
	bool is_bus = c->def == &run_defs[RUN_BUS], is_sinkd = c->def == &run_defs[RUN_SINKD];
	struct spawn_fd fds[4] = { { s->null_fd, 0 }, { 2, 1 } };	/* stdout is for events alone */
	char path[PATH_MAX], conf[PATH_MAX], notify[PATH_MAX];
	char *daemon_argv[] = { path, s->verbose ? NULL : "--log-level", "warning", NULL };
	char *bus_argv[] = { path, conf, "--nofork", "--nopidfile", "--nosyslog", NULL };
	ptrdiff_t i = c - s->children;
	struct spawn spawn_it = {
		.path = path, .argv = is_bus ? bus_argv : daemon_argv, .fds = fds, .n_fds = 2, .change_id = true,
		.uid = s->ids->uid[i], .gid = is_bus ? s->ids->bus_gid : s->ids->gid,
		.ambient_caps = is_bus ? 0 : c->def->rights->start_caps, .new_session = true,
		.listen_pid = is_bus || is_sinkd,
	};
	char **env;
	pid_t pid;
	int err = 0;

	snprintf(path, sizeof(path), "%s/run/libexec/%s", s->dir->base, c->def->binary);
	snprintf(conf, sizeof(conf), "--config-file=%s/config/bus.conf", s->dir->base);
	snprintf(notify, sizeof(notify), "%s/run/notify", s->dir->base);
	if (is_bus) {
		snprintf(path, sizeof(path), "%s", run_bus_binary() ?: "dbus-daemon");
		fds[spawn_it.n_fds++] = (struct spawn_fd){ s->bus_socket, 3 };
	} else if (is_sinkd) {
		err = start_console(s, fds, &spawn_it.n_fds);
	}
	if (err < 0)
		return err;
	env = super_env(s, is_bus ? NULL : notify);
	spawn_it.envp = env;
	pid = env ? spawn(&spawn_it) : -ENOMEM;
	strv_free(env);
	if (is_sinkd)
		close(fds[2].ours);	/* or the pipe would never be at its end */
	return pid;
}

static void give_up(struct super *s, struct child *c, const char *why)
{
	if (!s->gave_up && asprintf(&s->gave_up, "%s cannot be started: %s%s%s", child_name(c), why,
				    c->status[0] ? "; it said: " : "", c->status) < 0)
		abort();
	c->start_at_ms = 0;
}

static void schedule(struct super *s, struct child *c, int64_t now)
{
	if (!c->once_ready && ++c->early_deaths >= EARLY_DEATHS) {
		give_up(s, c, c->cause);
		return;
	}
	if (c->started_ms && now - c->started_ms > HEALTHY_MS)
		c->backoff_ms = 0;
	c->backoff_ms = c->backoff_ms ? MIN(c->backoff_ms * 2, (unsigned)BACKOFF_MAX_MS) : BACKOFF_FIRST_MS;
	c->start_at_ms = now + c->backoff_ms;
}

static void start_child(struct super *s, struct child *c, int64_t now)
{
	bool again = c->cause[0];
	pid_t pid = start_process(s, c);

	c->started_ms = c->last_ping_ms = now;
	c->ready = c->stopping = c->killed = false;
	c->start_at_ms = c->stop_by_ms = 0;
	c->status[0] = '\0';
	if (pid < 0) {
		snprintf(c->cause, sizeof(c->cause), "%s", strerror(-pid));
		schedule(s, c, now);
		return;
	}
	c->pid = pid;
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->pidfd >= 0)
		fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
	/* dbus-daemon says nothing; its socket takes callers from the beginning. */
	if (c->def == &run_defs[RUN_BUS])
		c->ready = c->once_ready = true;
	if (again)
		fprintf(stderr, "%s died (%s), started again\n", child_name(c), c->cause);
}

/* ---- deaths --------------------------------------------------------------------------------------------- */

static void describe_death(struct child *c, const siginfo_t *how)
{
	if (how->si_code == CLD_EXITED)
		snprintf(c->cause, sizeof(c->cause), "status %d", how->si_status);
	else
		snprintf(c->cause, sizeof(c->cause), "SIG%s", sigabbrev_np(how->si_status) ?: "?");
}

static void reap(struct super *s, struct child *c, int64_t now)
{
	siginfo_t how = {};
	bool ready = c->ready;

	if (!c->pid || waitid(P_PID, (id_t)c->pid, &how, WEXITED | WNOHANG) < 0 || how.si_pid == 0)
		return;
	describe_death(c, &how);
	if (c->pidfd >= 0)
		close(c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	c->ready = false;
	if (c->stopping) {
		/* dbus-daemon has no orderly stop: SIGTERM is its end. So it is of a daemon that was only beginning. */
		bool exited = how.si_code == CLD_EXITED && how.si_status == 0;
		bool begun = !ready && how.si_code == CLD_KILLED && how.si_status == SIGTERM;
		bool well = !c->killed && (exited || begun || c->def == &run_defs[RUN_BUS]);

		if (!well)
			fprintf(stderr, "ebpfctl: %s did not stop well (%s)\n", child_name(c), c->cause);
		s->failed = s->failed || !well;
	} else if (!s->stopping) {
		schedule(s, c, now);
	}
}

static void kill_child(struct child *c, int number)
{
	if (c->pid)
		kill(c->pid, number);	/* not reaped yet, so the pid is still its own */
}

/* Silent for too long: a core for whoever wants to know why, and then no more patience. */
static void check_watchdog(struct child *c, int64_t now)
{
	int64_t limit = c->ready ? WATCHDOG_MS : START_MS;

	if (!c->pid || c->stopping || c->def == &run_defs[RUN_BUS])
		return;
	if (c->stop_by_ms && now >= c->stop_by_ms) {
		kill_child(c, SIGKILL);
		c->stop_by_ms = 0;
		c->last_ping_ms = now;
	} else if (!c->stop_by_ms && now - c->last_ping_ms > limit) {
		fprintf(stderr, "ebpfctl: %s %s\n", child_name(c),
			c->ready ? "gave no sign of life for 10 s" : "is not ready after 30 s");
		kill_child(c, SIGABRT);
		c->stop_by_ms = now + ABORT_MS;
	}
}

/* ---- what the children say ------------------------------------------------------------------------------ */

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

static int bind_notify(struct super *s)
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

/* ---- stopping ------------------------------------------------------------------------------------------- */

/* One after the other, last started first; each has died before the next is told. */
static void stop_next(struct super *s, int64_t now)
{
	for (int i = RUN_N - 1; i >= 0; i--) {
		struct child *c = &s->children[i];

		if (!c->pid)
			continue;
		if (!c->stopping) {
			c->stopping = true;
			c->stop_by_ms = now + STOP_MS;
			kill_child(c, SIGTERM);
			kill_child(c, SIGCONT);
		} else if (!c->killed && now >= c->stop_by_ms) {
			c->killed = true;
			kill_child(c, SIGKILL);
		}
		return;
	}
}

void super_stop(struct super *s)
{
	s->stopping = true;
	for (int i = 0; i < RUN_N; i++)
		s->children[i].start_at_ms = 0;
}

bool super_all_stopped(const struct super *s)
{
	for (int i = 0; i < RUN_N; i++)
		if (s->children[i].pid)
			return false;
	return s->stopping;
}

bool super_all_ready(const struct super *s)
{
	for (int i = 0; i < RUN_N; i++)
		if (!s->children[i].ready)
			return false;
	return true;
}

/* ---- the loop's side ------------------------------------------------------------------------------------ */

int super_start(struct super *s, char why[256])
{
	int err;

	for (int i = 0; i < RUN_N; i++)
		s->children[i] = (struct child){ .def = &run_defs[i], .pidfd = -1 };
	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	err = s->null_fd < 0 ? -errno : bind_notify(s);
	if (err) {
		snprintf(why, 256, "%s/run/notify: %s", s->dir->base, strerror(-err));
		return err;
	}
	for (int i = 0; i < RUN_N; i++)
		start_child(s, &s->children[i], now_ms());
	return 0;
}

size_t super_poll(const struct super *s, struct pollfd *ret)
{
	size_t n = 0;

	ret[n++] = (struct pollfd){ .fd = s->notify_fd, .events = POLLIN };
	for (int i = 0; i < RUN_N; i++)
		if (s->children[i].pidfd >= 0)
			ret[n++] = (struct pollfd){ .fd = s->children[i].pidfd, .events = POLLIN };
	return n;
}

/* When something is due by the clock alone. */
static int next_due(const struct super *s, int64_t now)
{
	int64_t due = now + IDLE_MS;

	for (int i = 0; i < RUN_N; i++) {
		const struct child *c = &s->children[i];

		if (c->start_at_ms)
			due = MIN(due, c->start_at_ms);
		if (c->stop_by_ms && !c->killed)
			due = MIN(due, c->stop_by_ms);
	}
	return (int)MAX(due - now, 0);
}

int super_look(struct super *s, int64_t now)
{
	while (hear_one(s, now))
		;
	for (int i = 0; i < RUN_N; i++) {
		struct child *c = &s->children[i];

		reap(s, c, now);
		check_watchdog(c, now);
		if (!c->pid && c->start_at_ms && now >= c->start_at_ms && !s->stopping)
			start_child(s, c, now);
	}
	if (s->stopping)
		stop_next(s, now);
	return next_due(s, now);
}

void super_fini(struct super *s)
{
	for (int i = RUN_N - 1; i >= 0; i--) {
		struct child *c = &s->children[i];

		if (c->pid) {
			kill_child(c, SIGKILL);
			while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		if (c->def && c->pidfd >= 0)
			close(c->pidfd);
		c->pid = 0;
	}
	closep(&s->notify_fd);
	closep(&s->bus_socket);
	closep(&s->null_fd);
	free(take(s->gave_up));
}
