/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One load: parse and refuse here, artifacts by the broker, everything else in a child that may crash or hang.
 * Nothing in here waits; a job ends exactly once, in job_finish(): when its child is gone, or before there is one. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "broker_client.h"
#include "buffers.h"
#include "job_run.h"

#define LOADS_MAX 32		/* at the same time */

static void job_free(struct job *j)
{
	closep(&j->yaml);
	for (size_t k = 0; k < j->n_files; k++)
		closep(&j->files[k].fd);
	closep(&j->sock);
	closep(&j->pidfd);
	closep(&j->result);
	outcome_fini(&j->outcome);
	while (j->cached) {
		struct cached *c = j->cached;

		j->cached = c->next;
		free(c);
	}
	arena_free(j->arena);
	free(j);
}

static void on_closed(uv_handle_t *h)
{
	struct job *j = h->data;

	if (--j->open == 0)
		job_free(j);
}

static void job_close(struct job *j)
{
	struct job **at = &j->d->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	broker_forget(j->d->broker, j);
	buffers_forget(j->d->buffers, j);
	if (j->pid)
		uv_close((uv_handle_t *)&j->exit_poll, on_closed);
	if (j->pid)
		uv_close((uv_handle_t *)&j->sock_poll, on_closed);
	uv_close((uv_handle_t *)&j->timer, on_closed);
}

static void tell_loaded(const struct entry *e)
{
	const struct conf_strs *degraded = &e->manifest->degraded;

	log_info("%s is loaded (generation %lu)", e->name, (unsigned long)e->manifest->generation);
	for (size_t k = 1; k < degraded->n; k++)	/* the first one is said as the daemon's state */
		log_warning("%s: %s", e->name, degraded->s[k]);
}

void job_finish(struct job *j)
{
	struct entry *e = j->entry;

	e->job = NULL;
	if (!j->outcome.error && j->result < 0)
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: ebpf-load ended without a word", e->name);
	if (!j->outcome.error)
		job_take_manifest(j);
	if (j->outcome.error) {
		/* Whoever asked is told; a declared program's trouble is the daemon's, too. */
		log_info("%s was not loaded: %s", e->name, j->outcome.text);
		job_clean_up(j);
		j->done(j->arg, NULL, &j->outcome);
		entry_remove(e);
	} else {
		entry_set_state(e, ENTRY_LOADED);
		buffers_loaded(j->d->buffers, e->name);
		loaderd_hint(j->d, e->name);
		tell_loaded(e);
		j->done(j->arg, e, &j->outcome);
	}
	job_close(j);
}

void job_tell(struct job *j, unsigned percent, const char *fmt, ...)
{
	char text[128];
	va_list args;

	if (!j->progress || percent <= j->percent)
		return;		/* a child may say what it likes */
	j->percent = percent;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	j->progress(j->arg, j->entry, percent, text);
}

static void stop(struct job *j, const char *error, const char *why)
{
	outcome_fail(&j->outcome, error, "%s: %s", j->entry->name, why);
	if (j->pid)
		syscall(SYS_pidfd_send_signal, j->pidfd, SIGKILL, NULL, 0);	/* the rest when it is gone */
	else
		job_finish(j);
}

void job_abort(struct job *j, const char *why)
{
	stop(j, AGENT_ERR_LOAD_FAILED, why);
}

void job_cancel(struct loaderd *d, const void *arg)
{
	struct job *j = d->jobs;

	while (j && j->arg != arg)
		j = j->next;
	if (j)
		stop(j, AGENT_ERR_CANCELLED, "the load was cancelled; nothing of it is left");
}

void job_abort_all(struct loaderd *d, const char *why)
{
	for (struct job *j = d->jobs, *next; j; j = next) {
		next = j->next;		/* one without a child ends at once */
		job_abort(j, why);
	}
}

static void on_timeout(uv_timer_t *t)
{
	job_abort(t->data, "the load took too long (load-timeout in loaderd.yaml)");
}

static void tell_opened(struct job *j)
{
	size_t all = j->n_files, opened = all - j->missing;

	job_tell(j, 5 + 30 * opened / MAX(all, (size_t)1), "opening artifacts %zu/%zu", opened, all);
}

static void all_opened(struct job *j)
{
	int err = j->outcome.error ? 0 : job_start_child(j);

	if (err)
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "ebpf-load cannot be started: %s", strerror(-err));
	if (j->outcome.error)
		job_finish(j);
}

static void on_file(void *arg, unsigned tag, int err, const char *text, int fd)
{
	struct job *j = arg;
	struct job_file *f = &j->files[tag];

	if (!err && fd < 0)
		err = -EIO;
	if (err)
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s:%u: %s: %s", f->item->item.file, f->line, f->path,
			     text[0] ? text : strerror(-err));
	f->fd = fd;
	j->missing--;
	tell_opened(j);
	if (j->missing == 0)
		all_opened(j);
}

static struct job *job_new(struct loaderd *d, const struct load_request *r)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->d = d;
	j->progress = r->progress;
	j->done = r->done;
	j->arg = r->arg;
	j->yaml = j->pidfd = j->sock = j->result = -1;
	j->arena = arena_new(0);
	return j;
}

/* From here on it ends by job_finish(). */
static void begin(struct job *j)
{
	j->next = j->d->jobs;
	j->d->jobs = j;
	j->entry->job = j;
	j->generation = generation_next(j->d);
	uv_timer_init(j->d->loop, &j->timer);
	j->timer.data = j;
	j->open = 1;
	uv_timer_start(&j->timer, on_timeout, j->d->conf->load_timeout_ns / NSEC_PER_MSEC, 0);
	j->missing = j->n_files;
	tell_opened(j);
	if (j->n_files == 0)		/* pipes alone */
		all_opened(j);
	for (size_t k = 0, n = j->n_files; k < n; k++)
		if (broker_ask(j->d->broker, BROKER_ARTIFACT, j->files[k].path, on_file, j, k))
			on_file(j, k, -ENAMETOOLONG, "", -1);
}

bool job_room(const struct loaderd *d)
{
	size_t n = 0;

	for (const struct job *j = d->jobs; j; j = j->next)
		n++;
	return n < LOADS_MAX;
}

int job_start(struct loaderd *d, const struct load_request *r, struct outcome *o)
{
	struct job *j = NULL;
	int err;

	if (!job_room(d))
		return outcome_fail(o, AGENT_ERR_LIMIT, "%s: %d loads are going on already: try again later",
				    r->file, LOADS_MAX);
	j = job_new(d, r);
	if (!j)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "out of memory");
	err = j->arena ? job_accept(j, r, o) : -ENOMEM;
	if (!err && !(j->entry = entry_add(d, j->program->name)))
		err = -ENOMEM;
	if (err) {
		outcome_fail(o, AGENT_ERR_LOAD_FAILED, "%s", strerror(-err));
		job_free(j);
		return err;
	}
	begin(j);
	return 0;
}

void job_drop_all(struct loaderd *d)
{
	while (d->jobs) {
		struct job *j = d->jobs;

		if (j->pid) {
			syscall(SYS_pidfd_send_signal, j->pidfd, SIGKILL, NULL, 0);
			job_reap(j->pid, NULL);
		}
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: loaderd stops", j->entry->name);
		job_finish(j);
	}
}
