/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In two steps: drained, it is kept a moment, so that the ledger can be asked what became of its events; then it
 * goes. */
#include <errno.h>
#include <string.h>

#include "../abi/names.h"
#include "../common/json.h"
#include "job.h"
#include "totals.h"

#define UNLOAD_SLACK_MS 20000		/* beyond the drain itself */
#define DRAIN_DEFAULT_S 10
#define USEC            1000000ULL	/* times on D-Bus */

struct unload {
	const struct ctl *ctl;
	struct client client;
	struct json json;		/* an array of what was unloaded */
};

static DBusMessage *unload_message(const char *program, bool keep, bool force, uint64_t timeout_usec)
{
	DBusMessage *m = client_message(ctl_daemon_find("loaderd"), NULL, program ? "Unload" : "UnloadAll");
	const struct client_option options[] = {
		{ .name = "keep", .flag = keep },
		{ .name = "force", .flag = force },
		{ .name = "timeout", .number = timeout_usec },
	};
	DBusMessageIter args;

	dbus_message_iter_init_append(m, &args);
	if (program)
		dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &program);
	client_options(&args, options, ARRAY_SIZE(options));
	return m;
}

/* 0, -errno of job_run(). @program NULL: all. */
static int call(struct unload *u, DBusMessage *m, const char *program, DBusMessage **ret)
{
	uint64_t ms = (u->ctl->timeout ?: DRAIN_DEFAULT_S) * 1000 + UNLOAD_SLACK_MS;
	char doing[128];

	snprintf(doing, sizeof(doing), "unloading %s", program ?: "all programs");
	return job_run(&u->client, u->ctl, m, (int)MIN(ms, (uint64_t)INT32_MAX), doing, ret);
}

enum drained { NOT_DETACHED, LATE, DRAINED };

/* Detaches and drains; what it has counted is said. With --force it is not waited for. */
static int drain(struct unload *u, const char *program, enum drained *ret)
{
	uint64_t timeout = u->ctl->force ? 1 : u->ctl->timeout * USEC;
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(ledger_fini) struct ledger l = {};
	int err = call(u, unload_message(program, true, false, timeout), program, &reply);

	*ret = err >= 0 ? DRAINED : strcmp(u->client.error_name, AGENT_ERR_DRAIN_TIMEOUT) ? NOT_DETACHED : LATE;
	if (*ret == NOT_DETACHED)
		return u->ctl->force ? 0 : err;
	if (ledger_ask(&u->client, program ?: "", &l) == CTL_DONE)
		totals_say(&l);
	return 0;
}

static int unload(struct unload *u, const char *program, DBusMessage **ret)
{
	enum drained drained;
	int err = drain(u, program, &drained);

	if (!err) {
		uint64_t timeout = drained == LATE ? 1 : u->ctl->timeout * USEC;

		err = call(u, unload_message(program, false, u->ctl->force, timeout), program, ret);
	}
	/* It is not kept for long, one that was late not at all: what went meanwhile is gone, as was asked for. */
	if (err < 0 && drained != NOT_DETACHED && !strcmp(u->client.error_name, AGENT_ERR_NOT_FOUND))
		return CTL_DONE;
	return err < 0 ? ctl_error("%s", u->client.error) : CTL_DONE;
}

static void say(struct unload *u, const char *program)
{
	json_str(&u->json, NULL, program);
	if (!u->ctl->json)
		printf("unloaded %s\n", program);
}

static int unload_all(struct unload *u)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(job_result_fini) struct job_result r = { 0 };

	if (unload(u, NULL, &reply))
		return CTL_FAILED;
	if (!job_result_read(reply, &r))
		return ctl_error("loaderd's answer has an unexpected form");
	for (int i = 0; i < r.n_programs; i++)
		say(u, r.programs[i]);
	if (!r.n_programs && !u->ctl->json)
		puts("nothing was loaded");
	return CTL_DONE;
}

/* Goes on after one that fails: whoever names several wants them all gone. */
static int unload_each(struct unload *u, int argc, char **argv)
{
	int status = CTL_DONE;

	for (int i = 0; i < argc && !*u->client.stop; i++) {
		cleanup(message_unrefp) DBusMessage *reply = NULL;

		if (!dbus_validate_utf8(argv[i], NULL))
			status = ctl_error(CTL_NO_PROGRAM, argv[i]);
		else if (unload(u, argv[i], &reply))
			status = CTL_FAILED;
		else
			say(u, argv[i]);
	}
	return status;
}

int verb_unload(const struct ctl *c, int argc, char **argv)
{
	cleanup(freep) char *text = NULL;
	struct unload u = { .ctl = c };
	int status;

	if (c->all == (argc > 0)) {
		ctl_error("unload takes names, or --all");
		return CTL_USAGE;
	}
	if (client_open(&u.client, c) < 0) {
		status = ctl_error("%s", u.client.error);
		client_close(&u.client);
		return status;
	}
	u.client.stop = client_catch_signals();
	json_open_array(&u.json, NULL);
	status = c->all ? unload_all(&u) : unload_each(&u, argc, argv);
	json_close_array(&u.json);
	text = json_finish(&u.json, NULL);
	if (c->json && text)
		puts(text);
	json_fini(&u.json);
	client_close(&u.client);
	return status;
}
