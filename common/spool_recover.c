/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a writer does about a spool whose memory was damaged, or whose file was cut: all that there is twice, or that
 * can be told from the rest, is written again, so that the spool goes on with what is still in it. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "memfd.h"
#include "spool_file.h"

/* ---- while it is open -------------------------------------------------------------------------------------------- */

int spool_heal(struct spool_writer *w)
{
	static struct spool_commit seen;	/* larger than a stack should hold; a process has one writer */
	bool healed = false;

	/* Not fstat(2), which a worker may not call. */
	if (lseek(w->fd, 0, SEEK_END) != (off_t)(SPOOL_HEAD_SIZE + w->data_size))
		return -EBADMSG;
	if (memcmp(&w->head->super, &w->super, sizeof(w->super)) != 0) {
		w->head->super = w->super;
		healed = true;
	}
	if (__atomic_load_n(&w->head->tail, __ATOMIC_RELAXED) != w->tail) {
		__atomic_store_n(&w->head->tail, w->tail, __ATOMIC_SEQ_CST);
		healed = true;
	}
	if (w->committed && (spool_commit_load(w->head, &seen) < 0 || seen.head != w->published)) {
		spool_commit(w);
		healed = true;
	}
	return healed;
}

/* ---- before it is open ------------------------------------------------------------------------------------------- */

/* A file that was cut has zeros where something lay: they check as no record. One that grew is none the worse. */
static int resize(int fd, uint64_t size)
{
	int r = file_allocate(fd, size);

	if (r < 0)
		return r;
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

/* No garbage passes for a commit: whoever has one that is whole is a spool, and the rest of the first page is known. */
static int rebuild_super(int fd, const char *program, uint64_t data_size)
{
	static struct spool_commit commit;
	struct spool_super s;
	struct spool_head *head;
	int r = spool_super_make(program, data_size, &s);

	if (r < 0)
		return r;
	head = mmap(NULL, SPOOL_HEAD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (head == MAP_FAILED)
		return -errno;
	r = spool_commit_recover(head, &commit) < 0 ? -EBADMSG : 0;
	if (r == 0)
		head->super = s;
	munmap(head, SPOOL_HEAD_SIZE);
	return r;
}

int spool_repair_file(int fd, const char *program)
{
	struct spool_super s;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= (off_t)SPOOL_HEAD_SIZE)
		return -EBADMSG;
	if (pread(fd, &s, sizeof(s), 0) != sizeof(s))
		return -EIO;
	if (s.crc != spool_super_crc(&s)) {
		uint64_t data_size = (uint64_t)st.st_size - SPOOL_HEAD_SIZE;

		return spool_data_size_valid(data_size) ? rebuild_super(fd, program, data_size) : -EBADMSG;
	}
	if (spool_super_check(&s) < 0 || strcmp(s.program, program) != 0)
		return -EBADMSG;
	return resize(fd, SPOOL_HEAD_SIZE + s.data_size);
}

/* Where the oldest record lies that may be kept, from what says so: the tail as stored, if it can be one, and no cursor
 * stands before it. */
static uint64_t recover_tail(const struct spool_writer *w)
{
	uint64_t head = w->published, lowest = head > w->data_size ? head - w->data_size : 0;
	uint64_t tail = __atomic_load_n(&w->head->tail, __ATOMIC_RELAXED);

	if (tail < lowest || tail > head || tail % 8)
		tail = lowest;
	for (int i = 0; i < SPOOL_MAX_CURSORS; i++) {
		struct spool_cursor c;

		if (spool_cursor_load(w->head, i, lowest, head, &c) == 0)
			tail = MIN(tail, c.pos);
	}
	return tail;
}

int spool_resume(struct spool_writer *w)
{
	int r = spool_commit_recover(w->head, &w->next);

	if (r < 0 && r != -ENODATA)
		return r;
	w->committed = r == 0;
	w->published = w->next.head;
	w->tail = recover_tail(w);
	r = spool_heal(w);
	if (r < 0)
		return r;
	w->repaired |= r > 0;
	spool_refresh(w);
	return 0;
}
