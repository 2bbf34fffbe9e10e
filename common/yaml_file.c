/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "yaml.h"

static const char *kind_of_file(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return "a directory";
	case S_IFIFO: return "a FIFO";
	case S_IFCHR:
	case S_IFBLK: return "a device";
	case S_IFSOCK: return "a socket";
	default: return "something else";
	}
}

static int too_big(const char *file, off_t size, struct diag *d)
{
	return diag_fail(d, -EFBIG, file, 0, "%lld bytes: larger than the %u that are accepted", (long long)size,
			 YAML_SIZE_MAX);
}

/* By position: whoever handed the fd over may have left it anywhere. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = pread(fd, buf + len, size - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int yaml_parse_fd(struct arena *a, const char *file, int fd, struct yaml_node **ret_root, struct diag *d)
{
	cleanup(freep) char *buf = NULL;
	struct stat st;
	ssize_t len;

	if (fstat(fd, &st) < 0)
		return diag_fail(d, -errno, file, 0, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, -EINVAL, file, 0, "is %s, not a file", kind_of_file(st.st_mode));
	if (st.st_size > (off_t)YAML_SIZE_MAX)
		return too_big(file, st.st_size, d);
	buf = malloc(YAML_SIZE_MAX + 1);	/* the file may still grow */
	if (!buf)
		return diag_fail(d, -ENOMEM, file, 0, "out of memory");
	len = read_all(fd, buf, YAML_SIZE_MAX + 1);
	if (len < 0)
		return diag_fail(d, (int)len, file, 0, "%s", strerror((int)-len));
	return yaml_parse(a, file, buf, (size_t)len, ret_root, d);
}

int yaml_parse_path(struct arena *a, const char *path, struct yaml_node **ret_root, struct diag *d)
{
	/* O_NONBLOCK: the opening of a FIFO would wait for its writer. */
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT && !lstat(path, &st))
		return diag_fail(d, -ENOENT, path, 0, "is a link to what is not there");
	if (fd < 0)
		return diag_fail(d, -errno, path, 0, "%s", strerror(errno));
	return yaml_parse_fd(a, path, fd, ret_root, d);
}
