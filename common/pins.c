/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "paths.h"

#define DEPTH_MAX 8

static const char *const kind_names[] = { [PIN_MAP] = "map", [PIN_LINK] = "link", [PIN_PROG] = "prog" };

static bool is_name(const char *s)
{
	return s && s[0] && !strchr(s, '/') && strlen(s) <= NAME_MAX;
}

/* bpffs refuses dots, and map names like ".rodata" have one. */
static int append(char path[PATH_MAX], const char *name)
{
	size_t n = strlen(path), len;

	if (!is_name(name))
		return -EINVAL;
	len = strlen(name);
	if (n + 1 + len >= PATH_MAX)
		return -ENAMETOOLONG;
	path[n] = '/';
	for (size_t i = 0; i <= len; i++)
		path[n + 1 + i] = name[i] == '.' ? '_' : name[i];
	return 0;
}

static int programs_dir(char *ret)
{
	return snprintf(ret, PATH_MAX, "%s/bpf/v1/program", path_runtime()) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int pin_program_dir(const char *program, char *ret)
{
	char path[PATH_MAX];
	int err = programs_dir(path);

	if (err == 0)
		err = append(path, program);
	if (err == 0)
		strcpy(ret, path);
	return err;
}

int pin_path(const char *program, const char *item, enum pin_kind kind, const char *name, char *ret)
{
	char path[PATH_MAX];
	int err = pin_program_dir(program, path);

	if (err == 0)
		err = append(path, item);
	if (err == 0)
		err = append(path, kind_names[kind]);
	if (err == 0 && name)
		err = append(path, name);
	if (err == 0)
		strcpy(ret, path);
	return err;
}

/* The folders of @path below RUNTIME/bpf. */
static int make_folders(const char *path)
{
	size_t base = strlen(path_runtime()) + strlen("/bpf/");
	char folder[PATH_MAX];

	for (const char *slash = strchr(path + base, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		if (mkdir(folder, 0750) == 0) {
			if (chmod(folder, 0750) < 0)	/* whatever the umask was */
				return -errno;
		} else if (errno != EEXIST) {
			return -errno;
		}
	}
	return 0;
}

int pin_put(int fd, const char *program, const char *item, enum pin_kind kind, const char *name)
{
	char path[PATH_MAX];
	int err = name ? pin_path(program, item, kind, name, path) : -EINVAL;

	if (err == 0)
		err = make_folders(path);
	if (err < 0)
		return err;
	if (bpf_obj_pin(fd, path) < 0)
		return -errno;
	/* The kernel makes it 0600, and lets nobody map what he may only read. */
	if (kind == PIN_MAP && chmod(path, 0660) < 0) {
		err = -errno;
		unlink(path);
	}
	return err;
}

int pin_get(const char *program, const char *item, enum pin_kind kind, const char *name)
{
	char path[PATH_MAX];
	int err = name ? pin_path(program, item, kind, name, path) : -EINVAL, fd;

	if (err < 0)
		return err;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

/* Calls @each for every entry of @dirfd, which it closes; the entry may be removed by it. The first error is
 * returned, and the others are gone through all the same. */
static int each_entry(int dirfd, int (*each)(int dirfd, const char *name, void *arg), void *arg)
{
	struct dirent **list;
	int n, first = 0;

	if (dirfd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = scandirat(dirfd, ".", &list, NULL, alphasort);
	if (n < 0)
		first = -errno;
	for (int i = 0; i < n; i++) {
		int err = list[i]->d_name[0] == '.' ? 0 : each(dirfd, list[i]->d_name, arg);

		if (err != 0 && first == 0)
			first = err;
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	close(dirfd);
	return first;
}

static int open_folder(int dirfd, const char *name)
{
	return openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int remove_entry(int dirfd, const char *name, void *arg)
{
	int depth = *(int *)arg - 1, err;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (depth == 0)
		return -ELOOP;
	err = each_entry(open_folder(dirfd, name), remove_entry, &depth);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT && err == 0)
		err = -errno;
	return err;
}

static int detach_item(int dirfd, const char *name, void *arg)
{
	cleanup(closep) int item = open_folder(dirfd, name);

	if (item < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return each_entry(open_folder(item, kind_names[PIN_LINK]), remove_entry, arg);
}

int pin_detach(const char *program)
{
	char path[PATH_MAX];
	int err = pin_program_dir(program, path), depth = DEPTH_MAX;

	return err < 0 ? err : each_entry(open_folder(AT_FDCWD, path), detach_item, &depth);
}

int pin_remove(const char *program)
{
	char path[PATH_MAX];
	int err = pin_detach(program), depth = DEPTH_MAX;	/* links first: nothing may write to what goes next */

	if (err < 0)
		return err;
	err = pin_program_dir(program, path);
	if (err == 0)
		err = each_entry(open_folder(AT_FDCWD, path), remove_entry, &depth);
	if (err == 0 && rmdir(path) < 0 && errno != ENOENT)
		err = -errno;
	return err;
}

struct each_program {
	int (*each)(const char *program, void *arg);
	void *arg;
};

static int visit_program(int dirfd, const char *name, void *arg)
{
	struct each_program *e = arg;

	(void)dirfd;
	return e->each(name, e->arg);
}

int pin_each_program(int (*each)(const char *program, void *arg), void *arg)
{
	struct each_program e = { each, arg };
	char path[PATH_MAX];
	int err = programs_dir(path);

	return err < 0 ? err : each_entry(open_folder(AT_FDCWD, path), visit_program, &e);
}

int pin_check_mount(void)
{
	char path[PATH_MAX];
	struct statfs st;

	if (snprintf(path, sizeof(path), "%s/bpf", path_runtime()) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (statfs(path, &st) < 0)
		return -errno;
	return (uint32_t)st.f_type == BPF_FS_MAGIC ? 0 : -ENOTTY;
}
