/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ebpfctl run`: starting → loading → running → unloading → stopping. Loading and unloading are the very verbs
 * of those names, as children, so that here nothing ever waits. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "../common/spawn.h"
#include "check.h"
#include "run.h"

#define UNLOAD_MS   25000	/* unload has a limit of its own: 10 s of draining */
#define VERB_DEATHS     3	/* it is started again so often */
#define FLUSH_MS     2000	/* for a reader of stdout that takes nothing any more */

enum phase { STARTING, LOADING, RUNNING, UNLOADING, STOPPING, FINISHED };

struct run {
	const struct ctl *ctl;
	char **files;
	int n_files;
	char *self;			/* this binary */
	enum phase phase;
	int64_t since_ms;		/* of the phase */
	int64_t end_ms;			/* --seconds; 0: none */
	bool force;			/* unload with --force: nobody takes what is left */
	int status;
	pid_t verb;			/* the load or unload under way */
	const char *verb_name;
	bool verb_killed;		/* the last one was, by a signal */
	unsigned verb_deaths;
	pid_t asked;			/* the loaderd that it speaks to */
	int signal_fd;
	struct run_dir dir;
	struct run_ids ids;
	struct super super;
	struct out out;
};

static int on_console(void *arg)
{
	struct run *r = arg;

	return out_pipe(&r->out);
}

static void enter(struct run *r, enum phase phase, int64_t now)
{
	r->phase = phase;
	r->since_ms = now;
}

/* ---- verbs as children ---------------------------------------------------------------------------------- */

static void start_verb(struct run *r, char **argv)
{
	/* stdout is for events alone. */
	struct spawn_fd fds[] = { { r->super.null_fd, 0 }, { r->super.null_fd, 1 } };
	char **env = super_env(&r->super, NULL);
	struct spawn s = { .path = r->self, .argv = argv, .envp = env, .fds = fds, .n_fds = 2, .keep_caps = true,
			   .new_session = true };
	pid_t pid = env ? spawn(&s) : -ENOMEM;

	strv_free(env);
	r->verb = pid > 0 ? pid : 0;
	r->verb_name = argv[1];
	r->asked = r->super.children[RUN_LOADERD].pid;
	if (pid < 0)
		ctl_error("%s: %s", r->self, strerror(-pid));
}

static void start_load(struct run *r)
{
	char *argv[r->n_files + 4];
	int n = 0;

	argv[n++] = "ebpfctl";
	argv[n++] = "load";
	argv[n++] = "--";
	for (int i = 0; i < r->n_files; i++)
		argv[n++] = r->files[i];
	argv[n] = NULL;
	start_verb(r, argv);
}

static void start_unload(struct run *r)
{
	char *argv[] = { "ebpfctl", "unload", "--json", "--all", r->force ? "--force" : NULL, NULL };

	start_verb(r, argv);
}

/* True: it has ended, with *ret_ok, and has said why not. A verb that could not be started has ended badly. */
static bool verb_ended(struct run *r, bool *ret_ok)
{
	int how = 0;

	if (r->verb && waitpid(r->verb, &how, WNOHANG) == 0)
		return false;
	*ret_ok = r->verb && WIFEXITED(how) && WEXITSTATUS(how) == 0;
	r->verb = 0;
	r->verb_killed = WIFSIGNALED(how);
	if (r->verb_killed) {
		r->verb_deaths++;
		ctl_error("`%s` was killed (SIG%s)", r->verb_name, sigabbrev_np(WTERMSIG(how)) ?: "?");
	}
	return true;
}

static void kill_verb(struct run *r)
{
	if (!r->verb)
		return;
	kill(r->verb, SIGKILL);
	while (waitpid(r->verb, NULL, 0) < 0 && errno == EINTR)
		;
	r->verb = 0;
}

/* ---- phases --------------------------------------------------------------------------------------------- */

static void begin_stop(struct run *r, int64_t now)
{
	super_stop(&r->super);
	enter(r, STOPPING, now);
}

/* Whatever is loaded is unloaded first, so that what is under way is still printed. */
static void begin_unload(struct run *r, int64_t now)
{
	kill_verb(r);
	r->verb_deaths = 0;
	if (r->phase == STARTING || r->super.gave_up) {
		begin_stop(r, now);
		return;
	}
	r->asked = 0;
	if (r->super.children[RUN_LOADERD].ready)
		start_unload(r);
	enter(r, UNLOADING, now);
}

static void fail_run(struct run *r, int64_t now)
{
	r->status = CTL_FAILED;
	r->force = true;
	begin_unload(r, now);
}

static void say_ready(struct run *r, int64_t now)
{
	fprintf(stderr, "ready\n");
	r->end_ms = r->ctl->seconds ? now + (int64_t)r->ctl->seconds * 1000 : 0;
	enter(r, RUNNING, now);
}

static void look_starting(struct run *r, int64_t now)
{
	if (!super_all_ready(&r->super))
		return;
	if (!r->n_files) {
		say_ready(r, now);
		return;
	}
	start_load(r);
	enter(r, LOADING, now);
}

static void look_loading(struct run *r, int64_t now)
{
	bool ok;

	if (!verb_ended(r, &ok))
		return;
	if (ok)
		say_ready(r, now);
	else
		fail_run(r, now);
}

/* A loaderd that died can neither answer nor detach: the next one is asked again. So is this one, if the verb did not
 * live to hear it, and if the drain took too long: then what is left is discarded, and counted. True: there is
 * something to wait for. */
static bool unload_again(struct run *r)
{
	const struct child *loaderd = &r->super.children[RUN_LOADERD];
	bool heard = loaderd->pid == r->asked && loaderd->ready && !r->verb_killed;

	if (r->super.gave_up || r->verb_deaths > VERB_DEATHS)
		return false;
	if (heard) {
		if (r->force)
			return false;
		ctl_error("what is left is discarded");
		r->force = true;
		r->status = CTL_FAILED;
	}
	if (loaderd->ready)
		start_unload(r);
	return true;
}

static void look_unloading(struct run *r, int64_t now)
{
	bool ok;

	if (now - r->since_ms > UNLOAD_MS) {
		kill_verb(r);
		ctl_error("unloading takes too long: what is left is discarded");
		r->status = CTL_FAILED;
	} else if (!verb_ended(r, &ok)) {
		return;
	} else if (!ok) {
		if (unload_again(r))
			return;
		r->status = CTL_FAILED;
	}
	begin_stop(r, now);
}

static void look_stopping(struct run *r, int64_t now)
{
	if (!super_all_stopped(&r->super))
		r->since_ms = now;
	else if (out_finished(&r->out))
		enter(r, FINISHED, now);
	else if (now - r->since_ms > FLUSH_MS) {
		ctl_error("stdout takes nothing: %zu bytes of events were not printed", r->out.text.len - r->out.done);
		r->status = CTL_FAILED;
		enter(r, FINISHED, now);
	}
}

/* What ends a run, besides a load that fails. */
static void look_reasons(struct run *r, int64_t now)
{
	if (r->phase >= UNLOADING) {
		/* Told already; but if the reader has left meanwhile, there is nobody to drain for. */
		if (r->out.closed && !r->force && r->phase == UNLOADING) {
			r->force = true;
			kill_verb(r);
			start_unload(r);
		}
		return;
	}
	if (r->super.gave_up) {
		ctl_error("%s", r->super.gave_up);
		fail_run(r, now);
	} else if (r->out.closed) {
		r->force = true;
		if (r->out.error) {
			ctl_error("stdout: %s", strerror(r->out.error));
			r->status = CTL_FAILED;
		}
		begin_unload(r, now);
	} else if (r->end_ms && now >= r->end_ms) {
		begin_unload(r, now);
	}
}

/* For those who will not wait: what is left is discarded, and counted. At the next one nothing is waited for. */
static void unload_at_once(struct run *r, int64_t now)
{
	bool ready = r->super.children[RUN_LOADERD].ready;

	kill_verb(r);
	if (r->force || !ready) {
		begin_stop(r, now);
		return;
	}
	r->force = true;
	start_unload(r);
	enter(r, UNLOADING, now);
}

static void look_signals(struct run *r, int64_t now)
{
	struct signalfd_siginfo info;

	while (read(r->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;	/* only to wake up */
		if (r->phase < UNLOADING) {
			begin_unload(r, now);
		} else if (r->phase == UNLOADING && now - r->since_ms > 200) {
			/* Asked twice (a terminal may send one of each): no more waiting for the drain. */
			unload_at_once(r, now);
		}
	}
}

static void look(struct run *r, int64_t now)
{
	switch (r->phase) {
	case STARTING: look_starting(r, now); break;
	case LOADING: look_loading(r, now); break;
	case RUNNING: break;
	case UNLOADING: look_unloading(r, now); break;
	case STOPPING: look_stopping(r, now); break;
	case FINISHED: break;
	}
}

static void loop(struct run *r)
{
	while (r->phase != FINISHED) {
		struct pollfd fds[RUN_N + 4];
		int64_t now = now_ms();
		int wait = super_look(&r->super, now);
		size_t n;

		look_signals(r, now);
		out_look(&r->out);
		look_reasons(r, now);
		look(r, now);
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

static int set_up(struct run *r, char why[256])
{
	int err = run_dir_make(&r->dir, r->ctl->state, why);

	err = err ?: run_ids_lease(&r->ids, why);
	err = err ?: run_ns_enter(&r->dir, &r->ids, r->ctl->config, why);
	err = err ?: run_bus_prepare(&r->dir, &r->super.bus_socket, why);
	if (err)
		return err;
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
	kill_verb(r);
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
