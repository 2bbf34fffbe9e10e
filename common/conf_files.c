/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files count, by systemd's rules for drop-ins. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "conf.h"

#define FILES_MAX 1024	/* in one folder of drop-ins, all directories together */

struct drop_in {
	char *name;
	char *path;
};

struct drop_ins {
	struct drop_in *rows;
	size_t n;
};

static void drop_ins_fini(struct drop_ins *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->rows[i].name);
		free(l->rows[i].path);
	}
	free(l->rows);
}

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The next directory of a colon list into @ret (PATH_MAX); false: no more. Empty and too long ones are passed over. */
static bool next_dir(const char **list, char *ret)
{
	while (**list) {
		size_t len = strcspn(*list, ":");
		const char *dir = *list;

		*list += len + (dir[len] == ':');
		if (!len || len >= PATH_MAX)
			continue;
		memcpy(ret, dir, len);
		ret[len] = 0;
		return true;
	}
	return false;
}

/* The path of a higher directory takes the place of a lower one's. */
static int put(struct drop_ins *l, const char *name, const char *path)
{
	cleanup(freep) char *name_copy = NULL;
	cleanup(freep) char *path_copy = strdup(path);
	struct drop_in *rows;
	size_t i;

	if (!path_copy)
		return -ENOMEM;
	for (i = 0; i < l->n; i++)
		if (!strcmp(l->rows[i].name, name)) {
			free(l->rows[i].path);
			l->rows[i].path = take(path_copy);
			return 0;
		}
	if (l->n == FILES_MAX)
		return -E2BIG;
	rows = reallocarray(l->rows, l->n + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	l->rows = rows;
	name_copy = strdup(name);
	if (!name_copy)
		return -ENOMEM;
	l->rows[l->n++] = (struct drop_in){ .name = take(name_copy), .path = take(path_copy) };
	return 0;
}

static bool is_drop_in(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 5 && !strcmp(name + len - 5, ".yaml");
}

static int collect_dir(struct drop_ins *l, const char *folder, struct diag *d)
{
	cleanup(closedirp) DIR *dir = opendir(folder);
	char path[PATH_MAX];
	struct dirent *e;
	int err;

	if (!dir)
		return errno == ENOENT ? 0 : diag_fail(d, -errno, folder, 0, "%s", strerror(errno));
	while ((errno = 0, e = readdir(dir))) {
		if (!is_drop_in(e->d_name))
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name) >= sizeof(path))
			return diag_fail(d, -ENAMETOOLONG, folder, 0, "%s", strerror(ENAMETOOLONG));
		err = put(l, e->d_name, path);
		if (err == -E2BIG)
			return diag_fail(d, err, folder, 0, "more than %d files", FILES_MAX);
		if (err < 0)
			return diag_fail(d, err, folder, 0, "out of memory");
	}
	return errno ? diag_fail(d, -errno, folder, 0, "%s", strerror(errno)) : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct drop_in *)a)->name, ((const struct drop_in *)b)->name);
}

/* Also what says that it is empty, as files of /proc do, has to be. */
static bool is_empty(const char *path)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char c;

	return fd >= 0 && read(fd, &c, 1) == 0;
}

/* An empty file, a link to /dev/null, or /dev/null itself bound over the file. */
static bool is_mask(const char *path)
{
	struct stat st, null;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISREG(st.st_mode))
		return !st.st_size && is_empty(path);
	return S_ISCHR(st.st_mode) && !stat("/dev/null", &null) && st.st_rdev == null.st_rdev;
}

int conf_each_file(const char *dirs, const char *folder, int (*each)(const char *path, void *arg), void *arg,
		   struct diag *d)
{
	cleanup(drop_ins_fini) struct drop_ins l = {0};
	char dir[PATH_MAX], path[PATH_MAX];
	size_t i;
	int err;

	while (next_dir(&dirs, dir)) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, folder) >= sizeof(path))
			return diag_fail(d, -ENAMETOOLONG, dir, 0, "%s", strerror(ENAMETOOLONG));
		err = collect_dir(&l, path, d);
		if (err < 0)
			return err;
	}
	if (l.n)
		qsort(l.rows, l.n, sizeof(*l.rows), compare_names);
	for (i = 0; i < l.n; i++) {
		if (is_mask(l.rows[i].path))
			continue;
		err = each(l.rows[i].path, arg);
		if (err < 0)
			return err;
	}
	return 0;
}

struct merger {
	struct arena *a;
	struct yaml_node *root;
	struct diag *d;
};

static int merge_file(const char *path, void *arg)
{
	struct merger *m = arg;
	struct yaml_node *n;
	int err;

	err = yaml_parse_path(m->a, path, &n, m->d);
	if (err < 0)
		return err;
	if (n->kind != YAML_NODE_MAPPING)
		return diag_fail(m->d, -EINVAL, n->file, n->line, "a configuration must be a mapping, \"key: value\"");
	err = yaml_merge(m->a, &m->root, n);
	return err < 0 ? diag_fail(m->d, err, n->file, n->line, "the configuration needs too much memory") : 0;
}

/* The main file is one file, not a merge: the highest directory's counts, as systemd has it. */
static int merge_main_file(struct merger *m, const char *dirs, const char *daemon)
{
	char dir[PATH_MAX], path[PATH_MAX], found[PATH_MAX] = "";

	while (next_dir(&dirs, dir)) {
		struct stat st;

		if ((size_t)snprintf(path, sizeof(path), "%s/%s.yaml", dir, daemon) >= sizeof(path))
			return diag_fail(m->d, -ENAMETOOLONG, dir, 0, "%s", strerror(ENAMETOOLONG));
		if (!lstat(path, &st))
			strcpy(found, path);
		else if (errno != ENOENT && errno != ENOTDIR)
			return diag_fail(m->d, -errno, path, 0, "%s", strerror(errno));
	}
	if (!found[0] || is_mask(found))
		return 0;
	return merge_file(found, m);
}

int conf_read_dirs(struct arena *a, const char *dirs, const char *daemon, struct yaml_node **ret_root, struct diag *d)
{
	struct merger m = { .a = a, .d = d };
	char folder[NAME_MAX];
	int err;

	if ((size_t)snprintf(folder, sizeof(folder), "%s.d", daemon) >= sizeof(folder))
		return -ENAMETOOLONG;
	err = merge_main_file(&m, dirs, daemon);
	if (!err)
		err = conf_each_file(dirs, folder, merge_file, &m, d);
	if (err < 0)
		return err;
	if (!m.root) {
		err = yaml_parse(a, "(no configuration file)", "", 0, &m.root, d);
		if (err < 0)
			return err;
	}
	*ret_root = m.root;
	return 0;
}
