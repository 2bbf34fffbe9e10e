/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests as files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "json.h"
#include "manifest.h"
#include "paths.h"

/* `show` gets it in one message: a private bus takes 4 MB, and hangs up on who sends more. */
#define MANIFEST_SIZE_MAX (3u << 20)

static int parse_named(struct arena *a, const char *file, const char *text, size_t len, struct manifest **ret,
		       struct diag *d)
{
	static const struct yaml_limits limits = { MANIFEST_SIZE_MAX, 1000000, JSON_WRITE_DEPTH_MAX };
	struct yaml_node *root;
	struct manifest *m;
	int err;

	err = yaml_parse_limited(a, file, text, len, &limits, &root, d);
	if (err < 0)
		return err;
	m = arena_alloc(a, sizeof(*m));
	if (!m)
		return diag_fail(d, -ENOMEM, file, 0, "out of memory");
	err = conf_parse(a, &manifest_schema, root, m, d);
	if (err < 0)
		return err;
	*ret = m;
	return 0;
}

int manifest_parse(struct arena *a, const char *text, size_t len, struct manifest **ret, struct diag *d)
{
	return parse_named(a, "manifest", text, len, ret, d);
}

static int read_file(const char *path, char **ret, size_t *ret_len)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup(freep) char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > (off_t)MANIFEST_SIZE_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (len < (size_t)st.st_size) {	/* replaced as a whole, so its size is fixed */
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		len += (size_t)n;
	}
	*ret = take(text);
	*ret_len = len;
	return 0;
}

int manifest_read(struct arena *a, const char *program, struct manifest **ret, struct diag *d)
{
	cleanup(freep) char *text = NULL;
	char path[PATH_MAX];
	size_t len = 0;
	int err;

	err = path_manifest(program, path);
	if (err < 0)
		return diag_fail(d, err, NULL, 0, "the path of the manifest of %s is too long", program);
	err = read_file(path, &text, &len);
	if (err < 0)
		return diag_fail(d, err, path, 0, "%s", strerror(-err));
	return parse_named(a, path, text, len, ret, d);
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_synced(const char *path, const char *text, size_t len)
{
	cleanup(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text, len);
	if (!err && fchmod(fd, 0640) < 0)	/* whatever the umask is: the group reads it */
		err = -errno;
	if (!err && fsync(fd) < 0)
		err = -errno;
	return err;
}

static int sync_folder(char *path)
{
	cleanup(closep) int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int manifest_write(const struct manifest *m)
{
	cleanup(freep) char *text = manifest_format(m);
	char path[PATH_MAX], beside[PATH_MAX];
	int err;

	if (!text)
		return -ENOMEM;
	err = path_manifest(m->program, path);
	if (err < 0)
		return err;
	/* One writer, loaderd: the name need not be random, and what a crash left behind is overwritten. */
	if ((size_t)snprintf(beside, sizeof(beside), "%s.new", path) >= sizeof(beside))
		return -ENAMETOOLONG;
	err = write_synced(beside, text, strlen(text));
	if (!err && rename(beside, path) < 0)
		err = -errno;
	if (err < 0) {
		unlink(beside);
		return err;
	}
	return sync_folder(path);
}

int manifest_remove(const char *program)
{
	char path[PATH_MAX];
	int err;

	err = path_manifest(program, path);
	if (err < 0)
		return err;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int is_manifest(const struct dirent *e)
{
	size_t len = strlen(e->d_name);
	char name[NAME_MAX + 1];

	if (len <= 5 || strcmp(e->d_name + len - 5, ".json"))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len - 5, e->d_name);
	return conf_name_valid(name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int manifest_each(int (*each)(const char *program, void *arg), void *arg)
{
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int n, i, err;

	err = path_manifest("x", path);
	if (err < 0)
		return err;
	n = scandir(dirname(path), &entries, is_manifest, by_name);
	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	for (i = 0; i < n; i++) {
		entries[i]->d_name[strlen(entries[i]->d_name) - 5] = 0;
		if (!err)
			err = each(entries[i]->d_name, arg);
		free(entries[i]);
	}
	free(entries);
	return err < 0 ? err : 0;
}

size_t manifest_sandbox_row(const struct manifest *m, size_t i)
{
	const struct manifest_route *routes = m->routes.items;
	const char *item = manifest_route_asks(&routes[i]);

	for (size_t k = 0; k < i && item; k++) {
		const char *other = manifest_route_asks(&routes[k]);

		if (other && strcmp(other, item) == 0)
			return k;
	}
	return i;
}
