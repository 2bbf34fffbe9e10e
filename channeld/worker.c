/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "../common/log.h"
#include "../common/paths.h"
#include "../common/rights.h"
#include "../common/spawn.h"
#include "clock.h"
#include "worker.h"
#include "worker_setup.h"

#define TICK_NS NSEC_PER_SEC
/* A program that ran when its link went away may still submit: at most 47 ms later, measured under load. */
#define DRAINED_AFTER_NS (60 * NSEC_PER_MSEC)
#define QUIET_NS (20 * NSEC_PER_MSEC)	/* of them before the kernel is asked */
#define ROOM_WAIT_MAX_MS 5

struct worker {
	struct drain drain;
	const char *program;
	int control;			/* -1: no supervisor */
	int epoll;
	bool draining;
	uint64_t empty_since;		/* while draining; 0: not empty */
	bool kernel_done;		/* since then */
	bool last_asked;		/* drain_last() was: nothing is waited for any more */
	uint64_t next_tick;
	int room_wait_ms;
};

/* ---- the supervisor ------------------------------------------------------------------------------------ */

static void say(struct worker *w, char what)
{
	/* A hint: when it does not get through, whoever wants it looks again by itself. */
	if (w->control >= 0)
		(void)!send(w->control, &what, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Never returns without a supervisor: it is dead, and whoever comes next starts workers of its own. */
static void listen_to(struct worker *w)
{
	ssize_t n;

	do {
		int fds[8];
		size_t n_fds = ARRAY_SIZE(fds);
		char what = 0;

		n = fdpass_receive(w->control, &what, 1, fds, &n_fds);
		if (n > 0 && what == WORKER_TOLD_DRAIN && !w->draining) {
			w->draining = true;
			drain_finish(&w->drain);
		}
		if (n > 0 && what == WORKER_TOLD_LETTERS && n_fds == 1)
			letters_exchange(&w->drain.letters, fds[--n_fds]);
		while (n > 0 && n_fds)
			close(fds[--n_fds]);
	} while (n > 0);
	if (n != -EAGAIN)
		_exit(EXIT_SUCCESS);
}

/* Sleeps, but for what the supervisor says. */
static void wait_for_supervisor(struct worker *w, int ms)
{
	struct pollfd p = { .fd = w->control, .events = POLLIN };	/* a negative fd is passed over */

	if (poll(&p, 1, ms) > 0)
		listen_to(w);
}

/* Whoever reads it waits for this as well. */
static void look_at_spool(struct worker *w)
{
	int r = spool_heal(&w->drain.spool);

	if (r > 0)
		log_error("%s: the head of its spool was damaged in memory, and is whole again", w->program);
	if (r < 0) {
		log_error("%s: its spool was cut short: a new worker makes it whole", w->program);
		_exit(EXIT_FAILURE);
	}
}

static void wait_for_room(void *arg)
{
	struct worker *w = arg;
	uint64_t now = clock_monotonic();

	if (now >= w->next_tick) {
		look_at_spool(w);
		w->next_tick = now + TICK_NS;
	}
	wait_for_supervisor(w, w->room_wait_ms);
	w->room_wait_ms = MIN(w->room_wait_ms + 1, ROOM_WAIT_MAX_MS);
}

static void wait_for_processor(void *arg, struct processor *p)
{
	wait_for_supervisor(arg, processor_wait_ms(p));
}

static void ring_doorbell(void *arg)
{
	say(arg, WORKER_SAYS_SPOOL);
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

/* A link goes away behind a grace period, and what ran meanwhile ends before the next: on a machine that is too busy
 * for DRAINED_AFTER_NS, these take longer as well. */
static void wait_for_kernel(void)
{
	for (int i = 0; i < 2; i++)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);	/* refused: no more than that */
}

/* Told to drain, and nothing came for as long as something still could: say so, once. */
static void settle(struct worker *w, uint64_t now)
{
	struct spool_commit *next = &w->drain.spool.next;

	if (!w->draining)
		return;
	if (!drain_empty(&w->drain)) {
		w->empty_since = 0;
		return;
	}
	if (!w->empty_since) {
		w->empty_since = now;
		w->kernel_done = false;
	}
	if (next->flags & SPOOL_COMMIT_DRAINED)
		return;
	if (!w->last_asked) {
		if (now - w->empty_since < QUIET_NS)
			return;
		if (!w->kernel_done) {
			wait_for_kernel();
			w->kernel_done = true;
			return;			/* look again at what came meanwhile */
		}
		if (now - w->empty_since < DRAINED_AFTER_NS)
			return;
		w->last_asked = true;
		if (drain_last(&w->drain))
			return;
	}
	drain_tick(&w->drain);
	next->flags |= SPOOL_COMMIT_DRAINED;
	drain_commit(&w->drain);
	say(w, WORKER_SAYS_DRAINED);
}

/* Until the channels have nothing that is finished. -errno ends the worker. */
static int drain_all(struct worker *w)
{
	struct drain *d = &w->drain;
	int n;

	while ((n = drain_batch(d)) > 0) {
		w->room_wait_ms = 1;
		w->empty_since = 0;
		if (clock_monotonic() >= w->next_tick)
			break;
	}
	return n;
}

static int sleep_ms(const struct worker *w, uint64_t now)
{
	bool soon = w->draining && !(w->drain.spool.next.flags & SPOOL_COMMIT_DRAINED);
	uint64_t next = MIN(w->next_tick, drain_due(&w->drain)), left = next > now ? next - now : 0;

	return (int)MIN((left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, soon ? 10ULL : 1000ULL);
}

/* A sandbox that is being loaded is answered before the first event is there for it. Each wakes once and is asked for
 * anew, so that none wakes a worker without end once it is loaded. */
static void wait_for_loads(struct worker *w)
{
	for (size_t i = 0; i < w->drain.n_sandboxes; i++) {
		int fd = processor_loading(w->drain.sandboxes[i]);
		struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT, .data.fd = fd };

		if (fd >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_MOD, fd, &e) < 0)
			(void)epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e);
	}
}

static void wait_for_events(struct worker *w, uint64_t now)
{
	struct epoll_event events[64];	/* the others next time */
	int n;

	wait_for_loads(w);
	n = epoll_wait(w->epoll, events, ARRAY_SIZE(events), sleep_ms(w, now));
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == w->control)
			listen_to(w);
		else if (events[i].events & (EPOLLHUP | EPOLLERR))	/* its CPU went away: ready for ever */
			epoll_ctl(w->epoll, EPOLL_CTL_DEL, events[i].data.fd, NULL);
	}
}

static void look_at_processors(struct drain *d, uint64_t now)
{
	for (size_t i = 0; i < d->n_sandboxes; i++)
		processor_look(d->sandboxes[i], now);
}

static int loop(struct worker *w)
{
	struct drain *d = &w->drain;

	for (;;) {
		int n = drain_all(w);
		uint64_t now = clock_monotonic();

		if (n < 0)
			return n;
		settle(w, now);
		if (now >= w->next_tick) {
			(void)clock_correct(&d->spool.next.wall_offset_ns);	/* counts from the next commit on */
			look_at_processors(d, now);
			look_at_spool(w);
			if (drain_tick(d))
				drain_commit(d);
			w->next_tick = now + TICK_NS;
		}
		if (n > 0) {
			if (w->control >= 0)
				wait_for_supervisor(w, 0);
			continue;
		}
		/* The ring's fd is readable already while its first record is still being written. */
		if (!drain_empty(d))
			wait_for_supervisor(w, 1);
		else
			wait_for_events(w, now);
	}
}

static int run(struct worker *w)
{
	struct drain *d = &w->drain;
	struct epoll_event e = { .events = EPOLLIN, .data.fd = w->control };
	int err = 0;

	if (w->control >= 0 && epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->control, &e) < 0)
		err = -errno;
	if (err == 0)
		err = rights_apply(&rights_worker);
	if (err < 0)
		return err;
	/* The rows are there before the first event is: the ledger shows them. And sinkd, which has no cursor to sleep
	 * at in a spool that it has not seen yet, comes at once. */
	drain_commit(d);
	say(w, WORKER_SAYS_SPOOL);
	if (w->draining)
		drain_finish(d);
	return loop(w);
}

/* ---- start --------------------------------------------------------------------------------------------- */

static int parse(int argc, char **argv, struct worker_options *o)
{
	static const struct option options[] = {
		{ "buffers", required_argument, NULL, 'b' },
		{ "control", required_argument, NULL, 'c' },
		{ "launcher", required_argument, NULL, 'l' },
		{ "processors", required_argument, NULL, 'p' },
		{ "spool-size", required_argument, NULL, 's' },
		{ "spool-full", required_argument, NULL, 'f' },
		{},
	};
	int c;

	while ((c = getopt_long(argc - 1, argv + 1, "", options, NULL)) >= 0) {
		switch (c) {
		case 'b': o->buffers = atoi(optarg); break;
		case 'c': o->control = atoi(optarg); break;
		case 'l': o->launcher = atoi(optarg); break;
		case 'p': o->processors = atoi(optarg); break;
		case 'f': o->spool_full = atoi(optarg); break;
		case 's': if (conf_parse_size(optarg, &o->spool_size) < 0) return -EINVAL; break;
		default:  return -EINVAL;
		}
	}
	if (optind != argc - 2)
		return -EINVAL;
	o->program = argv[argc - 1];
	return conf_name_valid(o->program) ? 0 : -EINVAL;
}

static bool manifest_gone(const char *program)
{
	char path[PATH_MAX];

	return path_manifest(program, path) == 0 && access(path, F_OK) < 0 && errno == ENOENT;
}

int worker_main(int argc, char **argv)
{
	static struct worker w = { .room_wait_ms = 1 };
	const char *size = getenv(WORKER_ENV_SPOOL_SIZE);
	struct worker_options o = { .control = -1, .launcher = -1, .processors = -1, .buffers = -1,
				    .spool_size = WORKER_SPOOL_SIZE };
	struct diag diag = {};
	int err;

	log_init("channeld", LOG_INFO);
	if (parse(argc, argv, &o) < 0 || (size && conf_parse_size(size, &o.spool_size) < 0)) {
		fprintf(stderr,
			"usage: ebpf-channeld worker [--control FD] [--launcher FD] [--processors FD] "
			"[--buffers FD] [--spool-size BYTES] [--spool-full N] PROGRAM\n");
		return 2;
	}
	w.program = o.program;
	w.control = o.control;
	w.drain.wait_for_room = wait_for_room;
	w.drain.wait_for_processor = wait_for_processor;
	w.drain.ring_doorbell = ring_doorbell;
	w.drain.arg = &w;
	o.epoll = w.epoll = epoll_create1(EPOLL_CLOEXEC);
	err = w.epoll < 0 ? -errno : worker_setup(&w.drain, &o, &w.draining, &diag);
	/* Unloaded while this process started: there is nothing to do, and nothing wrong. */
	if (err < 0 && o.control >= 0 && manifest_gone(o.program))
		return EXIT_SUCCESS;
	if (err < 0) {
		log_error("worker of %s: %s", o.program, diag.error[0] ? diag.error : strerror(-err));
		return EXIT_FAILURE;
	}
	err = run(&w);
	log_error("worker of %s: %s", o.program, strerror(-err));
	drain_fini(&w.drain);
	return EXIT_FAILURE;
}
