/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "paths.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../abi/names.h"

static const char *from_env(const char *name, const char *otherwise)
{
	const char *v = getenv(name);

	return v && *v ? v : otherwise;
}

const char *path_runtime(void)
{
	return from_env(AGENT_ENV_RUNTIME, "/run/ebpf-agent");
}

const char *path_state(void)
{
	return from_env(AGENT_ENV_STATE, "/var/lib/ebpf-agent");
}

const char *path_log(void)
{
	return from_env(AGENT_ENV_LOG, "/var/log/ebpf-agent");
}

const char *path_config(void)
{
	return from_env(AGENT_ENV_CONFIG, "/usr/lib/ebpf-agent:/run/ebpf-agent/config:/etc/ebpf-agent");
}

const char *path_libexec(void)
{
	static char folder[PATH_MAX];
	ssize_t n;
	char *slash;

	if (folder[0])
		return folder;
	n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	folder[n > 0 ? n : 0] = '\0';
	slash = strrchr(folder, '/');
	if (!slash)
		return strcpy(folder, "/usr/libexec/ebpf-agent");	/* no /proc */
	slash[slash == folder] = '\0';
	return folder;
}

/* DIR/FOLDER/NAME.SUFFIX; what could leave the folder is refused. */
static int below(const char *dir, const char *folder, const char *name, const char *suffix, char *ret)
{
	char path[PATH_MAX];

	if (!name[0] || name[0] == '.' || strchr(name, '/'))
		return -EINVAL;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s/%s%s", dir, folder, name, suffix) >= sizeof(path))
		return -ENAMETOOLONG;
	strcpy(ret, path);
	return 0;
}

int path_manifest(const char *program, char *ret)
{
	return below(path_runtime(), "manifest", program, ".json", ret);
}

int path_spool(const char *program, char *ret)
{
	return below(path_runtime(), "spool", program, ".spool", ret);
}

static int beside_spool(const char *program, const char *channel, const char *what, char *ret)
{
	char suffix[128];

	if (strchr(channel, '/') || (size_t)snprintf(suffix, sizeof(suffix), ".%s.%s", channel, what) >= sizeof(suffix))
		return -EINVAL;
	return below(path_runtime(), "spool", program, suffix, ret);
}

int path_snapshot(const char *program, const char *channel, char *ret)
{
	return beside_spool(program, channel, "snapshot", ret);
}

int path_staging(const char *program, const char *channel, char *ret)
{
	return beside_spool(program, channel, "pipe", ret);
}

int path_hint(const char *daemon, char *ret)
{
	return below(path_runtime(), "hint", daemon, "", ret);
}

int path_buffers(char *ret)
{
	return below(path_runtime(), "hint", "loaderd", ".buffers", ret);
}

int path_lock(const char *daemon, char *ret)
{
	return below(path_runtime(), "lock", daemon, "", ret);
}

int path_artifact(const char *sha256, char *ret)
{
	return below(path_state(), "artifacts", sha256, "", ret);
}

int path_dead_letter(const char *program, char *ret)
{
	return below(path_state(), "dead-letter", program, ".jsonl", ret);
}
