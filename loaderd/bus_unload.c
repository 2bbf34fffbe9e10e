/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unload, UnloadAll: each answers once all is drained, or its time is over. */
#include <errno.h>
#include <string.h>

#include "bus_methods.h"

static void on_unloaded(void *arg, const struct outcome *o)
{
	sd_bus_message *call = arg;

	if (o->error)
		reply_outcome(call, o);
	else
		sd_bus_reply_method_return(call, NULL);
	sd_bus_message_unref(call);
}

int method_unload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct unload_options o = { .timeout_ms = d->conf->drain_timeout_ns / NSEC_PER_MSEC };
	const char *program;
	struct entry *e;
	int err = bus_check_may_change(m, error);

	if (err >= 0)
		err = sd_bus_message_read(m, "s", &program);
	if (err >= 0)
		err = options_read(m, &o, error);
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
		reply_outcome(a->call, &a->first);
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

static void unload_each(struct loaderd *d, const struct unload_options *o, struct all *a)
{
	job_abort_all(d, "everything was told to be unloaded");
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

int method_unload_all(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct loaderd *d = userdata;
	struct unload_options o = { .timeout_ms = d->conf->drain_timeout_ns / NSEC_PER_MSEC };
	int err = bus_check_may_change(m, error);
	struct all *a;

	if (err >= 0)
		err = options_read(m, &o, error);
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
