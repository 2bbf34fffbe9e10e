/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "bus_methods.h"

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

static int take_option(sd_bus_message *m, const char *key, const char *type, void *arg, sd_bus_error *error)
{
	struct unload_options *o = arg;
	int err, flag;

	if ((!strcmp(key, "force") || !strcmp(key, "keep")) && !strcmp(type, "b")) {
		err = sd_bus_message_read(m, "v", "b", &flag);
		if (err >= 0 && flag)
			o->how = key[0] == 'f' ? UNLOAD_FORCE : UNLOAD_KEEP;
		return err;
	}
	if (!strcmp(key, "timeout") && strlen(type) == 1 && strchr("stdu", type[0]))
		return read_timeout(m, type, &o->timeout_ms, error) ?: 1;
	return 0;
}

int unload_options_read(sd_bus_message *m, struct unload_options *o, sd_bus_error *error)
{
	return bus_read_options(m, take_option, o, error);
}
