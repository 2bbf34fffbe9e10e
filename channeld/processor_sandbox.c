/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a processor's sandbox: started, loaded, initialised, awaited, ended. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "../common/log.h"
#include "../common/program.h"
#include "clock.h"
#include "processor_private.h"

#define LOAD_MS 10000u	/* dlopen, constructors, a runtime's start */
#define KILL_MS 10000u	/* from SIGKILL to its end */

static uint64_t now_ms(void)
{
	return clock_monotonic() / NSEC_PER_MSEC;
}

uint64_t sandbox_cpu_time(pid_t pid)
{
	clockid_t clock = (clockid_t)(~(unsigned)pid << 3 | 2);	/* as clock_getcpuclockid(3) makes it */
	struct timespec ts;

	if (!pid || clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

int sandbox_start(struct processor *p)
{
	cleanup(closep) int theirs = -1;
	int r = listener_new(&p->listener, &theirs);
	const int fds[] = { p->batch.fd, p->batch.request, p->batch.done, p->so, theirs, p->file };

	p->ready = false;
	batch_reset(&p->batch);
	if (r == 0)
		r = child_start(&p->child, p->functions, p->limits->memory, fds,
				ARRAY_SIZE(fds) - (p->file < 0));
	if (r == -EUSERS)
		return processor_put_off(p, r, "no sandbox: every uid of the range is in use");
	if (r < 0)
		return processor_put_off(p, r, "no sandbox: %s", strerror(-r));
	p->loading_until = clock_monotonic() + LOAD_MS * NSEC_PER_MSEC;
	health_starting(&p->health, p->child.pid, p->child.uid);
	p->restarts += p->started;
	p->started = true;
	return 0;
}

static bool loaded(const struct processor *p)
{
	return __atomic_load_n(&p->batch.area->ready, __ATOMIC_ACQUIRE) != 0;
}

static void on_refused(void *arg, int nr)
{
	struct processor *p = arg;

	health_refused(&p->health, nr);
}

void sandbox_serve(struct processor *p)
{
	struct pollfd poll_fd = { .fd = listener_poll_fd(&p->listener), .events = POLLIN };

	if (poll(&poll_fd, 1, 0) > 0)
		listener_answer(&p->listener, on_refused, p);
}

int processor_loading(struct processor *p)
{
	if (loaded(p))
		p->listener.loading = false;
	/* One that takes longer is left to the first batch, which has the same patience. */
	if (!p->listener.loading || clock_monotonic() > p->loading_until)
		return -1;
	sandbox_serve(p);
	return listener_poll_fd(&p->listener);
}

int sandbox_await(struct processor *p, bool (*done)(const struct processor *), uint64_t ms)
{
	uint64_t until = now_ms() + ms;

	for (;;) {
		struct pollfd fds[] = { { .fd = p->batch.done, .events = POLLIN },
					{ .fd = p->child.conn, .events = POLLIN },
					{ .fd = listener_poll_fd(&p->listener), .events = POLLIN } };
		uint64_t now = now_ms();
		int r = poll(fds, ARRAY_SIZE(fds), now < until ? (int)(until - now) : 0);

		if (r < 0 && errno != EINTR)
			return processor_fail(p, -errno, "poll: %s", strerror(errno));
		if (r == 0)
			return AWAIT_TIMEOUT;
		/* First: whatever a batch tried is said when it is done. */
		if (r > 0 && fds[2].revents)
			listener_answer(&p->listener, on_refused, p);
		if (r > 0 && fds[0].revents && batch_take_ring(&p->batch) && done(p))
			return AWAIT_RANG;
		if (r > 0 && fds[1].revents) {
			r = child_receive(&p->child);
			return r < 0 ? processor_put_off(p, r, "ebpf-launcher is gone: %s", strerror(-r)) : AWAIT_DIED;
		}
		/* Rung or asked for nothing, again and again, by hostile code: time passes all the same. */
		if (now >= until)
			return AWAIT_TIMEOUT;
	}
}

static bool never(const struct processor *p)
{
	(void)p;
	return false;
}

bool sandbox_has_died(struct processor *p)
{
	return sandbox_await(p, never, 0) == AWAIT_DIED;
}

int sandbox_put_down(struct processor *p)
{
	int r;

	if (!p->child.pid)
		return 0;
	r = child_kill(&p->child);
	if (r < 0)
		return processor_put_off(p, r, "ebpf-launcher is gone: %s", strerror(-r));
	r = sandbox_await(p, never, KILL_MS);
	return r == AWAIT_TIMEOUT ? processor_put_off(p, -ETIMEDOUT, "its sandbox does not die") : r < 0 ? r : 0;
}

const char *sandbox_describe_end(struct processor *p)
{
	const char *name = p->child.signal ? sigabbrev_np(p->child.signal) : NULL;

	if (p->child.signal)
		snprintf(p->how, sizeof(p->how), "killed by signal %d%s%s%s", p->child.signal, name ? " (SIG" : "",
			 name ?: "", name ? ")" : "");
	else
		snprintf(p->how, sizeof(p->how), "ended with status %d", p->child.status);
	return p->how;
}

/* What a sandbox wrote, fit for a log. */
static void copy_text(char *ret, const char *from, size_t size)
{
	memcpy(ret, from, size);
	ret[size - 1] = 0;
	for (char *c = ret; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

/* Its own fault, which counts. */
printf_like(3, 4) static int not_loaded(struct processor *p, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	processor_write_error(p, fmt, ap);
	va_end(ap);
	health_ended(&p->health, p->error + strlen("processor ") + strlen(p->name) + strlen(": "), true);
	health_judge(&p->health, 1, clock_monotonic());
	return err;
}

/* Its sandbox died before it was ready. 0: try again. */
static int died_early(struct processor *p)
{
	if (child_died_of_others(&p->child)) {
		health_ended(&p->health, sandbox_describe_end(p), false);
		if (++p->unblamed < UNBLAMED_MAX)
			return 0;
		return processor_put_off(p, -EIO, "its process is killed from outside, again and again");
	}
	return not_loaded(p, -ENOEXEC, "died while it was being loaded: %s", sandbox_describe_end(p));
}

bool sandbox_finished(const struct processor *p)
{
	return batch_finished(&p->batch);
}

static int call_init(struct processor *p, uint16_t function)
{
	int how = batch_submit_file(&p->batch, function, p->file_len), r;
	int32_t code;
	size_t len;

	if (how == 0)
		how = sandbox_await(p, sandbox_finished, LOAD_MS);
	if (how == AWAIT_DIED)
		return died_early(p);
	if (how == AWAIT_RANG) {
		(void)batch_copy(&p->batch, 0, &code, &len);
		if (code == 0)
			return 0;
	}
	r = how < 0 ? how : sandbox_put_down(p);
	if (r < 0)
		return r;
	if (how == AWAIT_TIMEOUT)
		return not_loaded(p, -ETIMEDOUT, "its init function did not end within %u s", LOAD_MS / 1000);
	return not_loaded(p, -ENOEXEC, "its init function failed with code %d", code);
}

static int on_loaded(struct processor *p)
{
	struct batch_area *a = p->batch.area;
	char text[sizeof(a->error)];

	p->listener.loading = false;
	copy_text(text, a->error, sizeof(text));
	if (__atomic_load_n(&a->ready, __ATOMIC_RELAXED) != 1) {
		int r = sandbox_put_down(p);

		return r < 0 ? r : not_loaded(p, -ENOEXEC, "%s", text);
	}
	if (text[0] && p->restarts == 0)
		log_notice("the sandbox of processor %s is weaker here: %s", p->name, text);
	for (uint16_t i = 0; i < p->n_inits; i++) {
		int r = call_init(p, p->inits[i]);

		if (r < 0 || !p->child.pid)
			return r;
	}
	p->ready = true;
	p->tries = 0;
	p->background.mark_ns = sandbox_cpu_time(p->child.pid);
	health_running(&p->health);
	return 0;
}

/* It ended before it was ready. 0: try again. */
static int on_ended_early(struct processor *p)
{
	/* It rang and ended, and only its end was seen. */
	if (__atomic_load_n(&p->batch.area->ready, __ATOMIC_ACQUIRE) == 2)
		return on_loaded(p);
	return died_early(p);
}

int sandbox_be_ready(struct processor *p)
{
	int r;

	while (!p->child.pid || !p->ready) {
		if (!p->child.pid && health_due(&p->health, clock_monotonic()))
			return -EAGAIN;
		r = p->child.pid ? 0 : sandbox_start(p);
		if (r == 0)
			r = sandbox_await(p, loaded, LOAD_MS);
		if (r == AWAIT_RANG) {
			r = on_loaded(p);
		} else if (r == AWAIT_TIMEOUT) {
			r = sandbox_put_down(p);
			if (r == 0)
				r = not_loaded(p, -ETIMEDOUT, "was not loaded within %u s", LOAD_MS / 1000);
		} else if (r == AWAIT_DIED) {
			r = on_ended_early(p);
		}
		if (r < 0)
			return r;
	}
	return 0;
}
