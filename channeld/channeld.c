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

/* ---- which programs there are -------------------------------------------------------------------------- */

struct supervised *channeld_find(const struct channeld *c, const char *program)
{
	for (struct supervised *child = c->children; child; child = child->next)
		if (strcmp(child->program, program) == 0)
			return child;
	return NULL;
}

static int on_manifest(const char *program, void *arg)
{
	struct channeld *c = arg;
	struct supervised *child = channeld_find(c, program), **place = &c->children;

	if (!conf_name_valid(program))
		return 0;
	if (!child) {
		child = supervised_new(c, program);
		if (!child)
			return -ENOMEM;
		while (*place && strcmp((*place)->program, program) < 0)
			place = &(*place)->next;
		child->next = *place;
		*place = child;
	}
	/* One of the same name may come back before the old worker is dead: then first that one's end. */
	child->listed = true;
	supervised_refresh(child);
	return 0;
}

/* A folder that changes while it is read may hide what is in it, and a spool is not removed on a guess. */
static bool has_manifest(const char *program)
{
	char path[PATH_MAX];

	return path_manifest(program, path) == 0 && access(path, F_OK) == 0;
}

/* Without a manifest: the worker first, then its spool. */
static void remove_gone(struct channeld *c)
{
	for (struct supervised **p = &c->children; *p;) {
		struct supervised *child = *p;

		child->gone |= !child->listed && !has_manifest(child->program);
		if (child->gone && child->pid)
			supervised_kill(child);
		if (!child->gone || child->pid) {
			p = &child->next;
			continue;
		}
		*p = child->next;
		supervised_remove_spool(child->program);
		supervised_free(child);
	}
}

/* Spools of programs that were unloaded while no channeld ran. */
static void sweep_spools(struct channeld *c)
{
	char path[PATH_MAX], *end;
	struct dirent *e;
	DIR *dir;

	if (path_spool("x", path) < 0)
		return;
	*strrchr(path, '/') = 0;
	dir = opendir(path);
	if (!dir)
		return;
	while ((e = readdir(dir))) {
		end = strchr(e->d_name, '.');
		if (!end || end == e->d_name)
			continue;
		*end = 0;
		if (conf_name_valid(e->d_name) && !channeld_find(c, e->d_name) && !has_manifest(e->d_name))
			supervised_remove_spool(e->d_name);
	}
	closedir(dir);
}

/* ---- workers ------------------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *t);

/* The next delayed start, to the millisecond; the daemon's own tick would do for none of the short ones. */
static void set_timer(struct channeld *c, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (const struct supervised *child = c->children; child; child = child->next)
		if (!child->pid && child->manifest)
			next = MIN(next, child->retry_at_ns);
	if (next == UINT64_MAX) {
		uv_timer_stop(&c->timer);
		return;
	}
	uv_update_time(svc_loop(c->svc));
	uv_timer_start(&c->timer, on_timer, next > now ? (next - now) / NSEC_PER_MSEC + 1 : 1, 0);
}

static void look_at_children(struct channeld *c)
{
	uint64_t now = clock_monotonic();
	size_t n = 0, running = 0;

	for (struct supervised *child = c->children; child; child = child->next) {
		supervised_look(child, now);
		supervised_watch(child, now);
		processors_look(child);
		n++;
		running += child->pid != 0;
	}
	svc_status(c->svc, "%zu program%s, %zu worker%s", n, n == 1 ? "" : "s", running, running == 1 ? "" : "s");
	set_timer(c, now);
}

static void on_timer(uv_timer_t *t)
{
	look_at_children(t->data);
}

/* The helper is svc's to reap: each worker by its pid. */
static void on_sigchld(uv_signal_t *h, int signum)
{
	struct channeld *c = h->data;
	int status;

	(void)signum;
	for (struct supervised *child = c->children; child; child = child->next)
		if (child->pid && waitpid(child->pid, &status, WNOHANG) == child->pid)
			supervised_ended(child, status);
	if (c->stopping)
		return;
	remove_gone(c);
	look_at_children(c);
}

/* ---- the daemon ---------------------------------------------------------------------------------------- */

void channeld_look(void *self)
{
	struct channeld *c = self;

	for (struct supervised *child = c->children; child; child = child->next)
		child->listed = false;
	if (manifest_each(on_manifest, c) < 0)
		return;			/* not read to its end: nobody is gone for that */
	if (!c->swept) {
		sweep_spools(c);
		c->swept = true;
	}
	remove_gone(c);
	perf_buffers_sweep(c);
	perf_buffers_look(c);
	look_at_children(c);
}

/* What workers are told when they start holds for the next; what processors may use, at once. */
int channeld_reload(void *self, const void *conf)
{
	struct channeld *c = self;

	for (struct supervised *child = c->children; child; child = child->next)
		processors_reload(child, conf);
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct channeld *c = h->data;

	if (--c->n_handles == 0)
		free(c);
}

static int start_handles(struct channeld *c)
{
	uv_loop_t *loop = svc_loop(c->svc);
	int err = uv_timer_init(loop, &c->timer);

	c->timer.data = c->sigchld.data = c;
	if (err < 0)
		return err;
	c->n_handles++;
	err = uv_signal_init(loop, &c->sigchld);
	if (err < 0)
		return err;
	c->n_handles++;
	return uv_signal_start(&c->sigchld, on_sigchld, SIGCHLD);
}

/* Where nobody did so before (systemd/tmpfiles.conf), the folder that @path gives the files of programs in. */
static void make_folder(int (*path)(const char *program, char *ret), mode_t mode)
{
	char folder[PATH_MAX];

	if (path("x", folder) < 0)
		return;
	*strrchr(folder, '/') = 0;
	if (mkdir(folder, mode & 0777) == 0)
		(void)!chmod(folder, mode);
}

int channeld_start(struct svc *s, void **ret_self)
{
	struct channeld *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->svc = s;
	make_folder(path_spool, 02770);
	make_folder(path_dead_letter, 02750);
	err = wire_connect("sinkd", &c->to_sinkd);
	if (err == 0)
		err = wire_connect("loaderd", &c->to_loaderd);
	if (err == 0)
		err = start_handles(c);
	if (err < 0) {
		channeld_stop(c);
		return err;
	}
	*ret_self = c;
	return 0;
}

void channeld_stop(void *self)
{
	struct channeld *c = self;
	struct supervised *child;

	c->stopping = true;
	for (child = c->children; child; child = child->next)
		supervised_kill(child);
	while ((child = c->children)) {
		if (child->pid)
			while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
				;
		c->children = child->next;
		supervised_free(child);
	}
	perf_buffers_stop(c);
	wire_free(c->to_sinkd);
	wire_free(c->to_loaderd);
	if (c->n_handles == 0) {
		free(c);
		return;
	}
	if (c->n_handles == 2)
		uv_close((uv_handle_t *)&c->sigchld, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}
