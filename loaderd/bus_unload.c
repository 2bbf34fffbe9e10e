/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unload, UnloadAll: each job ends once all is drained, or its time is over. */
#include <errno.h>
#include <string.h>

#include "bus_job.h"
#include "bus_methods.h"

#define TELL_EVERY_MS 200

static void one_less(struct bus_job *j)
{
	if (--j->missing > 0)
		return;
	unload_kept(j->d, j);
	if (j->failed > 1) {
		struct outcome first = j->outcome;

		j->outcome = (struct outcome){ 0 };
		outcome_fail(&j->outcome, first.error, "%s (and %zu more)", first.text, j->failed - 1);
		outcome_fini(&first);
	}
	bus_job_end(j);
}

static void on_unloaded(void *arg, const char *program, const struct outcome *o)
{
	struct bus_job *j = arg;

	if (o->error) {
		j->failed++;
		outcome_fail(&j->outcome, o->error, "%s", o->text);
	} else {
		bus_job_add_program(j, program);
	}
	one_less(j);
}

static int begin(struct loaderd *d, sd_bus_message *m, enum bus_job_kind kind, struct bus_job **ret,
		 sd_bus_error *error)
{
	struct bus_job *j = bus_job_new(d, kind, m, error);

	if (!j)
		return -EIO;
	strcpy(j->phase, "detaching");
	j->missing = 1;		/* ourselves, so that it does not end before all were told */
	*ret = j;
	return 0;
}

int method_unload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct unload_options o = { .timeout_ms = d->conf->drain_timeout_ns / NSEC_PER_MSEC };
	const char *program;
	struct bus_job *j;
	struct entry *e;
	int err = bus_check_may_change(m, error);

	if (err >= 0)
		err = sd_bus_message_read(m, "s", &program);
	if (err >= 0)
		err = unload_options_read(m, &o, error);
	if (err < 0)
		return err;
	e = entry_find(d, program);
	if (!e)
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "no program '%s' is loaded", program);
	if (e->state == ENTRY_LOADING)
		return bus_fail(error, AGENT_ERR_INVALID, "%s is still being loaded", program);
	err = begin(d, m, BUS_JOB_UNLOAD, &j, error);
	if (err < 0)
		return err;
	strcpy(j->program, e->name);
	j->missing++;
	unload_start(e, o.how, o.timeout_ms, on_unloaded, j);
	one_less(j);
	return bus_job_reply(j, m);
}

static void unload_each(struct loaderd *d, const struct unload_options *o, struct bus_job *j)
{
	job_abort_all(d, "everything was told to be unloaded");
	for (struct entry *e = d->entries, *next; e; e = next) {
		next = e->next;
		if (e->state == ENTRY_LOADING)
			continue;
		j->missing++;
		unload_start(e, o->how, o->timeout_ms, on_unloaded, j);
	}
}

int method_unload_all(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct unload_options o = { .timeout_ms = d->conf->drain_timeout_ns / NSEC_PER_MSEC };
	int err = bus_check_may_change(m, error);
	struct bus_job *j;

	if (err >= 0)
		err = unload_options_read(m, &o, error);
	if (err < 0)
		return err;
	err = begin(d, m, BUS_JOB_UNLOAD_ALL, &j, error);
	if (err < 0)
		return err;
	unload_each(d, &o, j);
	one_less(j);
	return bus_job_reply(j, m);
}

/* ---- how far it is ---------------------------------------------------------------------------------------------- */

static void tell(struct bus_job *j)
{
	size_t programs = 0, reading = 0;
	uint64_t left = 0;
	char of[48] = "";

	for (const struct entry *e = j->d->entries; e; e = e->next) {
		uint64_t n;

		if (e->state != ENTRY_DRAINING || !unload_waits(e, j))
			continue;
		programs++;
		reading += !unload_left(e, &n);
		left += n;
	}
	if (!programs)
		return;
	if (programs > 1)
		snprintf(of, sizeof(of), " of %zu programs", programs);
	j->most = MAX(j->most, left);
	if (left)
		bus_job_tell(j, 100 * (j->most - left) / j->most, "draining: %lu records%s", (unsigned long)left, of);
	else
		bus_job_tell(j, j->percent, "draining: %s%s", reading ? "what the rings hold" : "the last records", of);
}

void bus_unload_look(struct loaderd *d)
{
	uint64_t now = uv_now(d->loop);

	for (struct bus_job *j = d->bus_jobs; j; j = j->next) {
		if (j->state != BUS_JOB_RUNNING || j->kind == BUS_JOB_LOAD || now < j->told_at + TELL_EVERY_MS)
			continue;
		j->told_at = now;
		tell(j);
	}
}
