/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <time.h>

#include "../abi/names.h"
#include "ctl.h"
#include "text.h"

/* What daemons say holds names from files of others. */
static void say(const char *prefix, const char *text)
{
	const char *end = text + strlen(text);

	fputs(prefix, stderr);
	while (text < end) {
		size_t n = *text == '\n' || *text == '\t' ? 0 : text_control(text, end);

		fputc(n ? '?' : *text, stderr);
		text += MAX(n, 1u);
	}
	fputc('\n', stderr);
}

int ctl_error(const char *fmt, ...)
{
	cleanup(freep) char *text = text_of(fmt);

	say("ebpfctl: ", text);
	return CTL_FAILED;
}

void ctl_warning(const char *text)
{
	say("warning: ", text);
}

void ctl_local_time(const char *rfc3339, char ret[CTL_TIME_SIZE])
{
	struct tm tm = {};
	time_t t;

	snprintf(ret, CTL_TIME_SIZE, "%s", rfc3339);
	if (!strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	t = timegm(&tm);	/* the daemons write Z */
	if (localtime_r(&t, &tm))
		strftime(ret, CTL_TIME_SIZE, "%F %T", &tm);
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
