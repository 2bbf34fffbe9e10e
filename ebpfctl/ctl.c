/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "../abi/names.h"
#include "ctl.h"

/* What daemons say holds names from files of others: nothing of it moves a terminal's cursor. C1 controls are two bytes
 * in UTF-8: C2 80 … C2 9F. */
static void say(const char *prefix, const char *text)
{
	fputs(prefix, stderr);
	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		bool c1 = s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0;

		fputc((*s < ' ' && *s != '\n' && *s != '\t') || *s == 0x7f || c1 ? '?' : *s, stderr);
		s += c1;
	}
	fputc('\n', stderr);
}

int ctl_error(const char *fmt, ...)
{
	cleanup(freep) char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;	/* undefined after a failure */
	say("ebpfctl: ", text ?: "not enough memory");
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
