/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>

#include "../abi/names.h"
#include "ctl.h"

int ctl_error(const char *fmt, ...)
{
	va_list ap;

	fputs("ebpfctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CTL_FAILED;
}

const struct ctl_daemon ctl_daemons[CTL_N_DAEMONS] = {
	{ "loaderd",  AGENT_BUS_LOADER,  AGENT_BUS_PATH "/loader1" },
	{ "tagd",     AGENT_BUS_TAG,     AGENT_BUS_PATH "/tag1" },
	{ "channeld", AGENT_BUS_CHANNEL, AGENT_BUS_PATH "/channel1" },
	{ "sinkd",    AGENT_BUS_SINK,    AGENT_BUS_PATH "/sink1" },
	{ "xdpd",     AGENT_BUS_XDP,     AGENT_BUS_PATH "/xdp1" },
};

const struct ctl_daemon *ctl_daemon_find(const char *name)
{
	if (!strncmp(name, "ebpf-", 5))
		name += 5;
	for (size_t i = 0; i < CTL_N_DAEMONS; i++) {
		const struct ctl_daemon *d = &ctl_daemons[i];

		if (!strcmp(d->name, name) || !strcmp(strrchr(d->bus, '.') + 1, name))
			return d;
	}
	return NULL;
}
