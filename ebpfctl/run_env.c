/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The environment of the instance's processes: what moves everything into the private folder, and of ours only what
 * they need; it is not theirs to read what else root's shell has in it. */
#include <string.h>

#include "../abi/console.h"
#include "../abi/names.h"
#include "run_super.h"
#include "text.h"

#define ENV_MAX 64

static const char *const passed[] = { "PATH=", "LANG=", "LC_", "TZ=", "TERM=",
				      "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=" };

struct env {
	char **v;
	size_t n;
};

static void printf_like(2, 3) add(struct env *e, const char *fmt, ...)
{
	if (e->n < ENV_MAX)
		e->v[e->n++] = text_of(fmt);
}

static bool is_passed(const char *var)
{
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (!strncmp(var, passed[i], strlen(passed[i])))
			return true;
	return false;
}

char **super_env(const struct super *s, const char *notify)
{
	const char *base = s->dir->base;
	struct env e = { .v = calloc(ENV_MAX + 1, sizeof(char *)) };

	if (!e.v)
		return NULL;
	for (char **var = environ; *var && e.n < ENV_MAX / 2; var++)
		if (is_passed(*var))
			add(&e, "%s", *var);
	add(&e, AGENT_ENV_RUNTIME "=%s/run", base);
	add(&e, AGENT_ENV_STATE "=%s/lib", base);
	add(&e, AGENT_ENV_LOG "=%s/log", base);
	if (s->config)
		add(&e, AGENT_ENV_CONFIG "=%s/config:%s/run/config", base, base);
	else
		add(&e, AGENT_ENV_CONFIG "=%s/config", base);
	add(&e, "DBUS_SYSTEM_BUS_ADDRESS=unix:path=%s/bus", base);
	add(&e, "EBPF_AGENT_SANDBOX_UIDS=%u-%u", s->ids->base + RUN_IDS_SANDBOX, s->ids->base + RUN_IDS_BLOCK - 1);
	/* For those who are handed a descriptor; LISTEN_PID, without which these say nothing, is added by spawn(). */
	add(&e, "LISTEN_FDS=1");
	add(&e, "LISTEN_FDNAMES=" CONSOLE_FD_NAME);
	if (notify) {
		add(&e, "NOTIFY_SOCKET=%s", notify);
		add(&e, "WATCHDOG_USEC=10000000");
	}
	return e.v;
}

void strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}
