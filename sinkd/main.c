/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sinkd – all five main.c look like this; common/svc runs the life: parse → config (--check prints the
 * effective one) → loop, signals → start → bus → READY=1 → run → STOPPING=1 → stop. */
#include "sinkd.h"

#ifdef AGENT_SAN
/* At exit LeakSanitizer stops every thread by ptrace, and now and then waits for ever for the one that libuv keeps for
 * fsync (seen on a busy machine: its tracer attached to the main thread alone). The unit tests look for this room's
 * leaks. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

static const struct svc_def sinkd = {
	.name      = "sinkd",
	.bus       = "sink1",
	.about     = "delivers events from the spools to files and other sinks",
	.conf_size = sizeof(struct sinkd_conf),
	.schema    = &sinkd_schema,
	.methods   = sinkd_methods,
	.rights    = &rights_sinkd,
	.start     = sinkd_start,
	.reload    = sinkd_reload,	/* a whole new, valid config, or nothing changes */
	.look      = sinkd_look,
	.stop      = sinkd_stop,
};

int main(int argc, char **argv)
{
	return svc_main(&sinkd, argc, argv);
}
