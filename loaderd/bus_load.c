/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Load. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "bus_methods.h"

static int reply_loaded(sd_bus_message *call, const struct entry *e)
{
	const struct conf_strs *warnings = &e->manifest->warnings, *degraded = &e->manifest->degraded;
	sd_bus_message *reply = NULL;
	int err = sd_bus_message_new_method_return(call, &reply);

	if (err >= 0)
		err = sd_bus_message_append(reply, "s", e->name);
	if (err >= 0)
		err = sd_bus_message_open_container(reply, 'a', "s");
	for (size_t k = 0; k < warnings->n && err >= 0; k++)
		err = sd_bus_message_append(reply, "s", warnings->s[k]);
	for (size_t k = 0; k < degraded->n && err >= 0; k++)
		err = sd_bus_message_append(reply, "s", degraded->s[k]);
	if (err >= 0)
		err = sd_bus_message_close_container(reply);
	if (err >= 0)
		err = sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	return err;
}

static void on_loaded(void *arg, const struct entry *e, const struct outcome *o)
{
	sd_bus_message *call = arg;

	if (o->error)
		reply_outcome(call, o);
	else
		reply_loaded(call, e);
	sd_bus_message_unref(call);
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

static int start_load(struct loaderd *d, sd_bus_message *m, int fd, const char *file, const char *base,
		      struct outcome *o)
{
	cleanup(freep) char *text = NULL;
	struct load_request r = { .file = file, .base = base, .done = on_loaded, .arg = m };
	int err;

	if (base[0] != '/')
		return outcome_fail(o, AGENT_ERR_INVALID, "%s: its folder is not absolute", file);
	if (strlen(file) >= PATH_MAX || strlen(base) >= PATH_MAX)
		return outcome_fail(o, AGENT_ERR_INVALID, "the file's name is too long");
	err = read_yaml(fd, file, &text, &r.len, o);
	if (err)
		return err;
	r.text = text;
	sd_bus_message_ref(m);
	err = job_start(d, &r, o);
	if (err)
		sd_bus_message_unref(m);
	return err;
}

int method_load(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct outcome o = { 0 };
	const char *file, *base;
	int fd, err = bus_check_may_change(m, error);

	if (err < 0)
		return err;
	err = sd_bus_message_read(m, "hss", &fd, &file, &base);
	if (err >= 0)
		err = options_read(m, NULL, error);
	if (err < 0)
		return err;
	if (start_load(userdata, m, fd, file, base, &o)) {
		err = bus_fail(error, o.error, "%s", o.text);
		outcome_fini(&o);
		return err;
	}
	return 1;	/* on_loaded() answers */
}
