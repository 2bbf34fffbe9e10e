/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that goes: its functions of type unload are called by `ebpf-load unload`, which gets all it needs out of
 * the manifest and the artifact cache. Whatever goes wrong is said, and the program goes all the same. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../common/paths.h"
#include "../common/spawn.h"
#include "job.h"
#include "job_run.h"

#define FAREWELLS_MAX 8		/* at the same time */
#define START_MS      12000	/* what a child needs besides its calls, each object's loading included */

struct farewell {
	struct entry *e;
	struct loaderd *d;
	void (*done)(struct entry *e);
	pid_t pid;
	int pidfd, sock;
	uv_poll_t exit_poll, sock_poll;
	uv_timer_t timer;
	int open;		/* handles */
	struct {
		unsigned type;	/* JOB_ARTIFACT, JOB_INITFILE */
		size_t item;
		const char *sha256;
	} files[2 * PROGRAM_MAX_ITEMS];
	size_t n_files, sent;	/* messages: BEGIN, LIMITS, one per file, GO */
	bool told, late;
	unsigned logged;	/* lines */
};

static bool has_unload(const struct manifest_item *i)
{
	const struct manifest_function *f = i->functions.items;

	for (size_t k = 0; k < i->functions.n; k++)
		if (f[k].type == FUNCTION_UNLOAD)
			return true;
	return false;
}

static size_t count_calls(const struct manifest *m)
{
	const struct manifest_item *i = m->items.items;
	size_t n = 0;

	for (size_t k = 0; k < m->items.n; k++) {
		const struct manifest_function *f = i[k].functions.items;

		for (size_t j = 0; has_unload(&i[k]) && j < i[k].functions.n; j++)
			n += f[j].type == FUNCTION_UNLOAD || f[j].type == FUNCTION_INIT;
	}
	return n;
}

/* ---- its end ---------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
	struct farewell *f = h->data;

	if (--f->open > 0)
		return;
	closep(&f->sock);
	closep(&f->pidfd);
	free(f);
}

static void end(struct farewell *f)
{
	f->e->farewell = NULL;
	f->e->said_farewell = true;
	f->d->n_farewells--;
	uv_close((uv_handle_t *)&f->exit_poll, on_closed);
	uv_close((uv_handle_t *)&f->sock_poll, on_closed);
	uv_close((uv_handle_t *)&f->timer, on_closed);
}

void farewell_drop(struct farewell *f)
{
	if (!f)
		return;
	kill(f->pid, SIGKILL);
	job_reap(f->pid, NULL);
	end(f);
}

/* ---- what it is told -------------------------------------------------------------------------------------------- */

static void add_files(struct farewell *f)
{
	const struct manifest_item *i = f->e->manifest->items.items;

	for (size_t k = 0; k < f->e->manifest->items.n && k < PROGRAM_MAX_ITEMS; k++) {
		if (!has_unload(&i[k]))
			continue;
		f->files[f->n_files].type = JOB_ARTIFACT;
		f->files[f->n_files].item = k;
		f->files[f->n_files++].sha256 = i[k].sha256;
		if (!i[k].initfile_sha256)
			continue;
		f->files[f->n_files].type = JOB_INITFILE;
		f->files[f->n_files].item = k;
		f->files[f->n_files++].sha256 = i[k].initfile_sha256;
	}
}

static int open_manifest(const struct farewell *f, int *ret_fd)
{
	cleanup(freep) char *json = manifest_format(f->e->manifest);
	cleanup(closep) int fd = memfd_create("manifest", MFD_CLOEXEC);
	size_t len = json ? strlen(json) : 0;

	if (!json || fd < 0 || write(fd, json, len) != (ssize_t)len)
		return -ENOMEM;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* -ENODATA: there is no more. *ret_fd is to be closed. */
static int next_message(const struct farewell *f, struct job_message *m, int *ret_fd)
{
	size_t file = f->sent - 2;
	int err;

	*m = (struct job_message){ .type = JOB_GO };
	*ret_fd = -1;
	if (f->sent == 0) {
		m->type = JOB_BEGIN;
		m->value = f->e->manifest->generation;
		return open_manifest(f, ret_fd);
	}
	if (f->sent == 1) {
		m->type = JOB_LIMITS;
		m->value = f->d->conf->functions.memory;
		m->more = f->d->conf->functions.deadline_ns;
		return 0;
	}
	if (file >= f->n_files)
		return file == f->n_files ? 0 : -ENODATA;
	m->type = f->files[file].type;
	m->value = f->files[file].item;
	err = f->files[file].sha256 ? path_artifact(f->files[file].sha256, m->a) : -ENOENT;
	if (err)
		return err;
	*ret_fd = open(m->a, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return *ret_fd < 0 ? -errno : 0;
}

/* 1: all is sent; 0: the rest when there is room. */
static int send_some(struct farewell *f)
{
	for (;;) {
		cleanup(closep) int fd = -1;
		struct job_message m;
		int err = next_message(f, &m, &fd);

		if (!err)
			err = fdpass_send(f->sock, &m, sizeof(m), &fd, fd >= 0);
		if (err)
			return err == -ENODATA ? 1 : err == -EAGAIN ? 0 : err;
		f->sent++;
	}
}

/* ---- what it says ----------------------------------------------------------------------------------------------- */

static void on_message(struct farewell *f, struct job_message *m)
{
	switch (m->type) {
	case JOB_LOG:
		job_log(f->e, &f->logged, m->a);
		break;
	case JOB_DONE:
		f->told = true;
		break;
	case JOB_FAILED:
		f->told = true;
		diag_make_printable(m->a);
		log_warning("%s: %s; it is unloaded all the same", f->e->name, m->a);
		break;
	}
}

/* False: there will be no more. */
static bool read_all(struct farewell *f)
{
	struct job_message m;

	for (;;) {
		size_t no_fds = 0;
		ssize_t n = fdpass_receive(f->sock, &m, sizeof(m), NULL, &no_fds);

		if (n != sizeof(m))
			return n == -EAGAIN;
		m.a[sizeof(m.a) - 1] = m.b[sizeof(m.b) - 1] = '\0';
		on_message(f, &m);
	}
}

static void on_sock_poll(uv_poll_t *p, int status, int events);

static void arm(struct farewell *f, bool more)
{
	uv_poll_start(&f->sock_poll, UV_READABLE | (more ? UV_WRITABLE : 0), on_sock_poll);
}

static void on_sock_poll(uv_poll_t *p, int status, int events)
{
	struct farewell *f = p->data;
	int r;

	(void)status, (void)events;
	if (!read_all(f)) {
		uv_poll_stop(p);	/* on_exit_poll() follows */
		return;
	}
	r = f->told ? 1 : send_some(f);
	if (r < 0) {
		log_warning("%s: its unload functions cannot be called: %s", f->e->name, strerror(-r));
		f->told = true;
		kill(f->pid, SIGKILL);
	}
	arm(f, r == 0);
}

static void on_exit_poll(uv_poll_t *p, int status, int events)
{
	struct farewell *f = p->data;
	struct entry *e = f->e;
	void (*done)(struct entry *) = f->done;
	int how = 0;

	(void)status, (void)events;
	read_all(f);		/* its last words may still lie there */
	job_reap(f->pid, &how);
	if (f->late)
		log_warning("%s: its unload functions took too long; it is unloaded all the same", e->name);
	else if (!f->told)
		log_warning("%s: ebpf-load ended without a word when its unload functions were called (%s %d)", e->name,
			    WIFSIGNALED(how) ? "signal" : "status",
			    WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
	end(f);
	done(e);
}

static void on_timeout(uv_timer_t *t)
{
	struct farewell *f = t->data;

	f->late = true;
	kill(f->pid, SIGKILL);	/* the rest when it is gone */
}

/* ---- its beginning ---------------------------------------------------------------------------------------------- */

static void watch(struct farewell *f)
{
	struct loaderd *d = f->d;
	uint64_t calls_ms = count_calls(f->e->manifest) * d->conf->functions.deadline_ns / NSEC_PER_MSEC;

	uv_poll_init(d->loop, &f->exit_poll, f->pidfd);
	uv_poll_init(d->loop, &f->sock_poll, f->sock);
	uv_timer_init(d->loop, &f->timer);
	f->exit_poll.data = f->sock_poll.data = f->timer.data = f;
	f->open = 3;
	uv_poll_start(&f->exit_poll, UV_READABLE, on_exit_poll);
	arm(f, true);
	uv_timer_start(&f->timer, on_timeout, START_MS * f->e->manifest->items.n + calls_ms, 0);
	d->n_farewells++;
	f->e->farewell = f;
}

int farewell_start(struct entry *e, void (*done)(struct entry *e))
{
	struct farewell *f;
	int err;

	if (e->said_farewell || !e->manifest || !count_calls(e->manifest))
		return -ENOENT;
	if (e->d->n_farewells >= FAREWELLS_MAX)
		return -EAGAIN;
	f = calloc(1, sizeof(*f));
	err = f ? 0 : -ENOMEM;
	if (f) {
		*f = (struct farewell){ .e = e, .d = e->d, .done = done, .pidfd = -1, .sock = -1 };
		add_files(f);
		err = job_spawn("unload", &f->pid, &f->pidfd, &f->sock);
	}
	if (!err) {
		watch(f);
		return 0;
	}
	log_warning("%s: its unload functions cannot be called: %s; it is unloaded all the same", e->name,
		    strerror(-err));
	e->said_farewell = true;
	free(f);
	return err;
}
