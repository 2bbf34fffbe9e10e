/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "../abi/names.h"
#include "../common/json.h"
#include "../common/yaml.h"
#include "client.h"
#include "yaml_json.h"

static int print_json(const char *daemon, const char *text)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	cleanup(diag_fini) struct diag d = {};
	cleanup(json_fini) struct json j = {};
	cleanup(freep) char *out = NULL;
	struct yaml_node *root;

	if (!a || yaml_parse(a, daemon, text, strlen(text), &root, &d) < 0)
		return ctl_error("the configuration cannot be read: %s", d.error[0] ? d.error : "not enough memory");
	yaml_to_json(root, &j, NULL);
	out = json_finish(&j, NULL);
	if (!out)
		return ctl_error("not enough memory");
	puts(out);
	return CTL_DONE;
}

int verb_config(const struct ctl *c, int argc, char **argv)
{
	(void)argc;
	const struct ctl_daemon *d = ctl_daemon_find(argv[0]);
	cleanup(message_unrefp) DBusMessage *reply = NULL;
	cleanup(client_close) struct client client = {};
	const char *text;
	DBusMessageIter args;
	DBusMessage *m;

	if (!d) {
		ctl_error("no daemon '%s': there are loaderd, tagd, channeld, sinkd, xdpd", argv[0]);
		return CTL_USAGE;
	}
	if (client_open(&client, c) < 0)
		return ctl_error("%s", client.error);
	m = client_message(d, AGENT_BUS_DAEMON, "GetConfig");
	dbus_message_iter_init_append(m, &args);
	client_options(&args, NULL, 0);
	if (client_call(&client, m, CLIENT_TIMEOUT_MS, NULL, &reply) < 0)
		return ctl_error("%s", client.error);
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID))
		return ctl_error("%s's answer has an unexpected form", d->name);
	if (c->json)
		return print_json(d->name, text);
	printf("%s%s", text, text[0] && text[strlen(text) - 1] != '\n' ? "\n" : "");
	return CTL_DONE;
}
