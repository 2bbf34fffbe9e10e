/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd is to the units, in small: starts the children with their rights, hears READY=1 and the watchdog, starts
 * again what dies, and stops all in order. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "run_super.h"

#define WATCHDOG_MS       10000
#define START_MS          30000		/* to READY=1 */
#ifdef AGENT_SAN
#define STOP_MS           15000		/* leaks are looked for at exit */
#else
#define STOP_MS           10000		/* from SIGTERM to SIGKILL: a disk may take its time; as the units have it */
#endif
#define ABORT_MS           2000		/* from SIGABRT to SIGKILL */
#define IDLE_MS            1000

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
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
		child_schedule(s, c, now);
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
	err = s->null_fd < 0 ? -errno : notify_bind(s);
	if (err) {
		snprintf(why, 256, "%s/run/notify: %s", s->dir->base, strerror(-err));
		return err;
	}
	for (int i = 0; i < RUN_N; i++)
		child_start(s, &s->children[i], now_ms());
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
	notify_hear(s, now);
	for (int i = 0; i < RUN_N; i++) {
		struct child *c = &s->children[i];

		reap(s, c, now);
		check_watchdog(c, now);
		if (!c->pid && c->start_at_ms && now >= c->start_at_ms && !s->stopping)
			child_start(s, c, now);
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
