/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking a tree that others may have written to: by descriptor, without following a link, within one file system. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "run.h"

#define TREE_DEPTH 32

struct walk {
	dev_t dev;
	/* After a folder's content. */
	int (*each)(struct walk *w, int dirfd, const char *name, const struct stat *st);
	uid_t uid;
	gid_t gid;
};

static int walk(struct walk *w, int dirfd, const char *name, int depth);

static int walk_inside(struct walk *w, int dirfd, const char *name, int depth)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = 0, e;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	for (struct dirent *d; (d = readdir(dir));) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		e = walk(w, fd, d->d_name, depth + 1);
		err = err ?: e;
	}
	closedir(dir);
	return err;
}

static int walk(struct walk *w, int dirfd, const char *name, int depth)
{
	struct stat st;
	int err = 0, e;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (depth == 0)
		w->dev = st.st_dev;
	if (st.st_dev != w->dev || depth > TREE_DEPTH)
		return -EXDEV;
	if (S_ISDIR(st.st_mode))
		err = walk_inside(w, dirfd, name, depth);
	e = w->each(w, dirfd, name, &st);
	return err ?: e;
}

static int each_remove(struct walk *w, int dirfd, const char *name, const struct stat *st)
{
	(void)w;
	return unlinkat(dirfd, name, S_ISDIR(st->st_mode) ? AT_REMOVEDIR : 0) < 0 ? -errno : 0;
}

int tree_remove(int dirfd, const char *name)
{
	struct walk w = { .each = each_remove };

	return walk(&w, dirfd, name, 0);
}

static int each_chown(struct walk *w, int dirfd, const char *name, const struct stat *st)
{
	/* A second link may lie where its new owner has no business. */
	if (S_ISREG(st->st_mode) && st->st_nlink > 1)
		return 0;
	if (st->st_uid == w->uid && st->st_gid == w->gid)
		return 0;
	return fchownat(dirfd, name, w->uid, w->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int tree_chown(const char *path, uid_t uid, gid_t gid)
{
	struct walk w = { .each = each_chown, .uid = uid, .gid = gid };

	return walk(&w, AT_FDCWD, path, 0);
}
