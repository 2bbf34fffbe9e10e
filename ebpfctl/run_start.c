/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child is started: with its rights, its descriptors and its environment; again after a pause that doubles; never
 * again if it dies before it was ever ready. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "../abi/names.h"
#include "../common/spawn.h"
#include "run_super.h"
#include "text.h"

#define BACKOFF_FIRST_MS     50
#define BACKOFF_MAX_MS     2000
#define HEALTHY_MS        10000		/* lived as long: the back-off begins anew */
#define EARLY_DEATHS          5		/* without ever having been ready: it never will be */

const struct run_def run_defs[RUN_N] = {
	[RUN_BUS]      = { "ebpf-bus",      NULL,              NULL },
	[RUN_SINKD]    = { "ebpf-sinkd",    AGENT_BUS_SINK,    &rights_sinkd },
	[RUN_CHANNELD] = { "ebpf-channeld", AGENT_BUS_CHANNEL, &rights_channeld },
	[RUN_LOADERD]  = { "ebpf-loaderd",  AGENT_BUS_LOADER,  &rights_loaderd },
	[RUN_TAGD]     = { "ebpf-tagd",     AGENT_BUS_TAG,     &rights_tagd },
	[RUN_XDPD]     = { "ebpf-xdpd",     AGENT_BUS_XDP,     &rights_xdpd },
};

const char *child_name(const struct child *c)
{
	return c->def->rights ? c->def->binary + strlen("ebpf-") : "dbus-daemon";
}

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
	if (!s->gave_up)
		s->gave_up = text_printf("%s cannot be started: %s%s%s", child_name(c), why,
					 c->status[0] ? "; it said: " : "", c->status);
	c->start_at_ms = 0;
}

void child_schedule(struct super *s, struct child *c, int64_t now)
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

void child_start(struct super *s, struct child *c, int64_t now)
{
	bool again = c->cause[0];
	pid_t pid = start_process(s, c);

	c->started_ms = c->last_ping_ms = now;
	c->ready = c->stopping = c->killed = false;
	c->start_at_ms = c->stop_by_ms = 0;
	c->status[0] = '\0';
	if (pid < 0) {
		snprintf(c->cause, sizeof(c->cause), "%s", strerror(-pid));
		child_schedule(s, c, now);
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
