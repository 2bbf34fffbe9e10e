/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "bus_job.h"

static void texts_add(struct texts *t, const char *text)
{
	char **bigger = realloc(t->s, (t->n + 1) * sizeof(*bigger));

	if (!bigger)
		return;
	t->s = bigger;
	t->s[t->n] = strdup(text);
	t->n += t->s[t->n] != NULL;
}

static void texts_fini(struct texts *t)
{
	for (size_t k = 0; k < t->n; k++)
		free(t->s[k]);
	free(t->s);
	*t = (struct texts){ 0 };
}

static void job_free(struct bus_job *j)
{
	struct bus_job **at = &j->d->bus_jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	bus_job_answer(j);
	outcome_fini(&j->outcome);
	texts_fini(&j->programs);
	texts_fini(&j->warnings);
	free(j->owner);
	free(j);
}

static uint64_t realtime_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static size_t running(const struct loaderd *d)
{
	size_t n = 0;

	for (const struct bus_job *j = d->bus_jobs; j; j = j->next)
		n += j->state == BUS_JOB_RUNNING;
	return n;
}

struct bus_job *bus_job_new(struct loaderd *d, enum bus_job_kind kind, sd_bus_message *call, sd_bus_error *error)
{
	struct bus_job *j;

	if (running(d) >= JOBS_RUNNING) {
		bus_fail(error, AGENT_ERR_LIMIT, "%d jobs are going on already: try again later", JOBS_RUNNING);
		return NULL;
	}
	j = calloc(1, sizeof(*j));
	if (j)
		j->owner = strdup(sd_bus_message_get_sender(call) ?: "");
	if (!j || !j->owner) {
		free(j);
		bus_fail(error, AGENT_ERR_LOAD_FAILED, "out of memory");
		return NULL;
	}
	j->d = d;
	j->kind = kind;
	j->number = ++d->last_bus_job;
	j->started_at = realtime_usec();
	j->next = d->bus_jobs;
	d->bus_jobs = j;
	return j;
}

void bus_job_drop(struct bus_job *j)
{
	job_free(j);
}

/* A flood of short jobs does not grow. */
static void forget_oldest(struct loaderd *d)
{
	for (;;) {
		struct bus_job *oldest = NULL;
		size_t n = 0;

		for (struct bus_job *j = d->bus_jobs; j; j = j->next) {
			if (j->state == BUS_JOB_RUNNING || !j->announced)
				continue;
			n++;
			if (!oldest || j->ended < oldest->ended)
				oldest = j;
		}
		if (n <= JOBS_KEPT)
			return;
		bus_job_removed(oldest);
		job_free(oldest);
	}
}

int bus_job_reply(struct bus_job *j, sd_bus_message *call)
{
	char path[BUS_JOB_PATH_MAX];

	bus_job_path(j, path);
	j->announced = true;
	bus_job_announce(j);
	if (j->state != BUS_JOB_RUNNING)
		forget_oldest(j->d);
	return sd_bus_reply_method_return(call, "o", path);
}

void bus_job_tell(struct bus_job *j, unsigned percent, const char *fmt, ...)
{
	static char *changed[] = { "Phase", "Progress", NULL };
	char text[sizeof(j->phase)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (percent <= j->percent && !strcmp(text, j->phase))
		return;
	j->percent = MAX(j->percent, percent);
	strcpy(j->phase, text);
	bus_job_changed(j, changed);
}

void bus_job_add_program(struct bus_job *j, const char *name)
{
	static char *changed[] = { "Programs", NULL };

	texts_add(&j->programs, name);
	if (j->kind == BUS_JOB_UNLOAD_ALL)
		bus_job_changed(j, changed);
}

void bus_job_add_warnings(struct bus_job *j, const struct conf_strs *warnings)
{
	for (size_t k = 0; k < warnings->n; k++)
		texts_add(&j->warnings, warnings->s[k]);
}

void bus_job_end(struct bus_job *j)
{
	static char *changed[] = { "Error", "ErrorText", "Phase", "Program", "Programs", "Progress", "State",
				   "Warnings", NULL };
	const char *error = j->outcome.error;

	if (!error)
		j->percent = 100;
	j->state = !error ? BUS_JOB_DONE : strcmp(error, AGENT_ERR_CANCELLED) ? BUS_JOB_FAILED : BUS_JOB_CANCELLED;
	if (j->state == BUS_JOB_DONE)
		strcpy(j->phase, "done");
	j->until = uv_now(j->d->loop) + JOB_KEEP_MS;
	j->ended = ++j->d->bus_jobs_ended;
	bus_job_changed(j, changed);
	bus_job_answer(j);
	forget_oldest(j->d);	/* never @j: it is the last that ended */
}

void bus_job_look(struct loaderd *d)
{
	uint64_t now = uv_now(d->loop);

	for (struct bus_job *j = d->bus_jobs, *next; j; j = next) {
		next = j->next;
		if (j->state == BUS_JOB_RUNNING || now < j->until)
			continue;
		bus_job_removed(j);
		job_free(j);
	}
}

void bus_job_free_all(struct loaderd *d)
{
	while (d->bus_jobs)
		job_free(d->bus_jobs);
}
