/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A load's child, ebpf-load: started, told what to load, listened to, and awaited. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../common/spawn.h"
#include "broker_client.h"
#include "buffers.h"
#include "job.h"
#include "job_run.h"

#define LOG_LINES_MAX 128	/* of one child */

static int next_message(const struct job *j, struct job_message *m, int *ret_fd)
{
	const struct program_item *items = j->program->items.items;
	size_t file = j->sent - 2;

	*ret_fd = -1;
	memset(m, 0, sizeof(*m));
	if (j->sent == 0) {
		m->type = JOB_BEGIN;
		m->value = j->generation;
		snprintf(m->a, sizeof(m->a), "%s", j->file);
		snprintf(m->b, sizeof(m->b), "%s", j->base);
		*ret_fd = j->yaml;
	} else if (j->sent == 1) {
		m->type = JOB_LIMITS;
		m->value = j->d->conf->functions.memory;
		m->more = j->d->conf->functions.deadline_ns;
	} else if (file < j->n_files) {
		m->type = j->files[file].type;
		m->value = (uint64_t)(j->files[file].item - items);
		snprintf(m->a, sizeof(m->a), "%s", j->files[file].path);
		*ret_fd = j->files[file].fd;
	} else if (file == j->n_files) {
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

static void note_phase(struct job *j, uint64_t phase)
{
	static const struct {
		unsigned percent;
		const char *text;
	} phases[] = {
		[JOB_READING] = { 40, "reading artifacts" },
		[JOB_CALLING] = { 45, "calling init and preload functions" },
		[JOB_LOADING] = { 55, "loading into the kernel" },
		[JOB_ATTACHING] = { 85, "attaching" },
	};

	if (phase < ARRAY_SIZE(phases))
		job_tell(j, phases[phase].percent, "%s", phases[phase].text);
}

void job_log(const struct entry *e, unsigned *logged, char *text)
{
	if ((*logged)++ >= LOG_LINES_MAX)
		return;
	diag_make_line(text);
	log_info("%s: %s", e->name, text);
}

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

static void on_buffers(void *arg, int err, size_t n, const char *text)
{
	struct job_message m = { .type = JOB_BUFFERS, .err = err, .value = n };
	struct job *j = arg;

	snprintf(m.a, sizeof(m.a), "%s", text);
	if (fdpass_send(j->sock, &m, sizeof(m), NULL, 0))
		job_abort(j, "ebpf-load does not listen");
}

static void open_buffers(struct job *j, const struct job_message *m, int array)
{
	const struct buffers_request r = {
		.entry = j->entry,
		.generation = j->generation,
		.channel = m->value,
		.bytes = m->more,
		.array = array,
		.done = on_buffers,
		.arg = j,
	};
	int err = m->value < PROGRAM_MAX_CHANNELS && r.bytes <= BUFFERS_MAX_SIZE ? 0 : -EINVAL;

	if (!err)
		err = buffers_open(j->d->buffers, &r);
	else
		closep(&array);
	if (err)
		on_buffers(j, err, 0, strerror(-err));
}

static void on_message(struct job *j, struct job_message *m, int fd)
{
	switch (m->type) {
	case JOB_PERF_EVENT:
		if (broker_ask(j->d->broker, BROKER_PERF_EVENT, m->a, on_perf_event, j, 0))
			job_abort(j, "out of memory");
		break;
	case JOB_BUFFERS:
		open_buffers(j, m, fd);
		return;
	case JOB_CACHED:
		note_cached(j, m);
		break;
	case JOB_PHASE:
		note_phase(j, m->value);
		break;
	case JOB_LOG:
		job_log(j->entry, &j->logged, m->a);
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

static void arm(struct job *j);

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

static void on_exit_poll(uv_poll_t *p, int status, int events)
{
	struct job *j = p->data;
	int how = 0;

	(void)status, (void)events;
	uv_poll_stop(&j->exit_poll);
	read_all(j);		/* its last words may still lie there */
	uv_poll_stop(&j->sock_poll);
	uv_timer_stop(&j->timer);
	job_reap(j->pid, &how);
	if (WIFSIGNALED(how))
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: ebpf-load was killed by signal %d",
			     j->entry->name, WTERMSIG(how));
	job_finish(j);
}

void job_reap(pid_t pid, int *ret_how)
{
	while (waitpid(pid, ret_how, 0) < 0 && errno == EINTR)
		;
}

int job_spawn(char *mode, pid_t *ret_pid, int *ret_pidfd, int *ret_sock)
{
	char path[PATH_MAX], *argv[] = { "ebpf-load", mode, NULL };
	int pair[2], pidfd, err = spawn_helper_path("ebpf-load", path);
	cleanup(closep) int ours = -1, theirs = -1;
	struct spawn_fd fd = { .theirs = JOB_FD };
	struct spawn child = {
		.path = path,
		.argv = argv,
		.fds = &fd,
		.n_fds = 1,
		.ambient_caps = rights_load.start_caps,
		.new_session = true,
	};
	pid_t pid;

	if (err || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return err ? err : -errno;
	ours = pair[0];
	theirs = fd.ours = pair[1];
	pid = spawn(&child);
	if (pid < 0)
		return pid;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		err = -errno;
		kill(pid, SIGKILL);
		job_reap(pid, NULL);
		return err;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	*ret_sock = take_fd(&ours);
	return 0;
}

int job_start_child(struct job *j)
{
	int err = job_spawn(NULL, &j->pid, &j->pidfd, &j->sock);

	if (err)
		return err;
	uv_poll_init(j->d->loop, &j->exit_poll, j->pidfd);
	uv_poll_init(j->d->loop, &j->sock_poll, j->sock);
	j->exit_poll.data = j->sock_poll.data = j;
	j->open += 2;
	uv_poll_start(&j->exit_poll, UV_READABLE, on_exit_poll);
	send_some(j);
	arm(j);
	return 0;
}
