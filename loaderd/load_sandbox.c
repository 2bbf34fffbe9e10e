/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "load_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "../common/batch.h"
#include "../common/diag.h"
#include "../common/listener.h"
#include "../common/spawn.h"

#define LOAD_MS 10000u		/* dlopen, constructors, a runtime's start */
#define THREADS "512"		/* whatever else runs under loaderd's uid counts as well */

struct load_sandbox {
	struct batch batch;
	struct listener listener;	/* of its system calls */
	struct refusals *refusals;	/* the caller's */
	pid_t pid;		/* 0: it is gone, and reaped */
	int pidfd, status;
	uint64_t deadline_ms;
};

/* What await() came back for. */
enum { AWAIT_RANG = 1, AWAIT_DIED, AWAIT_TIMEOUT };

struct why {
	char *text;
	size_t size;
};

printf_like(3, 4) static int fail(const struct why *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, why->size, fmt, ap);
	va_end(ap);
	return err;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NSEC_PER_MSEC;
}

static void reap(struct load_sandbox *s)
{
	while (waitpid(s->pid, &s->status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
}

static void put_down(struct load_sandbox *s)
{
	if (!s->pid)
		return;
	kill(s->pid, SIGKILL);
	reap(s);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static int start(struct load_sandbox *s, uint64_t memory, int so, int file, const char *names)
{
	char path[PATH_MAX], bytes[24], *envp[] = { SANDBOX_ENVIRONMENT, NULL };
	char *argv[] = { "ebpf-sandbox", (char *)names, bytes, THREADS, NULL };
	cleanup(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC), theirs = -1;
	int err = listener_new(&s->listener, &theirs);
	const struct spawn_fd fds[] = {
		{ null, 0 }, { null, 1 },
#ifdef AGENT_SAN
		{ 2, 2 },
#else
		{ null, 2 },
#endif
		{ s->batch.fd, SANDBOX_FD_BATCH }, { s->batch.request, SANDBOX_FD_REQUEST },
		{ s->batch.done, SANDBOX_FD_DONE }, { so, SANDBOX_FD_SO },
		{ theirs, SANDBOX_FD_LISTENER }, { file, SANDBOX_FD_FILE },
	};
	struct spawn child = { .path = path, .argv = argv, .envp = envp, .fds = fds,
			       .n_fds = ARRAY_SIZE(fds) - (file < 0), .new_session = true };

	if (err < 0 || null < 0)
		return err ?: -ENOENT;
	err = spawn_helper_path("ebpf-sandbox", path);
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)memory);
	s->pid = err ? err : spawn(&child);
	if (s->pid < 0) {
		err = s->pid;
		s->pid = 0;
		return err;
	}
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	return s->pidfd < 0 ? -errno : 0;
}

static bool is_loaded(const struct batch *b)
{
	return __atomic_load_n(&b->area->ready, __ATOMIC_ACQUIRE) != 0;
}

static void on_refused(void *arg, int nr)
{
	(void)refusals_add(arg, nr);
}

/* Until it rings, and with what the caller waits for; or ends; or @ms are over. */
static int await(struct load_sandbox *s, bool (*done)(const struct batch *), uint64_t ms)
{
	uint64_t until = now_ms() + ms;

	for (;;) {
		struct pollfd fds[] = { { .fd = s->batch.done, .events = POLLIN },
					{ .fd = s->pidfd, .events = POLLIN },
					{ .fd = listener_poll_fd(&s->listener), .events = POLLIN } };
		uint64_t now = now_ms();
		int r = poll(fds, ARRAY_SIZE(fds), now < until ? (int)(until - now) : 0);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && fds[2].revents)
			listener_answer(&s->listener, on_refused, s->refusals);
		if (r > 0 && fds[0].revents && batch_take_ring(&s->batch) && done(&s->batch))
			return AWAIT_RANG;
		if (r > 0 && fds[1].revents) {
			reap(s);
			return done(&s->batch) ? AWAIT_RANG : AWAIT_DIED;
		}
		/* Rung or asked for nothing, again and again, by hostile code: time passes all the same. */
		if (r == 0 || now >= until)
			return AWAIT_TIMEOUT;
	}
}

static int fail_died(const struct load_sandbox *s, const struct why *why)
{
	if (WIFSIGNALED(s->status))
		return fail(why, -ECHILD, "its process died of signal %d (%s)", WTERMSIG(s->status),
			    strsignal(WTERMSIG(s->status)));
	return fail(why, -ECHILD, "it ended its process (status %d)", WEXITSTATUS(s->status));
}

/* What a sandbox wrote, fit for a message. */
static int fail_unready(const struct load_sandbox *s, const struct why *why)
{
	char text[sizeof(s->batch.area->error)];

	memcpy(text, s->batch.area->error, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	diag_make_line(text);
	return fail(why, -ENOEXEC, "it %s", text);
}

static int be_loaded(struct load_sandbox *s, const struct why *why)
{
	int r = await(s, is_loaded, LOAD_MS);

	if (r < 0)
		return fail(why, r, "poll: %s", strerror(-r));
	if (r == AWAIT_TIMEOUT)
		return fail(why, -ETIMEDOUT, "it was not loaded within %u s", LOAD_MS / 1000);
	if (r == AWAIT_DIED)
		return fail_died(s, why);
	if (__atomic_load_n(&s->batch.area->ready, __ATOMIC_RELAXED) != 1)
		return fail_unready(s, why);
	s->listener.loading = false;
	return 0;
}

static void load_sandbox_freep(struct load_sandbox **s)
{
	load_sandbox_free(*s);
}

int load_sandbox_new(const struct load_limits *limits, int so, int file, const char *names, struct refusals *refusals,
		     struct load_sandbox **ret, char *why_text, size_t why_size)
{
	cleanup(load_sandbox_freep) struct load_sandbox *s = calloc(1, sizeof(*s));
	const struct why why = { why_text, why_size };
	int err;

	if (!s)
		return fail(&why, -ENOMEM, "out of memory");
	if (!has_landlock())
		return fail(&why, -ENOSYS, "this kernel has no Landlock, without which a function of the user's cannot "
			    "be kept away from files of loaderd's");
	s->refusals = refusals;
	s->pidfd = s->listener.sock = s->listener.fd = -1;
	s->deadline_ms = limits->deadline_ns / NSEC_PER_MSEC;
	err = batch_init_room(&s->batch, LOAD_SANDBOX_ROOM);
	if (!err) {
		batch_reset(&s->batch);
		err = start(s, limits->memory, so, file, names);
	}
	if (err)
		return fail(&why, err, "ebpf-sandbox cannot be started: %s", strerror(-err));
	err = be_loaded(s, &why);
	if (err)
		return err;
	*ret = take(s);
	return 0;
}

void load_sandbox_free(struct load_sandbox *s)
{
	if (!s)
		return;
	put_down(s);
	closep(&s->pidfd);
	listener_close(&s->listener);
	batch_fini(&s->batch);
	free(s);
}

static int take_result(struct load_sandbox *s, struct load_result *ret, const struct why *why)
{
	switch (batch_copy(&s->batch, 0, &ret->code, &ret->len)) {
	case SPOOL_N_DROPS:
	case SPOOL_DROP_FILTERED:
		ret->text = s->batch.result;
		return 0;
	case SPOOL_DROP_OVERSIZE:
		return fail(why, -EMSGSIZE, "it has more to say than %u MiB", LOAD_SANDBOX_ROOM >> 20);
	default:
		return fail(why, -EPROTO, "it returned nonsense");
	}
}

int load_sandbox_call(struct load_sandbox *s, unsigned function, const void *data, size_t len, struct load_result *ret,
		      char *why_text, size_t why_size)
{
	const struct why why = { why_text, why_size };
	int r = len > UINT32_MAX ? -EMSGSIZE : 0;

	batch_clear(&s->batch);
	if (r == 0 && data)
		r = batch_add_call(&s->batch, (uint16_t)function, data, (uint32_t)len, 0);
	if (r < 0)
		return fail(&why, r, "what it is to be told does not fit into %u KiB", BATCH_IN_SIZE >> 10);
	r = data ? batch_submit(&s->batch, 0, 1) : batch_submit_file(&s->batch, (uint16_t)function, (uint32_t)len);
	if (r == 0)
		r = await(s, batch_finished, s->deadline_ms);
	if (r < 0)
		return fail(&why, r, "%s", strerror(-r));
	if (r == AWAIT_TIMEOUT) {
		put_down(s);
		return fail(&why, -ETIMEDOUT,
			    "it did not return within %.3g s, and was ended (functions: deadline: in loaderd.yaml)",
			    (double)s->deadline_ms / 1000);
	}
	return r == AWAIT_DIED ? fail_died(s, &why) : take_result(s, ret, &why);
}
