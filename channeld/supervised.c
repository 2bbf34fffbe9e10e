/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../common/paths.h"
#include "channeld.h"
#include "clock.h"
#include "perf_buffers.h"
#include "supervised_processors.h"
#include "supervised_start.h"
#include "transport.h"
#include "watch.h"
#include "worker.h"

#define QUICK_NS NSEC_PER_SEC		/* a worker that lived for less died quickly */
#define KILLED_DELAY_MAX_NS (100 * NSEC_PER_MSEC)

/* ---- end ------------------------------------------------------------------------------------------------- */

static void degraded(struct supervised *child, bool is)
{
	char key[96];

	snprintf(key, sizeof(key), "worker:%s", child->program);
	if (is)
		svc_degraded(child->channeld->svc, key, "%s %llu times in a row; tried again seldom", child->last_end,
			     (unsigned long long)child->quick_deaths);
	else
		svc_degraded(child->channeld->svc, key, NULL);
}

/* When to try again. A SIGKILL that we did not send (memory ran out, somebody's test) blames nobody. */
static void plan_restart(struct supervised *child, bool quick, bool sigkill)
{
	const struct channeld_conf *conf = svc_conf(child->channeld->svc);
	uint64_t max = sigkill ? KILLED_DELAY_MAX_NS : conf->restart.delay_max;
	bool was_failed = child->failed;

	if (!quick) {
		child->quick_deaths = 0;
		child->delay_ns = 0;
	} else if (!sigkill) {
		child->quick_deaths++;
	}
	child->delay_ns = MAX(MIN(child->delay_ns * 2, max), conf->restart.delay_min);
	child->failed = child->quick_deaths >= conf->restart.failed_after;
	child->retry_at_ns = clock_monotonic() + (child->failed ? conf->restart.retry : child->delay_ns);
	if (child->failed || was_failed)
		degraded(child, child->failed);
}

void supervised_ended(struct supervised *child, int status)
{
	bool quick = clock_monotonic() - child->started_ns < QUICK_NS;
	bool sigkill = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	if (WIFSIGNALED(status))
		snprintf(child->last_end, sizeof(child->last_end), "killed by signal %d", WTERMSIG(status));
	else
		snprintf(child->last_end, sizeof(child->last_end), "ended with status %d", WEXITSTATUS(status));
	/* 0: it found no manifest; whether that is so is looked at now. */
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		child->listed = false;
	else if (!child->killed && !child->channeld->stopping)
		log_warning("worker of %s (process %d) %s", child->program, (int)child->pid, child->last_end);
	child->pid = 0;
	control_close(child);
	processors_ended(child);
	if (child->gone || child->channeld->stopping)
		return;
	child->restarts++;
	if (child->killed)
		child->retry_at_ns = 0;
	else
		plan_restart(child, quick, sigkill);
}

void supervised_kill(struct supervised *child)
{
	if (!child->pid || child->killed)
		return;
	child->killed = true;
	/* At any instruction it is as good as at any other: what was not committed is still in the ring. */
	kill(child->pid, SIGKILL);
}

/* PROGRAM.spool, what was set aside, snapshots: all that is called PROGRAM.… (no name of a program has a dot). */
void supervised_remove_spool(const char *program)
{
	size_t len = strlen(program);
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	processors_remove_empty(program);
	if (path_spool(program, path) < 0)
		return;
	*strrchr(path, '/') = 0;
	dir = opendir(path);
	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (strncmp(e->d_name, program, len) == 0 && e->d_name[len] == '.' &&
		    unlinkat(dirfd(dir), e->d_name, 0) < 0 && errno != ENOENT)
			log_warning("cannot remove %s/%s: %s", path, e->d_name, strerror(errno));
	closedir(dir);
}

/* ---- look ------------------------------------------------------------------------------------------------ */

static bool manifest_changed(struct supervised *child)
{
	char path[PATH_MAX];
	struct stat st;

	if (path_manifest(child->program, path) < 0 || stat(path, &st) < 0)
		return false;
	if (child->manifest && st.st_ino == child->inode && st.st_mtim.tv_sec == child->mtime.tv_sec &&
	    st.st_mtim.tv_nsec == child->mtime.tv_nsec)
		return false;
	child->inode = st.st_ino;
	child->mtime = st.st_mtim;
	return true;
}

static void stop_watch(struct supervised *child)
{
	watch_free(take(child->watch), child->channeld->svc, child->program);
}

/* The new one first: the same FIFO is open all the time. */
static void hold_pipes(struct supervised *child)
{
	const struct manifest_channel *c = child->manifest->channels.items;

	for (size_t i = 0; i < ARRAY_SIZE(child->pipes); i++) {
		bool is = i < child->manifest->channels.n && c[i].type == CHANNEL_PIPE;
		int fd = is ? pipe_hold(&c[i]) : -1;	/* its worker says why it cannot be opened */

		closep(&child->pipes[i]);
		child->pipes[i] = fd;
	}
}

void supervised_refresh(struct supervised *child)
{
	cleanup(diag_fini) struct diag d = {};
	struct manifest *m, *old = child->manifest;
	cleanup(arena_freep) struct arena *a = NULL;
	int err;

	if (!manifest_changed(child))
		return;
	a = arena_new(0);
	err = a ? manifest_read(a, child->program, &m, &d) : -ENOMEM;
	if (err == -ENOENT)
		return;
	if (err < 0) {
		snprintf(child->last_end, sizeof(child->last_end), "not started: its manifest cannot be read");
		log_error("manifest of %s: %s", child->program, d.error[0] ? d.error : strerror(-err));
		child->inode = 0;	/* again at the next look */
		return;
	}
	if (old && old->generation != m->generation) {
		supervised_kill(child);
		stop_watch(child);
		processors_forget(child);
		child->quick_deaths = child->retry_at_ns = 0;
		if (child->failed)
			degraded(child, false);
		child->failed = false;
	}
	arena_free(child->arena);
	child->arena = take(a);
	child->manifest = m;
	hold_pipes(child);
}

static void tell_drain(struct supervised *child)
{
	if (!child->told_drain && child->manifest->state == MANIFEST_DRAINING)
		child->told_drain = control_say(child, WORKER_TOLD_DRAIN);
}

void supervised_look(struct supervised *child, uint64_t now)
{
	int err;

	if (!child->manifest || child->gone)
		return;
	if (child->pid) {
		tell_drain(child);
		if (child->failed && now - child->started_ns > QUICK_NS) {
			child->failed = false;
			child->quick_deaths = 0;
			degraded(child, false);
		}
		return;
	}
	if (now < child->retry_at_ns)
		return;
	err = supervised_start(child);
	if (err == -EAGAIN) {
		child->retry_at_ns = now + NSEC_PER_SEC;	/* without its buffers yet: supervised_hurry() */
		return;
	}
	if (err == 0) {
		tell_drain(child);
		return;
	}
	snprintf(child->last_end, sizeof(child->last_end), "cannot be started: %s", strerror(-err));
	log_error("worker of %s %s", child->program, child->last_end);
	plan_restart(child, true, false);
}

void supervised_watch(struct supervised *child, uint64_t now)
{
	if (!child->manifest || child->gone)
		return;
	if (!child->watch)
		child->watch = watch_new(child->manifest);
	if (child->watch)
		watch_look(child->watch, child->channeld->svc, child->manifest, now);
}

void supervised_hurry(struct supervised *child)
{
	supervised_kill(child);
	child->retry_at_ns = 0;
}

const char *supervised_state(const struct supervised *child)
{
	if (child->failed)
		return "failed";
	if (!child->pid)
		return child->manifest ? "waiting" : "no manifest";
	if (child->killed)
		return "ending";
	return child->manifest->state == MANIFEST_DRAINING ? "draining" : "running";
}

/* ---- life ------------------------------------------------------------------------------------------------ */

struct supervised *supervised_new(struct channeld *c, const char *program)
{
	struct supervised *child = calloc(1, sizeof(*child));

	if (!child)
		return NULL;
	child->channeld = c;
	child->processors_fd = -1;
	for (size_t i = 0; i < ARRAY_SIZE(child->pipes); i++)
		child->pipes[i] = -1;
	child->program = strdup(program);
	if (!child->program) {
		free(child);
		return NULL;
	}
	return child;
}

void supervised_free(struct supervised *child)
{
	if (child->failed)
		degraded(child, false);
	stop_watch(child);
	processors_forget(child);
	control_close(child);
	for (size_t i = 0; i < ARRAY_SIZE(child->pipes); i++)
		closep(&child->pipes[i]);
	arena_free(child->arena);
	free(child->program);
	free(child);
}
