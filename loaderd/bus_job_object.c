/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.ebpfagent.loader1.Job. */
#include <errno.h>
#include <string.h>

#include "../common/conf.h"
#include "bus_job.h"

static const char *const kind_names[] = {
	[BUS_JOB_LOAD] = "load", [BUS_JOB_UNLOAD] = "unload", [BUS_JOB_UNLOAD_ALL] = "unload-all",
};
static const char *const state_names[] = {
	[BUS_JOB_RUNNING] = "running", [BUS_JOB_DONE] = "done", [BUS_JOB_FAILED] = "failed",
	[BUS_JOB_CANCELLED] = "cancelled",
};

/* ---- properties ------------------------------------------------------------------------------------------------- */

static int property_text(sd_bus *bus, const char *path, const char *interface, const char *property,
			 sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct bus_job *j = userdata;
	const struct {
		const char *name, *value;
	} all[] = {
		{ "Kind", kind_names[j->kind] }, { "Program", j->program },	   { "State", state_names[j->state] },
		{ "Phase", j->phase },		 { "Error", j->outcome.error }, { "ErrorText", j->outcome.text },
	};

	(void)bus, (void)path, (void)interface, (void)error;
	for (size_t k = 0; k < ARRAY_SIZE(all); k++)
		if (!strcmp(all[k].name, property))
			return bus_append_text(reply, all[k].value);
	return -ENOENT;
}

static int append_texts(sd_bus_message *m, const struct texts *t)
{
	int err = sd_bus_message_open_container(m, 'a', "s");

	for (size_t k = 0; k < t->n && err >= 0; k++)
		err = bus_append_text(m, t->s[k]);
	return err < 0 ? err : sd_bus_message_close_container(m);
}

static int property_texts(sd_bus *bus, const char *path, const char *interface, const char *property,
			  sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	const struct bus_job *j = userdata;

	(void)bus, (void)path, (void)interface, (void)error;
	return append_texts(reply, strcmp(property, "Programs") ? &j->warnings : &j->programs);
}

static int property_progress(sd_bus *bus, const char *path, const char *interface, const char *property,
			     sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "u", ((const struct bus_job *)userdata)->percent);
}

static int property_started_at(sd_bus *bus, const char *path, const char *interface, const char *property,
			       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "t", ((const struct bus_job *)userdata)->started_at);
}

/* ---- methods ---------------------------------------------------------------------------------------------------- */

static int answer_error(const struct bus_job *j, sd_bus_message *call)
{
	cleanup(freep) char *text = strdup(j->outcome.text ?: "");

	if (!text)
		return -ENOMEM;
	bus_make_utf8(text);
	return sd_bus_reply_method_errorf(call, j->outcome.error, "%s", text);
}

static int answer_done(const struct bus_job *j, sd_bus_message *call)
{
	sd_bus_message *reply = NULL;
	int err = sd_bus_message_new_method_return(call, &reply);

	if (err >= 0)
		err = append_texts(reply, &j->programs);
	if (err >= 0)
		err = append_texts(reply, &j->warnings);
	if (err >= 0)
		err = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return err;
}

/* Whoever waits without a limit is told at least that there is no answer. */
static int answer(const struct bus_job *j, sd_bus_message *call)
{
	int err = j->outcome.error ? answer_error(j, call) : answer_done(j, call);

	return err < 0 ? sd_bus_reply_method_errno(call, err, NULL) : err;
}

void bus_job_answer(struct bus_job *j)
{
	while (j->calls) {
		struct bus_call *c = j->calls;

		j->calls = c->next;
		if (j->state != BUS_JOB_RUNNING)
			answer(j, c->call);
		sd_bus_message_unref(c->call);
		free(c);
	}
	j->n_calls = 0;
}

/* Anybody may wait, and go away while he does: that must not grow either. Who started it is among those who may
 * change things. */
static int method_wait(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;
	bool foreign = strcmp(sd_bus_message_get_sender(m) ?: "", j->owner) != 0;
	int err = bus_read_options(m, NULL, NULL, error);
	struct bus_call *c;

	if (err < 0)
		return err;
	if (j->state != BUS_JOB_RUNNING)
		return answer(j, m);
	if (sd_bus_message_get_expect_reply(m) <= 0)
		return 1;	/* whom nobody would count among those who wait for an answer */
	if (foreign && j->n_calls >= JOB_CALLS_MAX)
		return bus_fail(error, AGENT_ERR_LIMIT, "%d wait for this job already: its properties say the same",
				JOB_CALLS_MAX);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct bus_call){ j->calls, sd_bus_message_ref(m) };
	j->calls = c;
	j->n_calls += foreign;
	return 1;	/* bus_job_end() answers */
}

static void cancel(struct bus_job *j)
{
	if (j->kind == BUS_JOB_LOAD) {
		job_cancel(j->d, j);		/* ends once its child is gone */
		return;
	}
	/* A detached program cannot be attached again as if nothing had been: it goes on draining, as after a timeout,
	 * and goes by itself. */
	unload_forget(j->d, j);
	outcome_fini(&j->outcome);
	outcome_fail(&j->outcome, AGENT_ERR_CANCELLED,
		     "nobody waits any more; %s is detached, goes on draining, then goes (--force discards the rest)",
		     j->program[0] ? j->program : "what is not gone yet");
	bus_job_end(j);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_job *j = userdata;
	int err = bus_check_may_change(m, error);

	if (err >= 0)
		err = bus_read_options(m, NULL, NULL, error);
	if (err < 0)
		return err;
	if (j->state != BUS_JOB_RUNNING)
		return bus_fail(error, AGENT_ERR_ENDED, "the job has ended already: it is %s", state_names[j->state]);
	cancel(j);
	return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable job_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Wait", SD_BUS_ARGS("a{sv}", options),
				SD_BUS_RESULT("as", programs, "as", warnings), method_wait, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_cancel,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Kind", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("StartedAt", "t", property_started_at, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Program", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("State", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Phase", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Progress", "u", property_progress, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Error", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("ErrorText", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Warnings", "as", property_texts, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Programs", "as", property_texts, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_VTABLE_END,
};

/* ---- objects ---------------------------------------------------------------------------------------------------- */

void bus_job_path(const struct bus_job *j, char ret[BUS_JOB_PATH_MAX])
{
	snprintf(ret, BUS_JOB_PATH_MAX, BUS_JOB_PREFIX "/%lu", (unsigned long)j->number);
}

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret, sd_bus_error *error)
{
	struct loaderd *d = userdata;

	(void)bus, (void)interface, (void)error;
	for (struct bus_job *j = d->bus_jobs; j; j = j->next) {
		char ours[BUS_JOB_PATH_MAX];

		bus_job_path(j, ours);
		if (j->announced && !strcmp(ours, path)) {
			*ret = j;
			return 1;
		}
	}
	return 0;
}

static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	size_t n = 0, room = 1;
	char **paths;

	(void)bus, (void)prefix, (void)error;
	for (const struct bus_job *j = d->bus_jobs; j; j = j->next)
		room++;
	paths = calloc(room, sizeof(*paths));
	for (const struct bus_job *j = d->bus_jobs; j && paths; j = j->next) {
		char path[BUS_JOB_PATH_MAX];

		bus_job_path(j, path);
		if (j->announced && (paths[n] = strdup(path)))
			n++;
	}
	*ret = paths;
	return paths ? 0 : -ENOMEM;
}

int bus_job_offer(struct loaderd *d, sd_bus *bus)
{
	int err = sd_bus_add_fallback_vtable(bus, NULL, BUS_JOB_PREFIX, AGENT_BUS_LOADER_JOB, job_vtable, find, d);

	/* Who waited on an earlier connection will not hear it any more. */
	for (struct bus_job *j = d->bus_jobs; j; j = j->next)
		bus_job_answer(j);
	return err < 0 ? err : sd_bus_add_node_enumerator(bus, NULL, BUS_JOB_PREFIX, enumerate, d);
}

static sd_bus *bus_for(const struct bus_job *j)
{
	return j->announced && !j->d->stopping ? svc_bus(j->d->svc) : NULL;
}

void bus_job_announce(struct bus_job *j)
{
	char path[BUS_JOB_PATH_MAX];

	bus_job_path(j, path);
	if (bus_for(j))
		(void)sd_bus_emit_object_added(bus_for(j), path);
}

void bus_job_announce_all(struct loaderd *d)
{
	for (struct bus_job *j = d->bus_jobs; j; j = j->next)
		bus_job_announce(j);
}

void bus_job_changed(const struct bus_job *j, char **properties)
{
	char path[BUS_JOB_PATH_MAX];

	bus_job_path(j, path);
	if (bus_for(j))
		(void)sd_bus_emit_properties_changed_strv(bus_for(j), path, AGENT_BUS_LOADER_JOB, properties);
}

void bus_job_removed(const struct bus_job *j)
{
	char path[BUS_JOB_PATH_MAX];

	bus_job_path(j, path);
	if (bus_for(j))
		(void)sd_bus_emit_object_removed(bus_for(j), path);
}
