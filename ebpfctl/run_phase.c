/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run goes through, and what ends it. */
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "run_phase.h"

#define UNLOAD_MS   25000	/* unload has a limit of its own: 10 s of draining */
#define REFUSED_MS   5000	/* what fails before was no drain that took too long */
#define VERB_DEATHS     3	/* it is started again so often */
#define FLUSH_MS     2000	/* for a reader of stdout that takes nothing any more */

static void enter(struct run *r, enum phase phase, int64_t now)
{
	r->phase = phase;
	r->since_ms = now;
}

static void begin_stop(struct run *r, int64_t now)
{
	super_stop(&r->super);
	enter(r, STOPPING, now);
}

/* Whatever is loaded is unloaded first, so that what is under way is still printed. */
static void begin_unload(struct run *r, int64_t now)
{
	run_verb_kill(r);
	r->verb_deaths = 0;
	r->refused = false;
	if (r->phase == STARTING || r->super.gave_up) {
		begin_stop(r, now);
		return;
	}
	r->asked = 0;
	if (r->super.children[RUN_LOADERD].ready)
		run_verb_unload(r);
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
	run_verb_load(r);
	enter(r, LOADING, now);
}

static void look_loading(struct run *r, int64_t now)
{
	bool ok;

	if (!run_verb_ended(r, &ok))
		return;
	if (ok)
		say_ready(r, now);
	else
		fail_run(r, now);
}

/* A loaderd that died can neither answer nor detach: the next one is asked again. So is this one, if the verb did not
 * live to hear it, once if it had no memory or no room just then, and if the drain took too long: then what is left is
 * discarded, and counted. True: there is something to wait for. */
static bool unload_again(struct run *r, int64_t now)
{
	const struct child *loaderd = &r->super.children[RUN_LOADERD];
	bool heard = loaderd->pid == r->asked && loaderd->ready && !r->verb_killed;

	if (r->super.gave_up || r->verb_deaths > VERB_DEATHS)
		return false;
	if (heard && !r->force && !r->refused && now - r->since_ms < REFUSED_MS) {
		r->refused = true;
	} else if (heard) {
		if (r->force)
			return false;
		ctl_error("what is left is discarded");
		r->force = true;
		r->status = CTL_FAILED;
	}
	if (loaderd->ready)
		run_verb_unload(r);
	return true;
}

static void look_unloading(struct run *r, int64_t now)
{
	bool ok;

	if (now - r->since_ms > UNLOAD_MS) {
		run_verb_kill(r);
		ctl_error("unloading takes too long: what is left is discarded");
		r->status = CTL_FAILED;
	} else if (!run_verb_ended(r, &ok)) {
		return;
	} else if (!ok) {
		if (unload_again(r, now))
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
			run_verb_kill(r);
			run_verb_unload(r);
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

	run_verb_kill(r);
	if (r->force || !ready) {
		begin_stop(r, now);
		return;
	}
	r->force = true;
	run_verb_unload(r);
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

static void look_phase(struct run *r, int64_t now)
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

void run_look(struct run *r, int64_t now)
{
	look_signals(r, now);
	out_look(&r->out);
	look_reasons(r, now);
	look_phase(r, now);
}
