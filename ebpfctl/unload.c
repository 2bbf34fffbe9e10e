/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "../common/json.h"
#include "client.h"

#define UNLOAD_SLACK_MS 20000		/* beyond the drain itself */
#define DRAIN_DEFAULT_S 10

static DBusMessage *unload_message(const struct ctl *c, const char *member, const char *program)
{
	DBusMessage *m = client_message(ctl_daemon_find("loaderd"), NULL, member);
	const struct client_option options[] = {
		{ .name = "force", .flag = c->force },
		{ .name = "timeout", .number = c->timeout * 1000000 },	/* microseconds, as D-Bus has it */
	};
	DBusMessageIter args;

	dbus_message_iter_init_append(m, &args);
	if (program)
		dbus_message_iter_append_basic(&args, DBUS_TYPE_STRING, &program);
	client_options(&args, options, ARRAY_SIZE(options));
	return m;
}

static int call(const struct ctl *c, struct client *client, const char *member, const char *program, DBusMessage **ret)
{
	uint64_t drain = c->timeout ?: DRAIN_DEFAULT_S;
	char doing[128];

	snprintf(doing, sizeof(doing), "still delivering what %s has left", program ?: "all programs");
	if (client_call(client, unload_message(c, member, program),
			(int)MIN(drain * 1000 + UNLOAD_SLACK_MS, (uint64_t)INT32_MAX), doing, ret) < 0)
		return ctl_error("%s", client->error);
	return CTL_DONE;
}

static void say(const struct ctl *c, const char *program, struct json *j)
{
	json_str(j, NULL, program);
	if (!c->json)
		printf("unloaded %s\n", program);
}

static int unload_all(const struct ctl *c, struct client *client, struct json *j)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	char **programs;
	int n;

	if (call(c, client, "UnloadAll", NULL, &reply))
		return CTL_FAILED;
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &programs, &n, DBUS_TYPE_INVALID))
		return ctl_error("loaderd's answer has an unexpected form");
	for (int i = 0; i < n; i++)
		say(c, programs[i], j);
	if (!n && !c->json)
		fprintf(stderr, "nothing was loaded\n");
	dbus_free_string_array(programs);
	return CTL_DONE;
}

/* Goes on after one that fails: whoever names several wants them all gone. */
static int unload_each(const struct ctl *c, struct client *client, int argc, char **argv, struct json *j)
{
	int status = CTL_DONE;

	for (int i = 0; i < argc; i++) {
		cleanup(message_unrefp) DBusMessage *reply = NULL;

		if (!dbus_validate_utf8(argv[i], NULL) || call(c, client, "Unload", argv[i], &reply))
			status = CTL_FAILED;
		else
			say(c, argv[i], j);
	}
	return status;
}

int verb_unload(const struct ctl *c, int argc, char **argv)
{
	cleanup(client_close) struct client client = {};
	cleanup(json_fini) struct json j = {};
	cleanup(freep) char *text = NULL;
	int status;

	if (c->all == (argc > 0)) {
		ctl_error("unload takes names, or --all");
		return CTL_USAGE;
	}
	if (client_open(&client, c) < 0)
		return ctl_error("%s", client.error);
	json_open_array(&j, NULL);
	status = c->all ? unload_all(c, &client, &j) : unload_each(c, &client, argc, argv, &j);
	json_close_array(&j);
	text = json_finish(&j, NULL);
	if (c->json && text)
		puts(text);
	return status;
}
