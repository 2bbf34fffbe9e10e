/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Load. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bus_job.h"
#include "bus_methods.h"

static void on_progress(void *arg, const struct entry *e, unsigned percent, const char *phase)
{
	struct bus_job *j = arg;

	snprintf(j->program, sizeof(j->program), "%s", e->name);
	bus_job_tell(j, percent, "%s", phase);
}

static void on_loaded(void *arg, const struct entry *e, const struct outcome *o)
{
	struct bus_job *j = arg;

	if (o->error) {
		outcome_fail(&j->outcome, o->error, "%s", o->text);
	} else {
		bus_job_add_program(j, e->name);
		bus_job_add_warnings(j, &e->manifest->warnings);
		bus_job_add_warnings(j, &e->manifest->degraded);
	}
	bus_job_end(j);
}

/* A FIFO, a folder, a device: refused, and never waited for. */
static int read_yaml(int fd, const char *file, char **ret, size_t *ret_len, struct outcome *o)
{
	cleanup(freep) char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fstat(fd, &st))
		return outcome_fail(o, AGENT_ERR_INVALID, "%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return outcome_fail(o, AGENT_ERR_INVALID, "%s is not a regular file", file);
	if (st.st_size > YAML_SIZE_MAX)
		return outcome_fail(o, AGENT_ERR_INVALID, "%s is larger than 1 MiB", file);
	text = malloc(st.st_size + 1);
	if (!text)
		return outcome_fail(o, AGENT_ERR_LOAD_FAILED, "%s: out of memory", file);
	while (len < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + len, st.st_size - len, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return outcome_fail(o, AGENT_ERR_INVALID, "%s cannot be read: %s", file, strerror(errno));
		if (n == 0)
			break;
		len += n;
	}
	*ret = take(text);
	*ret_len = len;
	return 0;
}

static int check_names(const char *file, const char *base, struct outcome *o)
{
	if (base[0] != '/')
		return outcome_fail(o, AGENT_ERR_INVALID, "%s: its folder is not absolute", file);
	if (strlen(file) >= PATH_MAX || strlen(base) >= PATH_MAX)
		return outcome_fail(o, AGENT_ERR_INVALID, "the file's name is too long");
	return 0;
}

static int refused(const struct outcome *o, sd_bus_error *error)
{
	return bus_fail(error, o->error, "%s", o->text);
}

/* @r: all but who is told. */
static int begin(struct loaderd *d, sd_bus_message *m, struct load_request *r, sd_bus_error *error)
{
	struct bus_job *j = bus_job_new(d, BUS_JOB_LOAD, m, error);
	cleanup(outcome_fini) struct outcome o = { 0 };

	if (!j)
		return -EIO;
	r->progress = on_progress;
	r->done = on_loaded;
	r->arg = j;
	if (!job_start(d, r, &o))
		return bus_job_reply(j, m);
	bus_job_drop(j);
	return refused(&o, error);
}

int method_load(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	cleanup(outcome_fini) struct outcome o = { 0 };
	cleanup(freep) char *text = NULL;
	struct load_request r = { 0 };
	int fd, err = bus_check_may_change(m, error);

	if (err >= 0)
		err = sd_bus_message_read(m, "hss", &fd, &r.file, &r.base);
	if (err >= 0)
		err = bus_read_options(m, NULL, NULL, error);
	if (err < 0)
		return err;
	if (check_names(r.file, r.base, &o) || read_yaml(fd, r.file, &text, &r.len, &o))
		return refused(&o, error);
	r.text = text;
	return begin(userdata, m, &r, error);
}

/* For clients that cannot hand a descriptor over, as busctl. */
int method_load_text(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	cleanup(outcome_fini) struct outcome o = { 0 };
	struct load_request r = { 0 };
	int err = bus_check_may_change(m, error);

	if (err >= 0)
		err = sd_bus_message_read(m, "sss", &r.text, &r.file, &r.base);
	if (err >= 0)
		err = bus_read_options(m, NULL, NULL, error);
	if (err < 0)
		return err;
	r.len = strlen(r.text);
	if (check_names(r.file, r.base, &o))
		return refused(&o, error);
	if (r.len > YAML_SIZE_MAX)
		return bus_fail(error, AGENT_ERR_INVALID, "%s is larger than 1 MiB", r.file);
	return begin(userdata, m, &r, error);
}
