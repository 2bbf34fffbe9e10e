/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Artifacts: copied into a sealed memfd first, and only that copy is hashed, checked, loaded and cached. What happens
 * to the file afterwards, or meanwhile, does not matter. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../common/memfd.h"
#include "../common/paths.h"
#include "broker.h"
#include "load.h"

static void artifact_sha256(const void *bytes, size_t size, char ret[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(bytes, size, digest, &n, EVP_sha256(), NULL) || n != 32) {
		ret[0] = '\0';
		return;
	}
	for (unsigned i = 0; i < n; i++)
		sprintf(ret + 2 * i, "%02x", digest[i]);
}

static int copy(int to, int from, size_t *ret_size)
{
	static char buf[1 << 16];
	size_t size = 0;
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		size += n;
		if (size > BROKER_ARTIFACT_MAX)
			return -EFBIG;
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(to, buf + done, n - done);
			if (w < 0 && errno != EINTR)
				return -errno;
			w = MAX(w, 0);
		}
	}
	*ret_size = size;
	return 0;
}

int artifact_read(struct artifact *ret, int fd, const char *path)
{
	cleanup(closep) int memfd = memfd_executable("artifact");
	const void *bytes;
	size_t size = 0;
	int err;

	if (memfd < 0)
		return memfd;
	err = copy(memfd, fd, &size);
	if (err)
		return err;
	if (size == 0)
		return -ENODATA;
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, memfd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*ret = (struct artifact){ .path = path, .fd = take_fd(&memfd), .bytes = bytes, .size = size };
	artifact_sha256(bytes, size, ret->sha256);
	return ret->sha256[0] ? 0 : -EIO;
}

void artifact_fini(struct artifact *a)
{
	if (!a->bytes)
		return;
	munmap((void *)a->bytes, a->size);
	close(a->fd);
	*a = (struct artifact){ .fd = -1 };
}

/* Is what the cache has really these bytes? A crash or a full disk may have left something else. */
static bool cached_is_whole(const char *path, const struct artifact *a)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	void *bytes;
	bool same;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || (size_t)st.st_size != a->size)
		return false;
	bytes = mmap(NULL, a->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return false;
	same = !memcmp(bytes, a->bytes, a->size);
	munmap(bytes, a->size);
	return same;
}

static int write_file(const char *path, const struct artifact *a)
{
	cleanup(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < a->size;) {
		ssize_t n = write(fd, (const char *)a->bytes + done, a->size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += MAX(n, 0);
	}
	/* The process's umask may be stricter; workers read it through the group. */
	if (fchmod(fd, 0640) || fsync(fd))
		return -errno;
	return 0;
}

static int put(struct load *l, const struct artifact *a, const char *path)
{
	char beside[PATH_MAX + 64];
	int err;

	/* A name of this program's own: another load may be writing the same bytes. loaderd knows both names. */
	snprintf(beside, sizeof(beside), "%s.%s", path, l->program->name);
	err = write_file(beside, a);
	if (!err && rename(beside, path))
		err = -errno;
	if (err)
		unlink(beside);
	return err;
}

int artifact_cache(struct load *l, const struct artifact *a, const char **ret_path)
{
	char path[PATH_MAX];
	bool there;
	int err = path_artifact(a->sha256, path);

	if (err)
		return load_fail(l, 0, "the artifact cache's path is too long");
	there = cached_is_whole(path, a);
	err = load_tell_cached(l, a->sha256, !there);
	if (!err && !there)
		err = put(l, a, path);
	if (err)
		return load_fail(l, 0, "%s: cannot be kept in the cache (%s): %s", a->path, path, strerror(-err));
	*ret_path = arena_strdup(l->arena, path);
	return *ret_path ? 0 : -ENOMEM;
}
