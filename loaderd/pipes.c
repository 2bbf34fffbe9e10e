/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PIPE_BYTES (1 << 20)	/* what it holds while nobody reads: the most that may be asked for */

/* A link is never followed, and what others own is not ours: they could read what is meant for us. */
static int open_fifo(const char *path, struct stat *ret)
{
	cleanup(closep) int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	if (fstat(fd, ret) < 0)
		return -errno;
	if (!S_ISFIFO(ret->st_mode))
		return -ENOTSUP;
	if (ret->st_uid != 0 && ret->st_uid != geteuid())
		return -EPERM;
	return take_fd(&fd);
}

static const char *cause(int err)
{
	switch (err) {
	case -ELOOP: return "it is a symbolic link";
	case -ENOTSUP: return "there is a file that is no FIFO";
	case -EPERM: return "there is a FIFO of another user's";
	case -ESTALE: return "it is another FIFO than was loaded";
	case -EBUSY: return "another channel reads it already, and a line has one reader";
	default: return strerror(-err);
	}
}

/* A FIFO that nobody has open any more loses what is in it, and its size: one that has another size than it was given
 * is anew. Where as much is refused, it gets less than a new one has. 0: nothing is known. */
static uint64_t set_size(int fd)
{
	int size = fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);

	if (size < 0)
		size = fcntl(fd, F_SETPIPE_SZ, fcntl(fd, F_GETPIPE_SZ) / 2);
	return size > 0 ? (uint64_t)size : 0;
}

static bool is_held(const struct loaderd *d, const struct stat *fifo)
{
	struct stat st;

	for (const struct entry *e = d->entries; e; e = e->next)
		for (size_t k = 0; k < ARRAY_SIZE(e->pipes); k++)
			if (e->pipes[k] >= 0 && fstat(e->pipes[k], &st) == 0 && st.st_ino == fifo->st_ino &&
			    st.st_dev == fifo->st_dev)
				return true;
	return false;
}

static int make(const struct loaderd *d, struct manifest_channel *c, int *ret_fd)
{
	struct stat st;
	int fd;

	if (mkfifo(c->path, 0600) == 0)
		c->made = true;
	else if (errno != EEXIST)
		return -errno;
	fd = open_fifo(c->path, &st);
	if (fd < 0)
		return fd;
	if (is_held(d, &st)) {
		close(fd);
		return -EBUSY;
	}
	if (c->made && fchmod(fd, c->writers ? 0662 : 0660) < 0) {
		close(fd);
		return -EACCES;
	}
	c->inode = st.st_ino;
	c->size = set_size(fd);
	*ret_fd = fd;
	return 0;
}

int pipes_make(struct entry *e, struct manifest *m, struct diag *d)
{
	struct manifest_channel *c = m->channels.items;

	for (size_t k = 0; k < m->channels.n && k < SPOOL_MAX_CHANNELS; k++) {
		int err = c[k].type == CHANNEL_PIPE ? make(e->d, &c[k], &e->pipes[k]) : 0;

		if (err) {
			pipes_drop(e);
			pipes_remove(m);
			return diag_fail(d, err, NULL, 0, "channel '%s': the FIFO %s: %s", c[k].name, c[k].path,
					 cause(err));
		}
	}
	return 0;
}

int pipes_hold(struct entry *e, const char **ret_why)
{
	const struct manifest_channel *c = e->manifest->channels.items;

	for (size_t k = 0; k < e->manifest->channels.n && k < SPOOL_MAX_CHANNELS; k++) {
		struct stat st;
		int fd;

		if (c[k].type != CHANNEL_PIPE)
			continue;
		fd = open_fifo(c[k].path, &st);
		if (fd >= 0 && st.st_ino != c[k].inode) {
			close(fd);
			fd = -ESTALE;
		}
		if (fd < 0) {
			*ret_why = cause(fd);
			return fd;
		}
		e->pipes[k] = fd;
	}
	return 0;
}

void pipes_check(struct entry *e)
{
	struct manifest_channel *c = e->manifest->channels.items;

	for (size_t k = 0; k < e->manifest->channels.n && k < SPOOL_MAX_CHANNELS; k++) {
		if (e->pipes[k] < 0 || !c[k].size || fcntl(e->pipes[k], F_GETPIPE_SZ) == (int)c[k].size)
			continue;
		/* Said before its size is the old one: a loaderd that dies in between must not forget it. */
		if (entry_say_lost(e, &c[k], "lines in its FIFO") == 0)
			(void)fcntl(e->pipes[k], F_SETPIPE_SZ, (int)c[k].size);
	}
}

void pipes_drop(struct entry *e)
{
	for (size_t k = 0; k < SPOOL_MAX_CHANNELS; k++) {
		closep(&e->pipes[k]);
		e->pipes[k] = -1;
	}
}

void pipes_remove(const struct manifest *m)
{
	const struct manifest_channel *c = m->channels.items;

	for (size_t k = 0; k < m->channels.n; k++) {
		struct stat st;

		if (c[k].type == CHANNEL_PIPE && c[k].made && lstat(c[k].path, &st) == 0 && S_ISFIFO(st.st_mode) &&
		    (!c[k].inode || st.st_ino == c[k].inode) && unlink(c[k].path) < 0)
			log_warning("the FIFO %s cannot be removed: %s", c[k].path, strerror(errno));
	}
}
