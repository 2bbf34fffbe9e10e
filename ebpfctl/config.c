/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "../abi/names.h"
#include "client.h"

#define PATIENCE_MS 5000	/* a daemon that lives answers at once */

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
	client_options(&args, &(struct client_option){ "json", .flag = true }, c->json);
	if (client_call(&client, m, PATIENCE_MS, NULL, &reply) < 0)
		return ctl_error("%s", client.error);
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID))
		return ctl_error("%s's answer has an unexpected form", d->name);
	printf("%s%s", text, text[0] && text[strlen(text) - 1] != '\n' ? "\n" : "");
	return CTL_DONE;
}
