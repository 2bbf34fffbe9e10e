/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One load: parse and refuse here, artifacts by the broker, everything else in a child that may crash or hang.
 * Nothing in here waits; a job ends exactly once, in on_exit() or, before there is a child, in finish(). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../common/paths.h"
#include "../common/pins.h"
#include "../common/spawn.h"
#include "broker.h"
#include "job.h"
#include "loaderd.h"

#define LOADS_MAX 32		/* at the same time */

struct cached {
	struct cached *next;
	char sha256[65];
	bool made;		/* by this load: goes with it if it fails */
};

struct job {
	struct job *next;
	struct loaderd *d;
	struct entry *entry;
	struct arena *arena;		/* of the parsed document */
	const struct program *program;
	const char *file, *base;
	void (*done)(void *arg, const struct entry *e, const struct outcome *o);
	void *arg;

	uint64_t generation;
	int yaml;			/* memfd */
	int artifacts[PROGRAM_MAX_ITEMS];
	const char *paths[PROGRAM_MAX_ITEMS];
	size_t missing;			/* artifacts that the broker has not answered for */

	pid_t pid;
	int pidfd, sock;
	size_t sent;			/* messages to the child: BEGIN, one per item, GO */
	uv_poll_t exit_poll, sock_poll;
	uv_timer_t timer;
	int open;			/* handles */

	int result;			/* memfd with the manifest; -1: not done */
	struct outcome outcome;		/* why it failed */
	struct cached *cached;
};

/* ---- the end ---------------------------------------------------------------------------------------------------- */

static void job_free(struct job *j)
{
	closep(&j->yaml);
	for (size_t k = 0; k < PROGRAM_MAX_ITEMS; k++)
		closep(&j->artifacts[k]);
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
	if (j->pid)
		uv_close((uv_handle_t *)&j->exit_poll, on_closed);
	if (j->pid)
		uv_close((uv_handle_t *)&j->sock_poll, on_closed);
	uv_close((uv_handle_t *)&j->timer, on_closed);
}

static bool in_use(const struct job *j, const char *sha256)
{
	for (const struct entry *e = j->d->entries; e; e = e->next) {
		const struct manifest_item *i = e->manifest ? e->manifest->items.items : NULL;

		for (size_t k = 0; i && k < e->manifest->items.n; k++)
			if (i[k].artifact && i[k].sha256 && !strcmp(i[k].sha256, sha256))
				return true;
	}
	for (struct job *other = j->d->jobs; other; other = other->next)
		for (struct cached *c = other->cached; c && other != j; c = c->next)
			if (!strcmp(c->sha256, sha256)) {
				c->made = true;		/* whoever is left cleans up */
				return true;
			}
	return false;
}

static void forget_cached(const struct job *j)
{
	for (const struct cached *c = j->cached; c; c = c->next) {
		char path[PATH_MAX], beside[PATH_MAX + AGENT_NAME_MAX + 2];

		if (path_artifact(c->sha256, path))
			continue;
		snprintf(beside, sizeof(beside), "%s.%s", path, j->entry->name);
		unlink(beside);
		if (c->made && !in_use(j, c->sha256))
			unlink(path);
	}
}

/* A failed load leaves nothing behind. */
static void clean_up(struct job *j)
{
	int err = pin_remove(j->entry->name);

	if (err)
		log_error("%s: what its failed load pinned cannot be removed: %s", j->entry->name, strerror(-err));
	forget_cached(j);
	loaderd_sweep_shared(j->d);
}

/* A ring has one consumer: of programs that share one, a single one may have it as a channel. */
static int check_rings(struct job *j, const struct manifest *m)
{
	const struct manifest_channel *ours = m->channels.items;

	for (const struct entry *e = j->d->entries; e; e = e->next) {
		bool other = e->manifest && e != j->entry;
		const struct manifest_channel *theirs = other ? e->manifest->channels.items : NULL;

		for (size_t k = 0; theirs && k < e->manifest->channels.n; k++)
			for (size_t n = 0; n < m->channels.n; n++)
				if (ours[n].map_id == theirs[k].map_id)
					return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED,
							    "%s: channel '%s': %s drains that map already, and a ring "
							    "has one consumer", m->program, ours[n].name, e->name);
	}
	return 0;
}

static int take_manifest(struct job *j)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct diag d = { 0 };
	struct manifest *m;
	struct stat st;
	char *text;
	int err;

	if ((fcntl(j->result, F_GET_SEALS) & JOB_RESULT_SEALS) != JOB_RESULT_SEALS)
		return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: its manifest is not sealed",
				    j->entry->name);
	if (!a || fstat(j->result, &st))
		return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: out of memory", j->entry->name);
	text = mmap(NULL, MAX(st.st_size, 1), PROT_READ, MAP_PRIVATE, j->result, 0);
	if (text == MAP_FAILED)
		return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: %s", j->entry->name, strerror(errno));
	err = manifest_parse(a, text, st.st_size, &m, &d);
	munmap(text, MAX(st.st_size, 1));
	if (!err && strcmp(m->program, j->entry->name))
		err = diag_fail(&d, -EINVAL, NULL, 0, "it speaks of another program");
	if (!err)
		err = check_rings(j, m);
	if (!err && (err = manifest_write(m)))
		diag_fail(&d, err, NULL, 0, "it cannot be written: %s", strerror(-err));
	if (err)
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: its manifest is of no use: %s", j->entry->name,
			     d.error);
	else
		entry_set_manifest(j->entry, take(a), m);
	diag_fini(&d);
	return err;
}

static void tell_loaded(const struct entry *e)
{
	const struct conf_strs *degraded = &e->manifest->degraded;

	log_info("%s is loaded (generation %lu)", e->name, (unsigned long)e->manifest->generation);
	for (size_t k = 1; k < degraded->n; k++)	/* the first one is said as the daemon's state */
		log_warning("%s: %s", e->name, degraded->s[k]);
}

static void finish(struct job *j)
{
	struct entry *e = j->entry;

	e->job = NULL;
	if (!j->outcome.error && j->result < 0)
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: ebpf-load ended without a word", e->name);
	if (!j->outcome.error)
		take_manifest(j);
	if (j->outcome.error) {
		/* Whoever asked is told; a declared program's trouble is the daemon's, too. */
		log_info("%s was not loaded: %s", e->name, j->outcome.text);
		clean_up(j);
		j->done(j->arg, NULL, &j->outcome);
		entry_remove(e);
	} else {
		e->state = ENTRY_LOADED;
		loaderd_hint(j->d, e->name);
		tell_loaded(e);
		j->done(j->arg, e, &j->outcome);
	}
	job_close(j);
}

/* ---- the child -------------------------------------------------------------------------------------------------- */

static bool read_all(struct job *j);

static void on_exit_poll(uv_poll_t *p, int status, int events)
{
	struct job *j = p->data;
	int how = 0;

	(void)status, (void)events;
	uv_poll_stop(&j->exit_poll);
	read_all(j);		/* its last words may still lie there */
	uv_poll_stop(&j->sock_poll);
	uv_timer_stop(&j->timer);
	while (waitpid(j->pid, &how, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(how))
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: ebpf-load was killed by signal %d",
			     j->entry->name, WTERMSIG(how));
	finish(j);
}

void job_abort(struct job *j, const char *why)
{
	outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: %s", j->entry->name, why);
	if (j->pid)
		syscall(SYS_pidfd_send_signal, j->pidfd, SIGKILL, NULL, 0);	/* the rest in on_exit_poll() */
	else
		finish(j);
}

static void on_timeout(uv_timer_t *t)
{
	job_abort(t->data, "the load took too long (load-timeout in loaderd.yaml)");
}

static void arm(struct job *j);

static void on_perf_event(void *arg, unsigned tag, int err, const char *text, int fd)
{
	struct job_message m = { .type = JOB_PERF_EVENT, .err = err };
	struct job *j = arg;

	(void)tag;
	snprintf(m.a, sizeof(m.a), "%s", text);
	err = fdpass_send(j->sock, &m, sizeof(m), &fd, fd >= 0);
	closep(&fd);
	if (err)
		job_abort(j, "ebpf-load does not listen");
}

static void note_cached(struct job *j, const struct job_message *m)
{
	struct cached *c = calloc(1, sizeof(*c));

	if (!c)
		return;
	snprintf(c->sha256, sizeof(c->sha256), "%.64s", m->a);
	c->made = m->value;
	c->next = j->cached;
	j->cached = c;
}

static void note_failed(struct job *j, const struct job_message *m)
{
	static const char *const errors[] = {
		[JOB_FAILED_LOAD] = AGENT_ERR_LOAD_FAILED,
		[JOB_FAILED_INVALID] = AGENT_ERR_INVALID,
		[JOB_FAILED_NOT_BUILT] = AGENT_ERR_NOT_BUILT,
	};

	outcome_fail(&j->outcome, m->value < ARRAY_SIZE(errors) ? errors[m->value] : AGENT_ERR_LOAD_FAILED, "%s", m->a);
}

static void on_message(struct job *j, const struct job_message *m, int fd)
{
	switch (m->type) {
	case JOB_PERF_EVENT:
		if (broker_ask(j->d->broker, BROKER_PERF_EVENT, m->a, on_perf_event, j, 0))
			job_abort(j, "out of memory");
		break;
	case JOB_CACHED:
		note_cached(j, m);
		break;
	case JOB_DONE:
		closep(&j->result);
		j->result = fd;
		return;
	case JOB_FAILED:
		note_failed(j, m);
		break;
	}
	closep(&fd);
}

static int next_message(const struct job *j, struct job_message *m, int *ret_fd)
{
	size_t item = j->sent - 1;

	*ret_fd = -1;
	memset(m, 0, sizeof(*m));
	if (j->sent == 0) {
		m->type = JOB_BEGIN;
		m->value = j->generation;
		snprintf(m->a, sizeof(m->a), "%s", j->file);
		snprintf(m->b, sizeof(m->b), "%s", j->base);
		*ret_fd = j->yaml;
	} else if (item < j->program->items.n) {
		m->type = JOB_ARTIFACT;
		m->value = item;
		snprintf(m->a, sizeof(m->a), "%s", j->paths[item]);
		*ret_fd = j->artifacts[item];
	} else if (item == j->program->items.n) {
		m->type = JOB_GO;
	} else {
		return -ENODATA;
	}
	return 0;
}

static void send_some(struct job *j)
{
	struct job_message m;
	int fd, err;

	while (!next_message(j, &m, &fd)) {
		err = fdpass_send(j->sock, &m, sizeof(m), &fd, fd >= 0);
		if (err == -EAGAIN)
			return;
		if (err) {
			j->sent = SIZE_MAX / 2;		/* it is gone: on_exit_poll() says how */
			return;
		}
		j->sent++;
	}
}

/* False: there will be no more. */
static bool read_all(struct job *j)
{
	struct job_message m;

	for (;;) {
		size_t n_fds = 1;
		int fd = -1;
		ssize_t n = fdpass_receive(j->sock, &m, sizeof(m), &fd, &n_fds);

		if (n != sizeof(m))
			return n == -EAGAIN;
		m.a[sizeof(m.a) - 1] = m.b[sizeof(m.b) - 1] = '\0';
		on_message(j, &m, n_fds ? fd : -1);
	}
}

static void on_sock_poll(uv_poll_t *p, int status, int events)
{
	struct job *j = p->data;

	(void)status, (void)events;
	if (!read_all(j)) {
		uv_poll_stop(p);	/* on_exit_poll() follows */
		return;
	}
	send_some(j);
	arm(j);
}

static void arm(struct job *j)
{
	struct job_message m;
	int fd, events = UV_READABLE;

	if (!next_message(j, &m, &fd))
		events |= UV_WRITABLE;
	uv_poll_start(&j->sock_poll, events, on_sock_poll);
}

static int start_child(struct job *j)
{
	char path[PATH_MAX], *argv[] = { "ebpf-load", NULL };
	int pair[2], err = spawn_helper_path("ebpf-load", path);
	struct spawn_fd fd = { .theirs = JOB_FD };
	struct spawn child = {
		.path = path,
		.argv = argv,
		.fds = &fd,
		.n_fds = 1,
		.ambient_caps = rights_load.start_caps,
		.new_session = true,
	};

	if (err || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err ? err : -errno;
	fd.ours = pair[1];
	j->sock = pair[0];
	j->pid = spawn(&child);
	close(pair[1]);
	if (j->pid < 0) {
		err = j->pid;
		j->pid = 0;
		return err;
	}
	j->pidfd = syscall(SYS_pidfd_open, j->pid, 0);
	if (j->pidfd < 0) {
		err = -errno;
		kill(j->pid, SIGKILL);
		waitpid(j->pid, NULL, 0);
		j->pid = 0;
		return err;
	}
	uv_poll_init(j->d->loop, &j->exit_poll, j->pidfd);
	uv_poll_init(j->d->loop, &j->sock_poll, j->sock);
	j->exit_poll.data = j->sock_poll.data = j;
	j->open += 2;
	uv_poll_start(&j->exit_poll, UV_READABLE, on_exit_poll);
	send_some(j);
	arm(j);
	return 0;
}

/* ---- the beginning ---------------------------------------------------------------------------------------------- */

static void on_artifact(void *arg, unsigned tag, int err, const char *text, int fd)
{
	struct job *j = arg;
	const struct program_item *i = (const struct program_item *)j->program->items.items + tag;

	if (!err && fd < 0)
		err = -EIO;
	if (err)
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s:%u: %s: %s", i->item.file, i->path_line,
			     j->paths[tag], text[0] ? text : strerror(-err));
	j->artifacts[tag] = fd;
	if (--j->missing > 0)
		return;
	if (!j->outcome.error) {
		err = start_child(j);
		if (err)
			outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "ebpf-load cannot be started: %s",
				     strerror(-err));
	}
	if (j->outcome.error)
		finish(j);
}

static int find_artifacts(struct job *j, struct outcome *o)
{
	const struct program_item *i = j->program->items.items;
	struct diag d = { 0 };
	int err = 0;

	for (size_t k = 0; k < j->program->items.n && !err; k++)
		err = program_artifact_path(j->arena, j->program, &i[k], &j->paths[k], &d);
	if (!err && j->program->items.n == 0)
		err = diag_fail(&d, -EINVAL, j->file, 0, "there is nothing to load in it");
	if (err)
		outcome_fail(o, err == -EPROTONOSUPPORT ? AGENT_ERR_NOT_BUILT : AGENT_ERR_INVALID, "%s",
			     d.error[0] ? d.error : strerror(-err));
	diag_fini(&d);
	return err;
}

static int parse(struct job *j, const struct load_request *r, struct outcome *o)
{
	struct diag d = { 0 };
	struct yaml_node *root;
	struct program *p;
	int err;

	j->file = arena_strdup(j->arena, r->file);
	j->base = arena_strdup(j->arena, r->base);
	if (!j->file || !j->base)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "out of memory");
	err = yaml_parse(j->arena, j->file, r->text, r->len, &root, &d);
	if (!err && program_is_xdp_list(root))
		err = outcome_fail(o, AGENT_ERR_NOT_BUILT, "%s: a list for xdpd: it is not built in this version",
				   j->file);
	if (!err)
		err = program_parse(j->arena, j->file, j->base, root, &p, &d);
	if (err)
		outcome_fail(o, AGENT_ERR_INVALID, "%s", d.error[0] ? d.error : strerror(-err));
	else
		j->program = p;
	diag_fini(&d);
	return err;
}

static int copy_text(struct job *j, const struct load_request *r, struct outcome *o)
{
	j->yaml = memfd_create("yaml", MFD_CLOEXEC);
	if (j->yaml < 0 || pwrite(j->yaml, r->text, r->len, 0) != (ssize_t)r->len)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "%s: %s", r->file, strerror(errno));
	return 0;
}

static int refuse_twice(const struct loaderd *d, const char *program, struct outcome *o)
{
	const struct entry *e = entry_find(d, program);

	if (!e)
		return 0;
	return outcome_fail(o, AGENT_ERR_EXISTS, "%s is %s already", program,
			    e->state == ENTRY_LOADING ? "being loaded" : entry_state_names[e->state]);
}

static struct job *job_new(struct loaderd *d, const struct load_request *r)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->d = d;
	j->done = r->done;
	j->arg = r->arg;
	j->yaml = j->pidfd = j->sock = j->result = -1;
	for (size_t k = 0; k < PROGRAM_MAX_ITEMS; k++)
		j->artifacts[k] = -1;
	j->arena = arena_new(0);
	return j;
}

/* From here on it ends by finish(). */
static void begin(struct job *j)
{
	j->next = j->d->jobs;
	j->d->jobs = j;
	j->entry->job = j;
	j->generation = loaderd_next_generation(j->d);
	uv_timer_init(j->d->loop, &j->timer);
	j->timer.data = j;
	j->open = 1;
	uv_timer_start(&j->timer, on_timeout, j->d->conf->load_timeout_ns / NSEC_PER_MSEC, 0);
	j->missing = j->program->items.n;
	for (size_t k = 0; k < j->program->items.n; k++)
		if (broker_ask(j->d->broker, BROKER_ARTIFACT, j->paths[k], on_artifact, j, k))
			on_artifact(j, k, -ENAMETOOLONG, "", -1);
}

int job_start(struct loaderd *d, const struct load_request *r, struct outcome *o)
{
	struct job *j = NULL;
	size_t n = 0;
	int err;

	for (const struct job *other = d->jobs; other; other = other->next)
		n++;
	if (n >= LOADS_MAX)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "%s: %zu loads are going on already: try again later",
				    r->file, n);
	j = job_new(d, r);
	if (!j)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "out of memory");
	err = j->arena ? parse(j, r, o) : -ENOMEM;
	if (!err)
		err = refuse_twice(d, j->program->name, o);
	if (!err)
		err = refuse_not_built(j->program, o);
	if (!err)
		err = find_artifacts(j, o);
	if (!err)
		err = copy_text(j, r, o);
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
			while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: loaderd stops", j->entry->name);
		finish(j);
	}
}
