/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "staging.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "memfd.h"

#define MAGIC 0x313045474154530aULL
#define HEAD_SIZE 4096u

struct staging_head {
	uint64_t magic;			/* written last */
	uint64_t id;
	uint64_t clean;			/* up to here all places are NUL that are accounted for; stored atomically */
};

static bool is_ours(int fd, uint64_t id)
{
	struct staging_head h;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == HEAD_SIZE + STAGING_SIZE &&
	       pread(fd, &h, sizeof(h), 0) == sizeof(h) && h.magic == MAGIC && h.id == id;
}

static int make(int fd, uint64_t id, uint64_t next)
{
	struct staging_head h = { .magic = MAGIC, .id = id, .clean = next };
	int r;

	if (ftruncate(fd, 0) < 0)
		return -errno;
	r = file_allocate(fd, HEAD_SIZE + STAGING_SIZE);
	if (r < 0)
		return r;
	return pwrite(fd, &h, sizeof(h), 0) == sizeof(h) ? 0 : -EIO;
}

static int map(struct staging *s)
{
	size_t span = HEAD_SIZE + 2 * STAGING_SIZE + STAGING_OVERREAD;
	char *base = mmap(NULL, span, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct {
		size_t at, size;
		off_t from;
	} parts[] = {
		{ 0, HEAD_SIZE, 0 },
		{ HEAD_SIZE, STAGING_SIZE, HEAD_SIZE },
		{ HEAD_SIZE + STAGING_SIZE, STAGING_SIZE, HEAD_SIZE },
	};

	if (base == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (mmap(base + parts[i].at, parts[i].size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, s->fd, parts[i].from) == MAP_FAILED) {
			int err = errno;

			munmap(base, span);
			return -err;
		}
	(void)mlock(base, span - STAGING_OVERREAD);	/* refused: its pages are there all the same, as a rule */
	s->head = (struct staging_head *)base;
	s->data = base + HEAD_SIZE;
	return 0;
}

/* Behind the last byte that is not NUL, of those that may have come. */
static uint64_t find_tail(const struct staging *s, uint64_t end)
{
	while (end > s->next && s->data[staging_place(end - 1)] == '\0')
		end--;
	return end;
}

int staging_open(struct staging *s, const char *path, uint64_t id, uint64_t *next)
{
	struct staging new = { .fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0660) };
	uint64_t clean;
	int err = 0;

	if (new.fd < 0)
		return -errno;
	new.is_new = !is_ours(new.fd, id);
	if (new.is_new)
		err = make(new.fd, id, *next);
	if (err == 0)
		err = map(&new);
	if (err < 0) {
		close(new.fd);
		return err;
	}
	clean = __atomic_load_n(&new.head->clean, __ATOMIC_RELAXED);
	if (*next < clean || *next - clean > STAGING_SIZE)
		*next = clean;		/* a new spool: what is in the ring is all there is */
	new.next = *next;
	new.tail = find_tail(&new, clean + STAGING_SIZE);
	*s = new;
	staging_release(s, s->next);
	return 0;
}

void staging_close(struct staging *s)
{
	if (!s->head)
		return;
	munmap(s->head, HEAD_SIZE + 2 * STAGING_SIZE + STAGING_OVERREAD);
	close(s->fd);
	*s = (struct staging){ .fd = -1 };
}

size_t staging_read(struct staging *s, int fd, size_t max)
{
	size_t room = (size_t)(s->next + STAGING_SIZE - s->tail), done = 0;

	while (done < MIN(room, max)) {
		ssize_t n = read(fd, s->data + staging_place(s->tail), MIN(room, max) - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		/* As a new worker would see it: NULs at its end did not come. */
		s->tail = find_tail(s, s->tail + (size_t)n);
		done += (size_t)n;
		room = MIN(room, done + (size_t)(s->next + STAGING_SIZE - s->tail));
	}
	return done;
}

void staging_release(struct staging *s, uint64_t next)
{
	uint64_t clean = __atomic_load_n(&s->head->clean, __ATOMIC_RELAXED);

	memset(s->data + staging_place(clean), 0, (size_t)(next - clean));
	/* All of it is NUL before anybody may read into it. */
	__atomic_store_n(&s->head->clean, next, __ATOMIC_RELEASE);
	s->next = next;
	s->tail = MAX(s->tail, next);
}

int staging_count(const char *path, uint64_t id, uint64_t next, bool within, uint64_t *ret)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	cleanup(freep) char *data = malloc(STAGING_SIZE);
	struct staging_head h;
	uint64_t lines = 0;
	bool text = false;		/* this line has some */

	if (fd < 0)
		return -errno;
	if (!data)
		return -ENOMEM;
	if (!is_ours(fd, id) || pread(fd, &h, sizeof(h), 0) != sizeof(h) ||
	    pread(fd, data, STAGING_SIZE, HEAD_SIZE) != STAGING_SIZE)
		return -ENODATA;
	if (next < h.clean || next - h.clean > STAGING_SIZE)
		return -EAGAIN;
	for (uint64_t pos = next; pos < h.clean + STAGING_SIZE; pos++) {
		char c = data[staging_place(pos)];

		if (c == '\n') {
			lines += text;
			text = within = false;
		} else if (c && !within) {
			text = true;
		}
	}
	*ret = lines + text;
	return 0;
}
