/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of an instance, /tmp/ebpf-agent.XXXXXX, and --state DIR, whose lib and log are mounted into it where only
 * the instance sees that: so the daemons, which are not root, reach them even if DIR lies below a folder that is 0700,
 * and the bus's socket has a short path.
 *
 * A lock says that an instance lives: flock, which the kernel lets go when its holder dies. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "run.h"

#define TMP "/tmp"
#define PREFIX "ebpf-agent."
#define LOCK "lock"
#define UNLOCKED_GRACE_S 60	/* a folder without a lock may be about to get one */

/* The lock appears under its name only when it is held: a sweeper never meets one that is about to be. */
static int make_lock(const char *dir, int *ret)
{
	char fresh[PATH_MAX + 16], name[PATH_MAX + 8];
	cleanup(closep) int fd = -1;

	snprintf(fresh, sizeof(fresh), "%s/%s.new", dir, LOCK);
	snprintf(name, sizeof(name), "%s/%s", dir, LOCK);
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || rename(fresh, name) < 0)
		return -errno;
	dprintf(fd, "%d\n", getpid());
	*ret = take_fd(&fd);
	return 0;
}

/* The lock of a folder that is kept: the file stays, so that all who come meet at the same one. */
static int take_lock(int dirfd, const char *dir, int *ret, char why[256])
{
	char name[PATH_MAX + 8], holder[16] = "";
	cleanup(closep) int fd = -1;
	ssize_t n;

	snprintf(name, sizeof(name), "%s/%s", dir, LOCK);
	/* Not readable: whoever could open it could hold it. */
	fd = openat(dirfd, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		n = read(fd, holder, sizeof(holder) - 1);
		holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
		snprintf(why, 256, "%.150s: another instance works there (process %s); one instance per --state folder",
			 dir, holder[0] ? holder : "unknown");
		return -EBUSY;
	}
	if (fd < 0) {
		int err = -errno;

		snprintf(why, 256, "%.180s: %s", name, strerror(-err));
		return err;
	}
	if (fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0)
		dprintf(fd, "%d\n", getpid());
	*ret = take_fd(&fd);
	return 0;
}

static int open_state(struct run_dir *d, const char *state, char why[256])
{
	struct stat st;

	if (mkdir(state, 0755) < 0 && errno != EEXIST)
		goto fail;
	d->state_fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->state_fd < 0 || !realpath(state, d->state) || fstat(d->state_fd, &st) < 0)
		goto fail;
	/* What lies in it is mounted, and given to the daemons' users: its owner could put anything there. */
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)) {
		snprintf(why, 256, "%.150s: a --state folder must be root's own, and writable for root alone",
			 d->state);
		return -EPERM;
	}
	return take_lock(d->state_fd, d->state, &d->state_lock, why);
fail:
	snprintf(why, 256, "%.180s: %s", state, strerror(errno));
	return -EIO;
}

static int make_base(struct run_dir *d, char why[256])
{
	int err = 0;

	strcpy(d->base, TMP "/" PREFIX "XXXXXX");
	if (!mkdtemp(d->base)) {
		err = -errno;
		d->base[0] = '\0';
	} else if (chmod(d->base, 0755) < 0) {
		err = -errno;
	} else {
		err = make_lock(d->base, &d->base_lock);
	}
	if (err)
		snprintf(why, 256, "a folder in %s: %s", TMP, strerror(-err));
	return err;
}

/* So that --bus DIR/bus reaches it. One that was killed has left its own behind. */
static int link_bus(const struct run_dir *d, char why[256])
{
	char target[sizeof(d->base) + 8], back[sizeof(d->base) + 8];
	struct stat st;

	snprintf(target, sizeof(target), "%s/bus", d->base);
	if (fstatat(d->state_fd, "bus", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		unlinkat(d->state_fd, "bus", 0);
	/* And back, for `show`: outside of the instance's namespace, BASE/log is empty. */
	snprintf(back, sizeof(back), "%s/state", d->base);
	if (symlinkat(target, d->state_fd, "bus") == 0 && symlink(d->state, back) == 0)
		return 0;
	snprintf(why, 256, "%.180s/bus: %s", d->state, strerror(errno));
	return -EIO;
}

int run_dir_make(struct run_dir *d, const char *state, char why[256])
{
	int err;

	*d = (struct run_dir){ .base_lock = -1, .state_lock = -1, .state_fd = -1 };
	err = state ? open_state(d, state, why) : 0;
	err = err ?: make_base(d, why);
	return err ?: state ? link_bus(d, why) : 0;
}

/* Were a folder of --state still mounted, its content would be removed with the rest: rmdir() would notice. */
static bool is_safe_to_remove(const struct run_dir *d)
{
	static const char *const mounted[] = { "lib", "log" };
	char path[sizeof(d->base) + 8];

	for (size_t i = 0; d->state[0] && i < ARRAY_SIZE(mounted); i++) {
		snprintf(path, sizeof(path), "%s/%s", d->base, mounted[i]);
		if (rmdir(path) < 0 && errno != ENOENT)
			return false;
	}
	return true;
}

void run_dir_remove(struct run_dir *d)
{
	if (d->state_lock >= 0)
		unlinkat(d->state_fd, "bus", 0);
	if (d->base[0] && is_safe_to_remove(d))
		tree_remove(AT_FDCWD, d->base);
	closep(&d->base_lock);
	closep(&d->state_lock);
	closep(&d->state_fd);
	d->base_lock = d->state_lock = d->state_fd = -1;
}

/* True: whoever made it is dead. */
static bool is_dead(int tmp, const char *name)
{
	cleanup(closep) int dir = openat(tmp, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup(closep) int lock = -1;
	struct stat st;

	if (dir < 0 || fstat(dir, &st) < 0 || st.st_uid != geteuid())
		return false;
	lock = openat(dir, LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0)
		return errno == ENOENT && time(NULL) - st.st_mtime > UNLOCKED_GRACE_S;
	return flock(lock, LOCK_EX | LOCK_NB) == 0;
}

void run_dir_sweep(void)
{
	DIR *tmp = opendir(TMP);

	if (!tmp)
		return;
	for (struct dirent *e; (e = readdir(tmp));)
		if (!strncmp(e->d_name, PREFIX, strlen(PREFIX)) && is_dead(dirfd(tmp), e->d_name))
			tree_remove(dirfd(tmp), e->d_name);
	closedir(tmp);
}
