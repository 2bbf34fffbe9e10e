/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "../abi/names.h"
#include "job.h"

#define CANCEL_WAIT_MS 10000	/* loaderd kills a child, and cleans up */

struct follow {
	struct client *c;
	const char *path;
	struct job_progress progress;
	int64_t cancelled_ms;		/* 0: not yet */
};

static DBusMessage *job_message(const char *path, const char *member)
{
	DBusMessage *m = client_message(ctl_daemon_find("loaderd"), AGENT_BUS_LOADER_JOB, member);
	DBusMessageIter args;

	if (!dbus_message_set_path(m, path))
		abort();
	dbus_message_iter_init_append(m, &args);
	client_options(&args, NULL, 0);
	return m;
}

/* Its answer says nothing that the job's does not. */
static void cancel(struct follow *f)
{
	cleanup(message_unrefp) DBusMessage *m = job_message(f->path, "Cancel");

	dbus_message_set_no_reply(m, true);
	dbus_connection_send(f->c->conn, m, NULL);
	dbus_connection_flush(f->c->conn);
	f->cancelled_ms = client_now_ms();
}

static bool look(void *arg)
{
	struct follow *f = arg;

	job_progress_look(&f->progress);
	if (!f->c->stop || !*f->c->stop)
		return true;
	if (!f->cancelled_ms)
		cancel(f);
	return *f->c->stop < 2 && client_now_ms() < f->cancelled_ms + CANCEL_WAIT_MS;
}

/* The words for one that is not waited for any more are the job's own, if it has any. */
static int interrupted(struct client *c, int err)
{
	if (err == -EREMOTEIO && !strcmp(c->error_name, AGENT_ERR_CANCELLED))
		return -EINTR;
	if (err == -EINTR)
		client_set_error(c, "interrupted; loaderd may go on with it: see `ebpfctl list`");
	return err;
}

int job_run(struct client *c, const struct ctl *ctl, DBusMessage *m, int timeout_ms, const char *doing,
	    DBusMessage **ret)
{
	cleanup(message_unrefp) DBusMessage *begun = NULL;
	int err = client_call(c, m, CLIENT_TIMEOUT_MS, NULL, &begun);
	struct follow f = { .c = c };
	struct client_watch watch = { look, &f };

	if (err < 0)
		return interrupted(c, err);
	if (!dbus_message_get_args(begun, NULL, DBUS_TYPE_OBJECT_PATH, &f.path, DBUS_TYPE_INVALID)) {
		client_set_error(c, "loaderd's answer has an unexpected form");
		return -EREMOTEIO;
	}
	f.progress = (struct job_progress){ .c = c, .ctl = ctl, .path = f.path, .doing = doing,
					    .loaderd = dbus_message_get_sender(begun), .begun_ms = client_now_ms() };
	err = client_call(c, job_message(f.path, "Wait"), timeout_ms, &watch, ret);
	job_progress_end(&f.progress);
	return interrupted(c, err);
}

bool job_result_read(DBusMessage *reply, struct job_result *ret)
{
	return dbus_message_get_args(reply, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &ret->programs, &ret->n_programs,
				     DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &ret->warnings, &ret->n_warnings,
				     DBUS_TYPE_INVALID);
}

void job_result_fini(struct job_result *r)
{
	dbus_free_string_array(r->programs);
	dbus_free_string_array(r->warnings);
}
