/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "cell.h"
#include "crc32c.h"
#include "memfd.h"
#include "spool_file.h"

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool is_at(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The file at @path, locked. -EAGAIN: it was moved meanwhile, look again. */
static int open_locked(const char *path, int flags, int *ret_fd)
{
	cleanup(closep) int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0660);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (!is_at(fd, path))
		return -EAGAIN;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int check_tmpfs(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return fs.f_type == TMPFS_MAGIC ? 0 : -EMEDIUMTYPE;
}

static int fill(int fd, const char *program, uint64_t data_size)
{
	struct spool_super s;
	int r = spool_super_make(program, data_size, &s);

	if (r < 0)
		return r;
	/* Emptied first: a worker that was killed here may have left something. */
	if (fchmod(fd, 0660) < 0 || ftruncate(fd, 0) < 0)
		return -errno;
	r = file_allocate(fd, SPOOL_HEAD_SIZE + data_size);
	if (r < 0)
		return r;
	return pwrite(fd, &s, sizeof(s), 0) == sizeof(s) ? 0 : -EIO;
}

/* Made under another name, so that nobody ever opens half a spool. Whoever holds the lock on that name is the only
 * one to put a file at @path. */
static int create(const char *path, const char *program, uint64_t data_size, int *ret_fd)
{
	cleanup(closep) int fd = -1;
	char tmp[PATH_MAX];
	int r;

	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp))
		return -ENAMETOOLONG;
	r = open_locked(tmp, O_CREAT, &fd);
	if (r < 0)
		return r;
	r = access(path, F_OK) == 0 ? -EAGAIN : check_tmpfs(fd);
	if (r == 0)
		r = fill(fd, program, data_size);
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(tmp);
		return r;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

static int set_aside(const char *path)
{
	char bad[PATH_MAX];

	if (snprintf(bad, sizeof(bad), "%s.bad", path) >= (int)sizeof(bad))
		return -ENAMETOOLONG;
	return rename(path, bad) < 0 ? -errno : 0;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static int map(struct spool_writer *w, const struct spool_super *s)
{
	w->super = *s;
	w->data_size = s->data_size;
	w->boot = spool_boot_short(s->boot_id);
	return spool_file_map(w->fd, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, MAP_POPULATE, s->data_size,
			      &w->head, &w->data);
}

/* -EBADMSG: damaged; -ESTALE: of another boot. */
static int open_existing(struct spool_writer *w, const char *program)
{
	struct spool_super s;
	int r = spool_file_check(w->fd, &s);

	if (r == -EBADMSG && check_tmpfs(w->fd) == 0 && spool_repair_file(w->fd, program) == 0) {
		w->repaired = true;
		r = spool_file_check(w->fd, &s);
	}
	if (r == 0)
		r = check_tmpfs(w->fd);
	if (r == 0 && strcmp(s.program, program) != 0)
		r = -EBADMSG;
	if (r == 0)
		r = map(w, &s);
	return r < 0 ? r : spool_resume(w);
}

/* 0: @w is open. -EAGAIN: look again. */
static int try_open(struct spool_writer *w, const char *path, const char *program, uint64_t data_size, bool *set)
{
	int r = open_locked(path, 0, &w->fd);

	if (r == -ENOENT) {
		r = create(path, program, data_size, &w->fd);
		return r < 0 ? r : open_existing(w, program);
	}
	if (r == -ELOOP || r == -EISDIR || r == -ENXIO) {	/* a link, a folder, a FIFO: no spool */
		*set = true;
		r = set_aside(path);
		return r < 0 ? r : -EAGAIN;
	}
	if (r < 0)
		return r;
	r = open_existing(w, program);
	if (r == -EBADMSG) {
		*set = true;
		r = set_aside(path);
	} else if (r == -ESTALE) {
		r = unlink(path) < 0 ? -errno : 0;
	} else {
		return r;
	}
	return r < 0 ? r : -EAGAIN;
}

int spool_writer_open(struct spool_writer *w, const char *path, const char *program, uint64_t size,
		      bool *ret_set_aside)
{
	uint64_t data_size = SPOOL_MIN_SIZE;
	bool set = false;

	if (size > SPOOL_MAX_SIZE)
		return -EFBIG;
	while (data_size < size)
		data_size *= 2;
	for (int i = 0; i < 10; i++) {
		struct spool_writer new = { .fd = -1 };
		int r = try_open(&new, path, program, data_size, &set);

		if (r == 0) {
			*w = new;
			if (ret_set_aside)
				*ret_set_aside = set;
			return 0;
		}
		spool_file_unmap(new.head, new.data_size);
		closep(&new.fd);
		if (r != -EAGAIN)
			return r;
	}
	return -EBUSY;
}

void spool_writer_close(struct spool_writer *w)
{
	if (!w->head)
		return;
	spool_file_unmap(w->head, w->data_size);
	close(w->fd);
	*w = (struct spool_writer){ .fd = -1 };
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The smallest position of all cursors; false: there is none, or one cannot be read. Damaged ones are written again by
 * their reader; until then nothing is let go. */
static bool oldest_cursor(const struct spool_writer *w, uint64_t *ret)
{
	uint64_t oldest = UINT64_MAX;

	for (int i = 0; i < SPOOL_MAX_CURSORS; i++) {
		struct spool_cursor c;
		int r = spool_cursor_load(w->head, i, w->tail, w->published, &c);

		if (r < 0 && r != -ENOENT)
			return false;
		if (r == 0)
			oldest = MIN(oldest, c.pos);
	}
	if (oldest == UINT64_MAX)
		return false;
	*ret = oldest;
	return true;
}

bool spool_refresh(struct spool_writer *w)
{
	uint64_t was = w->tail, to, again;

	if (!oldest_cursor(w, &to) || to == was)
		return false;
	/* A new cursor starts at head->tail and then looks at it once more (spool_cursor_open), as this looks at the
	 * cursors once more after moving it: of two full fences one comes first, so one side sees the other. */
	__atomic_store_n(&w->head->tail, to, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!oldest_cursor(w, &again))
		again = was;
	if (again < to) {
		to = again;
		__atomic_store_n(&w->head->tail, to, __ATOMIC_SEQ_CST);
	}
	w->tail = to;
	return to != was;
}

static uint64_t pair(uint32_t first, uint32_t second)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? first | (uint64_t)second << 32
							 : second | (uint64_t)first << 32;
}

static uint32_t half_pair(uint16_t first, uint16_t second)
{
	return (uint32_t)(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? first | (uint32_t)second << 16
								    : second | (uint32_t)first << 16);
}

static uint16_t quarter_pair(uint8_t first, uint8_t second)
{
	return (uint16_t)(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? first | second << 8 : second | first << 8);
}

typedef uint64_t __attribute__((may_alias)) word;

/* Word by word, as the CRC will read it: a load of what several smaller stores, or a wider one, have just written waits
 * until they are done, which was a third of the time of a short record. */
static void write_head(const struct spool_writer *w, struct spool_rec *rec, const struct spool_rec *r, uint32_t len,
		       uint32_t line_len)
{
	word *to = (word *)rec;

	static_assert(sizeof(*rec) == 9 * sizeof(*to), "every field has its place");
	to[0] = pair(len, 0);
	to[1] = pair(line_len, half_pair(quarter_pair(SPOOL_VERSION, r->kind), r->route));
	to[2] = w->next.head;
	to[3] = r->source_pos;
	to[4] = pair(r->source, half_pair(r->event, r->result));
	to[5] = r->time_ns;
	to[6] = r->key;
	to[7] = pair(r->pid, r->tag);
	to[8] = pair(r->generation, w->boot);
}

void spool_add(struct spool_writer *w, const struct spool_rec *r, size_t line_len)
{
	struct spool_rec *rec = (struct spool_rec *)(w->data + (w->next.head & (w->data_size - 1)));
	char *line = (char *)(rec + 1);
	size_t len = ALIGN_UP(sizeof(*rec) + line_len, (size_t)8);

	assert(len <= SPOOL_REC_MAX);
	memset(line + line_len, 0, len - sizeof(*rec) - line_len);
	write_head(w, rec, r, (uint32_t)len, (uint32_t)line_len);
	rec->crc = crc32c(0, &rec->line_len, sizeof(*rec) - offsetof(struct spool_rec, line_len) + line_len);
	w->next.head += len;
	w->next.records++;
}

void spool_commit(struct spool_writer *w)
{
	const struct spool_commit *c = &w->next;
	char *slot = cell_prepare(&w->head->commit, SPOOL_COMMIT_SLOT), *p = slot;

	assert(c->n_sources <= SPOOL_MAX_SOURCES && c->n_routes <= SPOOL_MAX_ROUTES);
	p = mempcpy(p, c, SPOOL_COMMIT_FIXED);
	p = mempcpy(p, c->sources, c->n_sources * sizeof(c->sources[0]));
	p = mempcpy(p, c->routes, c->n_routes * sizeof(c->routes[0]));
	cell_publish(&w->head->commit, SPOOL_COMMIT_SLOT, p - slot, (struct spool_slot *)w->head->commit_copy);
	w->published = c->head;
	w->committed = true;
}

bool spool_take_doorbell(struct spool_writer *w)
{
	bool asleep = false;

	/* The commit is stored, then `asleep` is loaded; the reader stores `asleep`, then loads the commit. Stores may
	 * wait behind later loads on every CPU, so both sides need a full fence between the two, or both may miss. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (int i = 0; i < SPOOL_MAX_CURSORS; i++) {
		struct spool_cursor_row *row = &w->head->cursors[i].row;

		if (__atomic_load_n(&row->asleep, __ATOMIC_RELAXED) &&
		    __atomic_exchange_n(&row->asleep, 0, __ATOMIC_SEQ_CST))
			asleep |= spool_row_in_use(row);
	}
	return asleep;
}
