/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where maps that several programs share are pinned. */
#ifndef EBPF_AGENT_SHARED_H
#define EBPF_AGENT_SHARED_H

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/paths.h"

static inline int shared_dir(char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/bpf/v1/shared", path_runtime()) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static inline int shared_path(const char *map, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/bpf/v1/shared/%s", path_runtime(), map);

	if (!map[0] || strpbrk(map, "./"))
		return -EINVAL;
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static inline int shared_make_dir(void)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/bpf/v1", path_runtime()) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, 0750) && errno != EEXIST)
		return -errno;
	if (shared_dir(path))
		return -ENAMETOOLONG;
	return mkdir(path, 0750) && errno != EEXIST ? -errno : 0;
}

#endif
