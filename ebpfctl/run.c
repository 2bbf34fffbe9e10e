/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ebpfctl run`: what is checked before anything is made, the loop, and the way back. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "../abi/names.h"
#include "check.h"
#include "run_phase.h"

static int on_console(void *arg)
{
	struct run *r = arg;

	return out_pipe(&r->out);
}

static void loop(struct run *r)
{
	while (r->phase != FINISHED) {
		struct pollfd fds[RUN_N + 4];
		int64_t now = now_ms();
		int wait = super_look(&r->super, now);
		size_t n;

		run_look(r, now);
		if (r->phase == FINISHED)
			return;
		if (r->end_ms && r->phase == RUNNING)
			wait = r->end_ms - now < wait ? (int)(r->end_ms - now) : wait;
		wait = MAX(wait, 0);
		if (r->phase == STOPPING)
			wait = MIN(wait, 50);
		n = super_poll(&r->super, fds);
		n += out_poll(&r->out, fds + n);
		fds[n++] = (struct pollfd){ .fd = r->signal_fd, .events = POLLIN };
		/* What has changed is seen by looking, not by revents. */
		poll(fds, n, wait);
	}
}

/* ---- beginning and end ---------------------------------------------------------------------------------- */

static int catch_signals(struct run *r)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return r->signal_fd < 0 ? -errno : 0;
}

static void say_address(const struct run *r)
{
	fprintf(stderr, "bus: unix:path=%s/bus   (ebpfctl --bus ADDRESS …, or DBUS_SYSTEM_BUS_ADDRESS)\n",
		r->dir.base);
}

/* As LimitMEMLOCK= in ebpf-loaderd.service: perf buffers are locked memory, and their programs say how much of it. */
static void allow_locked_memory(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &all);	/* refused: loaderd says so if it is not enough */
}

static int set_up(struct run *r, char why[256])
{
	int err = run_dir_make(&r->dir, r->ctl->state, why);

	err = err ?: run_ids_lease(&r->ids, why);
	err = err ?: run_ns_enter(&r->dir, &r->ids, r->ctl->config, why);
	err = err ?: run_bus_prepare(&r->dir, &r->super.bus_socket, why);
	if (err)
		return err;
	allow_locked_memory();
	r->super.dir = &r->dir;
	r->super.ids = &r->ids;
	r->super.config = r->ctl->config;
	r->super.verbose = r->ctl->verbose;
	r->super.console = on_console;
	r->super.arg = r;
	err = super_start(&r->super, why);
	if (!err)
		say_address(r);
	return err;
}

static void tear_down(struct run *r)
{
	run_verb_kill(r);
	super_fini(&r->super);
	out_fini(&r->out);
	closep(&r->signal_fd);
	run_ns_leave(&r->dir);
	run_dir_remove(&r->dir);
	run_ids_release(&r->ids);
}

/* Two files of one program: the second one would be refused once the first one runs. */
static int check_names(char **files, int n)
{
	cleanup(freep) char (*names)[AGENT_NAME_MAX + 1] = calloc((size_t)n + 1, sizeof(*names));

	for (int i = 0; names && i < n; i++) {
		if (!check_name(files[i], names[i]))
			continue;	/* loaderd says what is wrong with it */
		for (int k = 0; k < i; k++)
			if (!strcmp(names[k], names[i]))
				return ctl_error("%s and %s both describe the program '%s'", files[k], files[i],
						 names[i]);
	}
	return CTL_DONE;
}

/* Everything that can be known before anything is made. */
static int check(const struct ctl *c, char **files, int n)
{
	if (geteuid() != 0)
		return ctl_error("run needs root: it loads BPF programs (try: sudo ebpfctl run …)");
	if (!n && !c->config) {
		ctl_error("usage: ebpfctl run FILE… (or --config DIR, with programs in DIR/programs.d)");
		return CTL_USAGE;
	}
	for (int i = 0; i < n; i++)
		if (access(files[i], R_OK) < 0)
			return ctl_error("%s: %s", files[i], strerror(errno));
	if (c->config && access(c->config, R_OK | X_OK) < 0)
		return ctl_error("%s: %s", c->config, strerror(errno));
	if (!run_bus_binary())
		return ctl_error("dbus-daemon is not installed (Debian: apt-get install dbus-daemon)");
	return check_names(files, n);
}

static int start(struct run *r)
{
	char why[256] = "";
	int err = out_init(&r->out, r->ctl->json, r->ctl->color);

	if (err)
		return ctl_error("stdout: %s", strerror(-err));
	run_dir_sweep();
	err = catch_signals(r);
	if (err)
		return ctl_error("signals: %s", strerror(-err));
	if (set_up(r, why) < 0)
		return ctl_error("%s", why);
	return CTL_DONE;
}

int verb_run(const struct ctl *c, int argc, char **argv)
{
	struct run *r;
	int status = check(c, argv, argc);

	if (status)
		return status;
	r = calloc(1, sizeof(*r));
	if (!r)
		return ctl_error("not enough memory");
	*r = (struct run){ .ctl = c, .files = argv, .n_files = argc, .signal_fd = -1, .ids.lease = -1, .out.fd = -1,
			   .dir = { .base_lock = -1, .state_lock = -1, .state_fd = -1 },
			   .super = { .notify_fd = -1, .bus_socket = -1, .null_fd = -1 } };
	r->self = realpath("/proc/self/exe", NULL);
	r->since_ms = now_ms();
	status = r->self ? start(r) : ctl_error("/proc/self/exe: %s", strerror(errno));
	if (!status) {
		loop(r);
		status = r->status ?: r->super.failed ? CTL_FAILED : CTL_DONE;
	}
	tear_down(r);
	free(r->self);
	free(r);
	return status;
}
