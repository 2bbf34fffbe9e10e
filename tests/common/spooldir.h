/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder on a tmpfs for spools, for one test program; its contents are removed with it. */
#ifndef TESTS_COMMON_SPOOLDIR_H
#define TESTS_COMMON_SPOOLDIR_H

#include <dirent.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "../../common/base.h"

static char spooldir[] = "/dev/shm/ebpf-agent-test.XXXXXX";

/* False: there is no tmpfs here. */
static inline bool spooldir_make(void)
{
	struct statfs fs;

	return statfs("/dev/shm", &fs) == 0 && fs.f_type == TMPFS_MAGIC && mkdtemp(spooldir);
}

static inline const char *spooldir_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", spooldir, name);
	return path;
}

static inline void spooldir_clear(void)
{
	DIR *d = opendir(spooldir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlink(spooldir_path(e->d_name)) < 0)
			rmdir(spooldir_path(e->d_name));
	}
	closedir(d);
}

static inline void spooldir_remove(void)
{
	spooldir_clear();
	rmdir(spooldir);
}

/* What main() returns; skips all where there is no tmpfs. @setup: of the group, may be NULL. */
#define spooldir_run(tests, setup)                                            \
	({                                                                    \
		int failed_ = 0;                                              \
		if (!spooldir_make()) {                                       \
			printf("1..0 # SKIP /dev/shm is no tmpfs\n");         \
		} else {                                                      \
			failed_ = cmocka_run_group_tests(tests, setup, NULL); \
			spooldir_remove();                                    \
		}                                                             \
		failed_;                                                      \
	})

#endif
