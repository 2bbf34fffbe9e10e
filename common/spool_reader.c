/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "cell.h"
#include "crc32c.h"
#include "spool_file.h"

int spool_reader_open(struct spool_reader *r, const char *path, bool look_on)
{
	cleanup(closep) int fd = open(path, (look_on ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct spool_reader new = { .look_on = look_on };
	struct spool_super s;
	int err;

	if (fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO ? -EBADMSG : -errno;
	err = spool_file_check(fd, &s);
	if (err < 0)
		return err == -ESTALE ? -EBADMSG : err;
	err = spool_file_map(fd, look_on ? PROT_READ : PROT_READ | PROT_WRITE, PROT_READ, 0, s.data_size, &new.head,
			     (char **)&new.data);
	if (err < 0)
		return err;
	new.data_size = s.data_size;
	new.fd = take_fd(&fd);
	*r = new;
	return 0;
}

void spool_reader_close(struct spool_reader *r)
{
	if (!r->head)
		return;
	spool_file_unmap(r->head, r->data_size);
	close(r->fd);
	*r = (struct spool_reader){ .fd = -1 };
}

bool spool_reader_current(const struct spool_reader *r, const char *path)
{
	struct stat a, b;

	return fstat(r->fd, &a) == 0 && lstat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int spool_read_commit(const struct spool_reader *r, struct spool_commit *ret)
{
	int err = spool_file_check_size(r->fd, r->data_size);

	return err < 0 ? err : spool_commit_load(r->head, ret);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static int read_header(const struct spool_reader *r, uint64_t pos, uint64_t head, struct spool_rec *ret)
{
	struct spool_rec rec;

	if (pos % 8 || pos >= head || head - pos > r->data_size || head - pos < sizeof(rec))
		return -EBADMSG;
	memcpy(&rec, r->data + (pos & (r->data_size - 1)), sizeof(rec));
	if (rec.len > SPOOL_REC_MAX || rec.len > head - pos || rec.line_len > SPOOL_REC_MAX ||
	    rec.len != ALIGN_UP(sizeof(rec) + rec.line_len, (size_t)8))
		return -EBADMSG;
	if (rec.version != SPOOL_VERSION || rec.pos != pos)
		return -EBADMSG;
	*ret = rec;
	return 0;
}

int spool_read(const struct spool_reader *r, uint64_t pos, uint64_t head, struct spool_rec *ret, const char **ret_line)
{
	const char *line = r->data + (pos & (r->data_size - 1)) + sizeof(struct spool_rec);
	struct spool_rec rec;
	uint32_t crc;
	int err = read_header(r, pos, head, &rec);

	if (err < 0)
		return err;
	/* Of the copied header: what was checked is what is used. */
	crc = crc32c(0, &rec.line_len, sizeof(rec) - offsetof(struct spool_rec, line_len));
	if (rec.crc != crc32c(crc, line, rec.line_len))
		return -EBADMSG;
	if (rec.kind < SPOOL_KIND_JSON || rec.kind > SPOOL_KIND_STACK || rec.route >= SPOOL_MAX_ROUTES)
		return -EBADMSG;
	*ret = rec;
	*ret_line = line;
	return 0;
}

/* What begins with its own position, has a record's lengths and its CRC is one. Not even whoever writes the lines can
 * put one within them: they have no bytes below 0x20, and every header does. */
uint64_t spool_next_sound(const struct spool_reader *r, uint64_t pos, uint64_t head)
{
	uint64_t tail = __atomic_load_n(&r->head->tail, __ATOMIC_RELAXED), oldest = pos + 8;
	struct spool_rec rec;
	const char *line;

	/* What the writer has come round to is gone. */
	if (tail <= head && tail % 8 == 0)
		oldest = MAX(oldest, tail);
	if (head > r->data_size)
		oldest = MAX(oldest, head - r->data_size);
	for (pos = oldest; pos < head; pos += 8)
		if (spool_read(r, pos, head, &rec, &line) == 0)
			return pos;
	return head;
}

/* ---- cursors ----------------------------------------------------------------------------------------------------- */

/* The bounds that every cursor lies in: what the writer keeps, and what it has published. */
static int bounds(const struct spool_reader *r, uint64_t *ret_tail, uint64_t *ret_head)
{
	uint64_t tail = __atomic_load_n(&r->head->tail, __ATOMIC_SEQ_CST);
	struct spool_commit c;
	int err = spool_read_commit(r, &c);

	if (err == -ENODATA)
		c.head = 0;
	else if (err < 0)
		return err;
	/* The tail was loaded first: it never passes a head that was published. */
	if (tail % 8 || tail > c.head)
		return -EBADMSG;
	*ret_tail = tail;
	*ret_head = c.head;
	return 0;
}

static int find_row(const struct spool_reader *r, const char *name, bool *ret_found)
{
	int unused = -ENOSPC;

	for (int i = SPOOL_MAX_CURSORS - 1; i >= 0; i--) {
		const struct spool_cursor_row *row = &r->head->cursors[i].row;

		if (!spool_row_in_use(row)) {
			unused = i;
		} else if (strncmp(row->name, name, sizeof(row->name)) == 0) {
			*ret_found = true;
			return i;
		}
	}
	*ret_found = false;
	return unused;
}

/* The cell of the row holds a position already. Killed before the last of these stores, the row is still free. */
static void activate(struct spool_cursor_row *row, const char *name)
{
	memset(row->name, 0, sizeof(row->name));
	memcpy(row->name, name, strlen(name));
	__atomic_store_n(&row->asleep, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&row->state, SPOOL_CURSOR_ACTIVE, __ATOMIC_SEQ_CST);
}

/* The writer may have moved its tail before it saw the new cursor (see spool_refresh()). */
static void keep_up(struct spool_reader *r, int cursor, struct spool_cursor *c)
{
	for (;;) {
		uint64_t tail;

		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		tail = __atomic_load_n(&r->head->tail, __ATOMIC_SEQ_CST);
		if (tail <= c->pos)
			return;
		c->pos = tail;
		spool_cursor_write(r, cursor, c);
	}
}

static uint64_t oldest_position(const struct spool_reader *r, uint64_t tail, uint64_t head)
{
	uint64_t oldest = UINT64_MAX;

	for (int i = 0; i < SPOOL_MAX_CURSORS; i++) {
		struct spool_cursor c;

		if (spool_cursor_load(r->head, i, tail, head, &c) == 0)
			oldest = MIN(oldest, c.pos);
	}
	return oldest == UINT64_MAX ? tail : oldest;
}

/* Damaged: the slot before will do, since its sink knows what it has delivered, or counts it as resent. */
static bool recover_cursor(struct spool_reader *r, int row, uint64_t head, struct spool_cursor *ret)
{
	struct spool_cursor c;

	if (cell_recover(&r->head->cursors[row].cell, SPOOL_CURSOR_SLOT, NULL, &c, sizeof(c)) < 0 || c.pos > head ||
	    c.pos % 8)
		return false;
	*ret = c;
	return true;
}

int spool_cursor_open(struct spool_reader *r, const char *name)
{
	struct spool_cursor c = {};
	uint64_t tail, head;
	bool found;
	int row, err;

	if (r->look_on)
		return -EROFS;
	if (!*name || strlen(name) >= sizeof(r->head->cursors[0].row.name))
		return -EINVAL;
	err = bounds(r, &tail, &head);
	if (err < 0)
		return err;
	row = find_row(r, name, &found);
	/* One before the tail is right as well: what was overwritten is no record any more, and is counted so. */
	if (row < 0 || (found && spool_cursor_load(r->head, row, 0, head, &c) == 0))
		return row;
	if (found && recover_cursor(r, row, head, &c)) {
		spool_cursor_write(r, row, &c);
		return row;
	}
	c = (struct spool_cursor){ .pos = oldest_position(r, tail, head) };
	spool_cursor_write(r, row, &c);
	if (!found)
		activate(&r->head->cursors[row].row, name);
	keep_up(r, row, &c);
	return row;
}

void spool_cursor_drop(struct spool_reader *r, int cursor)
{
	__atomic_store_n(&r->head->cursors[cursor].row.state, SPOOL_CURSOR_FREE, __ATOMIC_RELEASE);
}

int spool_cursor_name(const struct spool_reader *r, int cursor, char ret_name[48])
{
	const struct spool_cursor_row *row;

	if (cursor < 0 || cursor >= SPOOL_MAX_CURSORS)
		return -ENOENT;
	row = &r->head->cursors[cursor].row;
	if (!spool_row_in_use(row))
		return -ENOENT;
	memcpy(ret_name, row->name, sizeof(row->name));
	ret_name[sizeof(row->name) - 1] = 0;
	return 0;
}

int spool_cursor_read(const struct spool_reader *r, int cursor, char ret_name[48], struct spool_cursor *ret)
{
	char name[48];
	int err = spool_cursor_name(r, cursor, name);

	if (err == 0)
		err = spool_cursor_load(r->head, cursor, 0, UINT64_MAX, ret);
	if (err == 0)
		memcpy(ret_name, name, sizeof(name));
	return err;
}

void spool_cursor_write(struct spool_reader *r, int cursor, const struct spool_cursor *c)
{
	struct spool_cell *cell = &r->head->cursors[cursor].cell;

	assert(!r->look_on);
	memcpy(cell_prepare(cell, SPOOL_CURSOR_SLOT), c, sizeof(*c));
	cell_publish(cell, SPOOL_CURSOR_SLOT, sizeof(*c), NULL);
}

bool spool_cursor_heal(struct spool_reader *r, int cursor, const char *name, const struct spool_cursor *c)
{
	struct spool_cursor_row *row = &r->head->cursors[cursor].row;
	bool row_damaged = row->state != SPOOL_CURSOR_ACTIVE || strncmp(row->name, name, sizeof(row->name)) != 0;
	struct spool_cursor seen;
	bool cell_damaged = cell_read(&r->head->cursors[cursor].cell, SPOOL_CURSOR_SLOT, &seen, sizeof(seen)) < 0;

	/* The slot before is whole, too, but is not this. */
	if (cell_damaged || memcmp(&seen, c, sizeof(seen)) != 0)
		spool_cursor_write(r, cursor, c);
	if (row_damaged)
		activate(row, name);
	return cell_damaged || row_damaged;
}

void spool_cursor_sleep(struct spool_reader *r, int cursor)
{
	/* See spool_take_doorbell(). */
	__atomic_store_n(&r->head->cursors[cursor].row.asleep, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
