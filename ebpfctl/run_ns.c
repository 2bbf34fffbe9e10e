/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mount namespace of its own: what an instance mounts exists nowhere else, and ends with its last process, so that
 * even kill -9 leaves nothing behind. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../common/paths.h"
#include "run.h"
#include "text.h"

#define TRACEFS_DIR "/sys/kernel/tracing"
#define TRACEFS_MAGIC_NUMBER 0x74726163	/* linux/magic.h */

static int printf_like(3, 4) fail(char why[256], int err, const char *fmt, ...)
{
	cleanup(freep) char *text = text_of(fmt);

	snprintf(why, 256, "%s: %s", text, strerror(-err));
	return err;
}

static int do_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data,
		    char why[256])
{
	if (mount(source, target, type, flags, data) == 0)
		return 0;
	return fail(why, -errno, "mounting %s on %.150s", type ?: source, target);
}

/* Read-only, and only readable: nothing of ours ever runs or opens devices from it. */
static int bind_read_only(const char *source, const char *target, char why[256])
{
	const unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
	int err = do_mount(source, target, NULL, MS_BIND, NULL, why);

	return err ?: do_mount(source, target, NULL, flags, NULL, why);
}

static int make_dir(const char *path, mode_t mode, uid_t uid, gid_t gid, char why[256])
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail(why, -errno, "%.180s", path);
	/* chown clears set-group-id, so the mode comes last. */
	if (chown(path, uid, gid) < 0 || chmod(path, mode) < 0)
		return fail(why, -errno, "%.180s", path);
	return 0;
}

/* The folders, as tmpfiles.d makes them for the units. */
static int make_dirs(const struct run_dir *d, const struct run_ids *ids, char why[256])
{
	const struct {
		const char *name;
		mode_t mode;
		uid_t uid;
	} dirs[] = {
		{ "run/manifest", 02750, ids->uid[RUN_LOADERD] },
		{ "run/spool",    02770, ids->uid[RUN_CHANNELD] },
		{ "run/hint",     01770, 0 },
		{ "run/lock",     01770, 0 },
		{ "run/bpf",       0750, 0 },
		{ "run/libexec",   0755, 0 },
		{ "run/config",    0755, 0 },
		{ "run/etc",       0755, 0 },
		{ "config",        0755, 0 },
		{ "log",          02750, ids->uid[RUN_SINKD] },
		{ "lib",           0755, 0 },
		{ "lib/artifacts", 02750, ids->uid[RUN_LOADERD] },
		{ "lib/dead-letter", 02750, ids->uid[RUN_CHANNELD] },
		{ "lib/pipe", 02755, ids->uid[RUN_LOADERD] },
	};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		bool of_group = dirs[i].uid || dirs[i].mode & 07000;
		int err;

		snprintf(path, sizeof(path), "%s/%s", d->base, dirs[i].name);
		err = make_dir(path, dirs[i].mode, dirs[i].uid, of_group ? ids->gid : 0, why);
		if (err)
			return err;
	}
	return 0;
}

/* A kept --state folder has files of earlier users. */
static int adopt_state(const struct run_dir *d, const struct run_ids *ids)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/log", d->base);
	tree_chown(path, ids->uid[RUN_SINKD], ids->gid);
	snprintf(path, sizeof(path), "%s/lib/dead-letter", d->base);
	tree_chown(path, ids->uid[RUN_CHANNELD], ids->gid);
	snprintf(path, sizeof(path), "%s/lib/artifacts", d->base);
	return tree_chown(path, ids->uid[RUN_LOADERD], ids->gid);
}

static int mount_bpf(const struct run_dir *d, const struct run_ids *ids, char why[256])
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/run/bpf", d->base);
	err = do_mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0750", why);
	/* As mount options uid and gid are young (6.7): by chown it works everywhere. */
	if (!err && (chown(path, ids->uid[RUN_LOADERD], ids->gid) < 0 || chmod(path, 0750) < 0))
		err = fail(why, -errno, "%.180s", path);
	return err;
}

static int mount_tracefs(char why[256])
{
	struct statfs fs;

	if (statfs(TRACEFS_DIR, &fs) == 0 && fs.f_type == TRACEFS_MAGIC_NUMBER)
		return 0;
	return do_mount("tracefs", TRACEFS_DIR, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, why);
}

static int write_config(const struct run_dir *d, char why[256])
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/config/loaderd.yaml", d->base);
	f = fopen(path, "we");
	if (!f)
		return fail(why, -errno, "%.180s", path);
	/* Root itself asks this instance to load: it may load from wherever it can read. */
	fputs("# written by ebpfctl run; a loaderd.yaml in --config DIR stands in its place\n"
	      "artifacts:\n  roots: [\"/\"]\n", f);
	return fclose(f) ? fail(why, -EIO, "%.180s", path) : 0;
}

static int mount_ids(const struct run_dir *d, const struct run_ids *ids, char why[256])
{
	static const char *const files[] = { "/etc/passwd", "/etc/group" };
	char path[PATH_MAX];
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/run%s", d->base, files[i]);
		err = run_ids_write(ids, files[i], path, i == 1);
		if (err)
			return fail(why, err, "%.180s", path);
		err = bind_read_only(path, files[i], why);
		if (err)
			return err;
	}
	return 0;
}

/* Beside ebpfctl, as in a build tree, or where `make install` puts them. */
static int find_binaries(char ret[PATH_MAX], char why[256])
{
	static const char *const places[] = { "", "/../lib/ebpf-agent", "/../libexec/ebpf-agent", "/../sbin" };
	char path[PATH_MAX], file[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int n = snprintf(path, sizeof(path), "%s%s", path_libexec(), places[i]);

		if ((size_t)n >= sizeof(path) || !realpath(path, ret))
			continue;
		snprintf(file, sizeof(file), "%.*s/ebpf-loaderd", PATH_MAX - 16, ret);
		if (access(file, X_OK) == 0)
			return 0;
	}
	snprintf(why, 256, "the daemons are not beside ebpfctl (no ebpf-loaderd in %.150s)", path_libexec());
	return -ENOENT;
}

static int mount_folders(const struct run_dir *d, const char *config, char why[256])
{
	char binaries[PATH_MAX], path[PATH_MAX];
	int err = find_binaries(binaries, why);

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/run/libexec", d->base);
	err = bind_read_only(binaries, path, why);
	if (err || !config)
		return err;
	snprintf(path, sizeof(path), "%s/run/config", d->base);
	return bind_read_only(config, path, why);
}

static int mount_run(const struct run_dir *d, char why[256])
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/run", d->base);
	err = make_dir(path, 0755, 0, 0, why);
	/* A tmpfs: on a disk's file system a shared mapping stalls on write-back. */
	return err ?: do_mount("ebpf-agent", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=50%", why);
}

/* The folder as this namespace has it: a descriptor from before is of a mount that cannot be bound here. */
static int reopen_state(const struct run_dir *d, int *ret, char why[256])
{
	cleanup(closep) int fd = open(d->state, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat was, is;

	if (fd < 0 || fstat(d->state_fd, &was) < 0 || fstat(fd, &is) < 0)
		return fail(why, -errno, "%.180s", d->state);
	if (was.st_dev != is.st_dev || was.st_ino != is.st_ino)
		return fail(why, -ESTALE, "%.180s was replaced", d->state);
	*ret = take_fd(&fd);
	return 0;
}

static int mount_state(const struct run_dir *d, char why[256])
{
	static const char *const kept[] = { "lib", "log" };
	char source[32], target[PATH_MAX];
	cleanup(closep) int state = -1;
	int err = d->state[0] ? reopen_state(d, &state, why) : 0;

	for (size_t i = 0; d->state[0] && i < ARRAY_SIZE(kept) && !err; i++) {
		cleanup(closep) int fd = -1;

		snprintf(target, sizeof(target), "%s/%s", d->base, kept[i]);
		err = make_dir(target, 0755, 0, 0, why);
		if (err)
			break;
		/* By descriptor: a link there would have us give away what it leads to. */
		if (mkdirat(state, kept[i], 0755) < 0 && errno != EEXIST)
			return fail(why, -errno, "%.180s/%s", d->state, kept[i]);
		fd = openat(state, kept[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return fail(why, -errno, "%.180s/%s", d->state, kept[i]);
		snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
		err = do_mount(source, target, NULL, MS_BIND, NULL, why);
	}
	return err;
}

int run_ns_enter(struct run_dir *d, const struct run_ids *ids, const char *config, char why[256])
{
	int err;

	/* Now, and remembered: afterwards /proc/self/exe is a path of the namespace that is left, wrong in a chroot. */
	(void)path_libexec();
	if (unshare(CLONE_NEWNS) < 0)
		return fail(why, -errno, "a mount namespace of its own");
	/* Nothing that is mounted here may spread. */
	err = do_mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL, why);
	if (err)
		return err;
	d->in_ns = true;
	err = mount_run(d, why);
	err = err ?: mount_state(d, why);
	err = err ?: make_dirs(d, ids, why);
	if (err)
		return err;
	adopt_state(d, ids);
	err = mount_bpf(d, ids, why);
	err = err ?: mount_tracefs(why);
	err = err ?: write_config(d, why);
	err = err ?: mount_ids(d, ids, why);
	return err ?: mount_folders(d, config, why);
}

void run_ns_leave(const struct run_dir *d)
{
	static const char *const mounts[] = { "run/config", "run/libexec", "run/bpf", "run", "lib", "log" };
	char path[PATH_MAX];

	if (!d->in_ns)
		return;
	umount2("/etc/group", MNT_DETACH);
	umount2("/etc/passwd", MNT_DETACH);
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		snprintf(path, sizeof(path), "%s/%s", d->base, mounts[i]);
		umount2(path, MNT_DETACH);	/* EINVAL: not mounted */
	}
}
