/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.ebpfagent.loader1. Load and Unload answer later; the loop goes on meanwhile. */
#include "../common/bus.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "loaderd.h"

#define MAY_CHANGE                                                                                                     \
	SD_BUS_VTABLE_UNPRIVILEGED /* who may is checked in the handlers: root and a group, not CAP_SYS_ADMIN */

/* ---- options ---------------------------------------------------------------------------------------------------- */

struct options {
	enum unload_how how;
	uint64_t timeout_ms;
};

static int read_timeout(sd_bus_message *m, const char *type, uint64_t *ret_ms, sd_bus_error *error)
{
	union {
		const char *s;
		uint64_t t;
		double d;
		uint32_t u;
	} v;
	uint64_t ns = 0;
	int err = sd_bus_message_read(m, "v", type, &v);

	if (err < 0)
		return err;
	switch (type[0]) {
	case 's':
		err = conf_parse_time(v.s, &ns);
		break;
	case 't':
		ns = v.t > UINT64_MAX / 1000 ? UINT64_MAX : v.t * 1000;	/* µs, as everywhere on D-Bus */
		break;
	case 'd':
		err = v.d >= 0 && v.d < 1e9 ? 0 : -ERANGE;
		ns = err ? 0 : v.d * 1e9;
		break;
	default:
		ns = v.u * NSEC_PER_SEC;
	}
	if (err < 0)
		return bus_fail(error, AGENT_ERR_INVALID, "timeout: not a time (\"10s\", or microseconds)");
	*ret_ms = MIN(ns / NSEC_PER_MSEC, 24 * 3600 * 1000ULL);
	return 0;
}

static int read_option(sd_bus_message *m, struct options *o, sd_bus_error *error)
{
	const char *key, *type;
	int err = sd_bus_message_read(m, "s", &key), flag;

	if (err >= 0)
		err = sd_bus_message_peek_type(m, NULL, &type);
	if (err < 0)
		return err;
	if (o && (!strcmp(key, "force") || !strcmp(key, "keep")) && !strcmp(type, "b")) {
		err = sd_bus_message_read(m, "v", "b", &flag);
		if (err >= 0 && flag)
			o->how = key[0] == 'f' ? UNLOAD_FORCE : UNLOAD_KEEP;
		return err;
	}
	if (o && !strcmp(key, "timeout") && strlen(type) == 1 && strchr("stdu", type[0]))
		return read_timeout(m, type, &o->timeout_ms, error);
	return bus_fail(error, AGENT_ERR_INVALID, "unknown option '%s' of type '%s'", key, type);
}

/* @o NULL: there are none to know. */
static int read_options(sd_bus_message *m, struct options *o, sd_bus_error *error)
{
	int err = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (err >= 0 && (err = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		err = read_option(m, o, error);
		if (err >= 0)
			err = sd_bus_message_exit_container(m);
	}
	return err < 0 ? err : sd_bus_message_exit_container(m);
}

/* ---- Load ------------------------------------------------------------------------------------------------------- */

static void reply_error(sd_bus_message *call, const struct outcome *o)
{
	sd_bus_reply_method_errorf(call, o->error, "%s", o->text);
}

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
		reply_error(call, o);
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

static int method_load(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct outcome o = { 0 };
	const char *file, *base;
	int fd, err = bus_check_may_change(m, error);

	if (err < 0)
		return err;
	err = sd_bus_message_read(m, "hss", &fd, &file, &base);
	if (err >= 0)
		err = read_options(m, NULL, error);
	if (err < 0)
		return err;
	if (start_load(userdata, m, fd, file, base, &o)) {
		err = bus_fail(error, o.error, "%s", o.text);
		outcome_fini(&o);
		return err;
	}
	return 1;	/* on_loaded() answers */
}

/* ---- Unload ----------------------------------------------------------------------------------------------------- */

static void on_unloaded(void *arg, const struct outcome *o)
{
	sd_bus_message *call = arg;

	if (o->error)
		reply_error(call, o);
	else
		sd_bus_reply_method_return(call, NULL);
	sd_bus_message_unref(call);
}

static int method_unload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct options o = { .timeout_ms = d->conf->drain_timeout_ns / NSEC_PER_MSEC };
	const char *program;
	struct entry *e;
	int err = bus_check_may_change(m, error);

	if (err >= 0)
		err = sd_bus_message_read(m, "s", &program);
	if (err >= 0)
		err = read_options(m, &o, error);
	if (err < 0)
		return err;
	e = entry_find(d, program);
	if (!e)
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "no program '%s' is loaded", program);
	unload_start(e, o.how, o.timeout_ms, on_unloaded, sd_bus_message_ref(m));
	return 1;
}

struct all {			/* one UnloadAll */
	sd_bus_message *call, *reply;
	size_t missing;
	struct outcome first;	/* what went wrong first */
	size_t failed;
};

struct one {
	struct all *all;
	char name[AGENT_NAME_MAX + 1];
};

static void all_done(struct all *a)
{
	int err;

	if (--a->missing > 0)
		return;
	err = sd_bus_message_close_container(a->reply);
	if (a->failed > 1)
		sd_bus_reply_method_errorf(a->call, a->first.error, "%s (and %zu more)", a->first.text, a->failed - 1);
	else if (a->failed)
		reply_error(a->call, &a->first);
	else if (err >= 0)
		sd_bus_send(NULL, a->reply, NULL);
	sd_bus_message_unref(a->reply);
	sd_bus_message_unref(a->call);
	outcome_fini(&a->first);
	free(a);
}

static void on_one_unloaded(void *arg, const struct outcome *o)
{
	struct one *one = arg;
	struct all *a = one->all;

	if (o->error) {
		a->failed++;
		outcome_fail(&a->first, o->error, "%s", o->text);
	} else {
		sd_bus_message_append(a->reply, "s", one->name);
	}
	free(one);
	all_done(a);
}

static void unload_each(struct loaderd *d, const struct options *o, struct all *a)
{
	for (struct job *j = d->jobs; j; j = d->jobs == j ? NULL : d->jobs)
		job_abort(j, "everything was told to be unloaded");
	for (struct entry *e = d->entries, *next; e; e = next) {
		struct one *one = malloc(sizeof(*one));

		next = e->next;
		if (!one || e->state == ENTRY_LOADING) {
			free(one);
			continue;
		}
		one->all = a;
		strcpy(one->name, e->name);
		a->missing++;
		unload_start(e, o->how, o->timeout_ms, on_one_unloaded, one);
	}
}

static int method_unload_all(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct options o = { .timeout_ms = d->conf->drain_timeout_ns / NSEC_PER_MSEC };
	int err = bus_check_may_change(m, error);
	struct all *a;

	if (err >= 0)
		err = read_options(m, &o, error);
	if (err < 0)
		return err;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	err = sd_bus_message_new_method_return(m, &a->reply);
	if (err >= 0)
		err = sd_bus_message_open_container(a->reply, 'a', "s");
	if (err < 0) {
		sd_bus_message_unref(a->reply);
		free(a);
		return err;
	}
	a->call = sd_bus_message_ref(m);
	a->missing = 1;		/* ourselves, so that it does not end before all were told */
	unload_each(d, &o, a);
	all_done(a);
	return 1;
}

/* ---- List, Show ------------------------------------------------------------------------------------------------- */

static void add_row(struct bus_rows *r, const struct entry *e)
{
	const struct manifest *m = e->manifest;
	const char *degraded = e->refused ? e->refused : m && m->degraded.n ? m->degraded.s[0] : "";

	bus_row_begin(r);
	bus_row_str(r, "program", e->name);
	bus_row_str(r, "state", e->refused ? "degraded" : entry_state_names[e->state]);
	bus_row_u64(r, "generation", m ? m->generation : 0);
	bus_row_u64(r, "items", m ? m->items.n : 0);
	bus_row_u64(r, "channels", m ? m->channels.n : 0);
	bus_row_u64(r, "degraded", m ? m->degraded.n + !!e->refused : 0);
	bus_row_strf(r, "degraded_text", "%.*s", (int)strcspn(degraded, "\n"), degraded);	/* all of it: Show */
	bus_row_str(r, "loaded_at", m && m->loaded_at ? m->loaded_at : "");
	bus_row_str(r, "file", m && m->file ? m->file : "");
	bus_row_end(r);
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct bus_rows r = { 0 };
	int err = read_options(m, NULL, error);

	if (err < 0)
		return err;
	bus_rows_begin(&r, m);
	for (const struct entry *e = d->entries; e; e = e->next)
		add_row(&r, e);
	return bus_rows_send(&r);
}

static int method_show(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	cleanup(freep) char *json = NULL;
	const struct entry *e;
	const char *program;
	int err = sd_bus_message_read(m, "s", &program);

	if (err >= 0)
		err = read_options(m, NULL, error);
	if (err < 0)
		return err;
	e = entry_find(d, program);
	if (!e)
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "no program '%s' is loaded", program);
	if (!e->manifest)
		return bus_fail(error, AGENT_ERR_NOT_FOUND, "%s is still being loaded", program);
	json = manifest_format(e->manifest);
	return json ? sd_bus_reply_method_return(m, "s", json) : -ENOMEM;
}

const sd_bus_vtable loaderd_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_NAMES("Load", "hssa{sv}",
				 SD_BUS_PARAM(yaml) SD_BUS_PARAM(file) SD_BUS_PARAM(base) SD_BUS_PARAM(options), "sas",
				 SD_BUS_PARAM(program) SD_BUS_PARAM(warnings), method_load, MAY_CHANGE),
	SD_BUS_METHOD_WITH_NAMES("Unload", "sa{sv}", SD_BUS_PARAM(program) SD_BUS_PARAM(options), "", , method_unload,
				 MAY_CHANGE),
	SD_BUS_METHOD_WITH_NAMES("UnloadAll", "a{sv}", SD_BUS_PARAM(options), "as", SD_BUS_PARAM(programs),
				 method_unload_all, MAY_CHANGE),
	SD_BUS_METHOD_WITH_NAMES("List", "a{sv}", SD_BUS_PARAM(options), "aa{sv}", SD_BUS_PARAM(programs), method_list,
				 SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_NAMES("Show", "sa{sv}", SD_BUS_PARAM(program) SD_BUS_PARAM(options), "s",
				 SD_BUS_PARAM(manifest), method_show, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
