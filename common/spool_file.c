/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cell.h"
#include "crc32c.h"
#include "spool_file.h"

_Static_assert(offsetof(struct spool_head, commit) == 4096, "the commit cell starts the second page");

int spool_boot_id(uint8_t ret[16])
{
	cleanup(closep) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64] = "";
	uint8_t id[16] = {};
	unsigned digits = 0;

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	for (const char *p = text; *p && digits < 32; p++) {
		unsigned v = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : 16;

		if (v == 16)
			continue;
		id[digits / 2] |= v << (digits % 2 ? 0 : 4);
		digits++;
	}
	if (digits != 32)
		return -EIO;
	memcpy(ret, id, sizeof(id));
	return 0;
}

uint32_t spool_boot_short(const uint8_t id[16])
{
	return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
}

uint32_t spool_super_crc(const struct spool_super *s)
{
	return crc32c(0, s, offsetof(struct spool_super, crc));
}

bool spool_data_size_valid(uint64_t size)
{
	return size >= SPOOL_MIN_SIZE && size <= SPOOL_MAX_SIZE && (size & (size - 1)) == 0;
}

int spool_super_make(const char *program, uint64_t data_size, struct spool_super *ret)
{
	struct spool_super s = {
		.magic = SPOOL_MAGIC, .version = SPOOL_VERSION, .head_size = SPOOL_HEAD_SIZE, .data_size = data_size,
	};
	int r;

	if (strlen(program) >= sizeof(s.program))
		return -ENAMETOOLONG;
	strcpy(s.program, program);
	r = spool_boot_id(s.boot_id);
	if (r < 0)
		return r;
	if (getrandom(&s.uid, sizeof(s.uid), 0) != sizeof(s.uid))
		return -EIO;
	s.crc = spool_super_crc(&s);
	*ret = s;
	return 0;
}

int spool_super_check(const struct spool_super *s)
{
	if (s->magic != SPOOL_MAGIC || s->version != SPOOL_VERSION || s->crc != spool_super_crc(s))
		return -EBADMSG;
	return s->head_size == SPOOL_HEAD_SIZE && spool_data_size_valid(s->data_size) &&
	       memchr(s->program, 0, sizeof(s->program)) ? 0 : -EBADMSG;
}

int spool_file_check_size(int fd, uint64_t data_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && (uint64_t)st.st_size == SPOOL_HEAD_SIZE + data_size ? 0 : -EBADMSG;
}

int spool_file_check(int fd, struct spool_super *ret)
{
	struct spool_super s;
	struct stat st;
	uint8_t boot[16];
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	n = pread(fd, &s, sizeof(s), 0);
	if (n < 0)
		return -errno;
	if (n != sizeof(s) || spool_super_check(&s) < 0)
		return -EBADMSG;
	r = spool_file_check_size(fd, s.data_size);
	if (r < 0)
		return r;
	r = spool_boot_id(boot);
	if (r < 0)
		return r;
	if (memcmp(s.boot_id, boot, sizeof(boot)) != 0)
		return -ESTALE;
	*ret = s;
	return 0;
}

static size_t span(uint64_t data_size)
{
	return SPOOL_HEAD_SIZE + 2 * data_size;
}

int spool_file_map(int fd, int prot_head, int prot_data, int flags, uint64_t data_size, struct spool_head **ret_head,
		   char **ret_data)
{
	char *base = mmap(NULL, span(data_size), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const struct {
		size_t at, size;
		off_t offset;
		int prot;
	} parts[] = {
		{ 0, SPOOL_HEAD_SIZE, 0, prot_head },
		{ SPOOL_HEAD_SIZE, data_size, SPOOL_HEAD_SIZE, prot_data },
		{ SPOOL_HEAD_SIZE + data_size, data_size, SPOOL_HEAD_SIZE, prot_data },
	};

	if (base == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (mmap(base + parts[i].at, parts[i].size, parts[i].prot, MAP_SHARED | MAP_FIXED | flags, fd,
			 parts[i].offset) == MAP_FAILED) {
			int err = errno;

			munmap(base, span(data_size));
			return -err;
		}
	}
	*ret_head = (struct spool_head *)base;
	*ret_data = base + SPOOL_HEAD_SIZE;
	return 0;
}

void spool_file_unmap(struct spool_head *head, uint64_t data_size)
{
	if (head)
		munmap(head, span(data_size));
}

/* In the slot the routes follow the sources that there are; in memory both have their own place. */
static int expand(const struct spool_commit *raw, struct spool_commit *ret)
{
	size_t sources = raw->n_sources * sizeof(raw->sources[0]), routes = raw->n_routes * sizeof(raw->routes[0]);

	if (raw->n_sources > SPOOL_MAX_SOURCES || raw->n_routes > SPOOL_MAX_ROUTES || raw->head % 8)
		return -EBADMSG;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, raw, SPOOL_COMMIT_FIXED + sources);
	memcpy(ret->routes, (const char *)raw + SPOOL_COMMIT_FIXED + sources, routes);
	return 0;
}

int spool_commit_load(const struct spool_head *head, struct spool_commit *ret)
{
	struct spool_commit raw;
	int r = cell_read(&head->commit, SPOOL_COMMIT_SLOT, &raw, sizeof(raw));

	return r < 0 ? r : expand(&raw, ret);
}

int spool_commit_recover(struct spool_head *head, struct spool_commit *ret)
{
	struct spool_commit raw;
	int r = cell_recover(&head->commit, SPOOL_COMMIT_SLOT, (struct spool_slot *)head->commit_copy, &raw,
			     sizeof(raw));

	if (r > 0)
		return -EBADMSG;	/* older than what readers know, and than where the sources are */
	return r < 0 ? r : expand(&raw, ret);
}

int spool_cursor_load(const struct spool_head *h, int cursor, uint64_t tail, uint64_t head, struct spool_cursor *ret)
{
	struct spool_cursor c;
	int r;

	if (!spool_row_in_use(&h->cursors[cursor].row))
		return -ENOENT;
	r = cell_read(&h->cursors[cursor].cell, SPOOL_CURSOR_SLOT, &c, sizeof(c));
	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	if (c.pos < tail || c.pos > head || c.pos % 8)
		return -EBADMSG;
	*ret = c;
	return 0;
}
