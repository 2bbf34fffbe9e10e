/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "buffers.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "spawn.h"

struct buffers *buffers_new(const char *program, uint64_t generation)
{
	struct buffers *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	snprintf(b->program, sizeof(b->program), "%s", program);
	b->generation = generation;
	return b;
}

static size_t map_len(const struct buffer *row)
{
	return (1 + (size_t)row->pages) * (size_t)sysconf(_SC_PAGESIZE);
}

static void close_row(struct buffer *row)
{
	if (row->page)
		munmap(row->page, map_len(row));
	close(row->fd);
}

void buffers_free(struct buffers *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		close_row(&b->rows[i]);
	free(b->rows);
	free(b);
}

void buffers_remove(struct buffers *b, uint16_t channel)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->rows[i].channel == channel)
			close_row(&b->rows[i]);
		else
			b->rows[kept++] = b->rows[i];
	}
	b->n = kept;
}

bool buffers_has(const struct buffers *b, uint16_t channel)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->rows[i].channel == channel && b->rows[i].cpu == BUFFER_IS_ARRAY)
			return true;
	return false;
}

/* By its name in /proc: any other call on a descriptor that a stranger sent could block. */
static bool is_anonymous(int fd, const char *name)
{
	char path[32], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	return strcmp(target, name) == 0;
}

static int check_row(const struct buffer *row)
{
	if (row->cpu == BUFFER_IS_ARRAY)
		return is_anonymous(row->fd, "anon_inode:bpf-map") ? 0 : -EBADF;
	if (!is_anonymous(row->fd, "anon_inode:[perf_event]"))
		return -EBADF;
	if (row->pages == 0 || row->pages & (row->pages - 1) || map_len(row) > 2 * (size_t)BUFFERS_MAX_SIZE)
		return -EINVAL;
	return 0;
}

static int map_row(struct buffer *row, int prot)
{
	void *page;
	int err = row->pages ? buffer_read(row->fd, &row->id, NULL, NULL) : 0;

	if (err < 0 || !prot || !row->pages)
		return err;
	page = mmap(NULL, map_len(row), prot, MAP_SHARED, row->fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	row->page = page;
	return 0;
}

static int make_space(struct buffers *b)
{
	size_t cap = b->cap ? 2 * b->cap : 8;
	void *rows;

	if (b->n == BUFFERS_MAX)
		return -E2BIG;
	if (b->n < b->cap)
		return 0;
	rows = reallocarray(b->rows, cap, sizeof(*b->rows));
	if (!rows)
		return -ENOMEM;
	b->rows = rows;
	b->cap = cap;
	return 0;
}

int buffers_add(struct buffers *b, uint16_t channel, uint16_t cpu, uint32_t pages, int fd, int prot)
{
	struct buffer row = { .fd = fd, .channel = channel, .cpu = cpu, .pages = cpu == BUFFER_IS_ARRAY ? 0 : pages };
	int err = make_space(b);

	if (err == 0)
		err = check_row(&row);
	if (err == 0)
		err = map_row(&row, prot);
	if (err < 0) {
		close(fd);
		return err;
	}
	b->rows[b->n++] = row;
	return 0;
}

int buffer_read(int fd, uint64_t *ret_id, uint64_t *ret_lost, bool *ret_knows)
{
	/* PERF_FORMAT_ID | PERF_FORMAT_LOST, where the kernel has the latter */
	struct {
		uint64_t value, id, lost;
	} now = { 0 };
	ssize_t n = read(fd, &now, sizeof(now));

	if (n < 0)
		return -errno;
	if (n < (ssize_t)offsetof(__typeof__(now), lost))
		return -EBADF;
	if (ret_id)
		*ret_id = now.id;
	if (ret_lost)
		*ret_lost = now.lost;
	if (ret_knows)
		*ret_knows = n == sizeof(now);
	return 0;
}

/* ---- handing over ------------------------------------------------------------------------------------------------ */

bool buffers_message_next(const struct buffers *b, size_t *at, struct buffers_message *ret, int *fds)
{
	if (*at > b->n)
		return false;
	*ret = (struct buffers_message){ .type = BUFFERS_ALL, .n = b->n, .generation = b->generation };
	strcpy(ret->program, b->program);
	if (*at == b->n) {
		++*at;
		return true;
	}
	ret->type = BUFFERS_SOME;
	for (ret->n = 0; ret->n < BUFFERS_PER_MESSAGE && *at < b->n; ret->n++, ++*at) {
		const struct buffer *row = &b->rows[*at];

		fds[ret->n] = row->fd;
		ret->rows[ret->n].channel = row->channel;
		ret->rows[ret->n].cpu = row->cpu;
		ret->rows[ret->n].pages = row->pages;
	}
	return true;
}

static bool well_formed(const struct buffers *b, const struct buffers_message *m, size_t n_fds)
{
	if (m->program[sizeof(m->program) - 1] || n_fds != (m->type == BUFFERS_SOME ? m->n : 0))
		return false;
	if (b && (strcmp(b->program, m->program) || b->generation != m->generation))
		return false;
	return m->type == BUFFERS_SOME || (m->type == BUFFERS_ALL && b && b->n == m->n);
}

int buffers_message_take(struct buffers **b, const struct buffers_message *m, const int *fds, size_t n_fds, int prot)
{
	int err = well_formed(*b, m, n_fds) ? 0 : -EBADMSG;

	if (err == 0 && !*b && !(*b = buffers_new(m->program, m->generation)))
		err = -ENOMEM;
	for (size_t i = 0; i < n_fds; i++) {
		if (err == 0)
			err = buffers_add(*b, m->rows[i].channel, m->rows[i].cpu, m->rows[i].pages, fds[i], prot);
		else
			close(fds[i]);
	}
	return err < 0 ? err : m->type == BUFFERS_ALL;
}

int buffers_send(int sock, const struct buffers *b)
{
	struct buffers_message m;
	int fds[BUFFERS_PER_MESSAGE], err = 0;

	for (size_t at = 0; err == 0 && buffers_message_next(b, &at, &m, fds);)
		err = fdpass_send(sock, &m, sizeof(m), fds, m.type == BUFFERS_SOME ? m.n : 0);
	return err;
}

int buffers_receive(int sock, struct buffers **ret)
{
	cleanup(buffers_freep) struct buffers *b = NULL;
	struct buffers_message m;
	int done = 0;

	while (done == 0) {
		int fds[BUFFERS_PER_MESSAGE];
		size_t n = BUFFERS_PER_MESSAGE;
		ssize_t len = fdpass_receive(sock, &m, sizeof(m), fds, &n);

		if (len <= 0)
			return len < 0 ? (int)len : -EPIPE;
		if (len != sizeof(m))
			m = (struct buffers_message){};		/* refused, with its descriptors */
		done = buffers_message_take(&b, &m, fds, n, 0);
	}
	if (done < 0)
		return done;
	*ret = take(b);
	return 0;
}
