/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes with every call and goes with every answer: options, and texts that have to be UTF-8. */
#include <errno.h>
#include <string.h>

#include "bus.h"
#include "utf8.h"
#include "../abi/names.h"

static int read_option(sd_bus_message *m, bus_take_option *known, void *arg, sd_bus_error *error)
{
	const char *key, *type;
	int r = sd_bus_message_read(m, "s", &key);

	if (r >= 0)
		r = sd_bus_message_peek_type(m, NULL, &type);
	if (r >= 0)
		r = known ? known(m, key, type, arg, error) : 0;
	if (r != 0)
		return r;
	return bus_fail(error, AGENT_ERR_INVALID, "unknown option '%s' of type '%s'", key, type);
}

int bus_read_options(sd_bus_message *m, bus_take_option *known, void *arg, sd_bus_error *error)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_option(m, known, arg, error);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

void bus_make_utf8(char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = utf8_len(text, left);

		if (n == 0)
			*text = '?';
		text += MAX(n, (size_t)1);
		left -= MAX(n, (size_t)1);
	}
}

int bus_append_text(sd_bus_message *m, const char *text)
{
	cleanup(freep) char *copy = strdup(text ?: "");

	if (!copy)
		return -ENOMEM;
	bus_make_utf8(copy);
	return sd_bus_message_append(m, "s", copy);
}
