/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file of programs.d: read without waiting for anybody, and not believed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/paths.h"
#include "../common/utf8.h"
#include "declared.h"

int declared_read(const char *path, struct declared_text *ret)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup(freep) char *s = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > YAML_SIZE_MAX)
		return -EFBIG;
	s = malloc(st.st_size + 1);
	if (!s)
		return -ENOMEM;
	while (len < (size_t)st.st_size && (n = read(fd, s + len, st.st_size - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		len += MAX(n, 0);
	}
	*ret = (struct declared_text){ take(s), len, MAX(st.st_mtime, st.st_ctime) };
	return 0;
}

void declared_fault(const char *path, int err, char *ret, size_t size)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct diag diag = { 0 };
	struct yaml_node *root;

	/* Whoever reads configuration has the words for it. */
	if (a && yaml_parse_path(a, path, &root, &diag) < 0 && diag.error[0])
		snprintf(ret, size, "%s", diag.error);
	else
		snprintf(ret, size, "%s: %s", path, strerror(-err));
	diag_fini(&diag);
}

void declared_name(const char *path, const struct declared_text *t, char ret[AGENT_NAME_MAX + 1])
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct diag diag = { 0 };
	struct yaml_node *root;
	struct program *p;

	ret[0] = '\0';
	if (a && !yaml_parse(a, path, t->s, t->len, &root, &diag) && !program_is_xdp_list(root) &&
	    !program_parse(a, path, "/", root, &p, &diag))
		snprintf(ret, AGENT_NAME_MAX + 1, "%s", p->name);
	diag_fini(&diag);
}

bool declared_is_path(const char *path)
{
	cleanup(freep) char *dirs = strdup(path_config());
	char *save = NULL;

	for (char *dir = dirs ? strtok_r(dirs, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
		char folder[PATH_MAX];
		size_t n = (size_t)snprintf(folder, sizeof(folder), "%s/programs.d/", dir);

		if (n < sizeof(folder) && !strncmp(path, folder, n) && !strchr(path + n, '/'))
			return true;
	}
	return false;
}

bool declared_is_utf8(const char *s)
{
	for (size_t n; *s; s += n) {
		n = utf8_len(s, strnlen(s, 4));
		if (n == 0)
			return false;
	}
	return true;
}
