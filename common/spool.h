/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing and reading a spool (abi/spool.h says what it looks like and why). Linux only: memory-mapped tmpfs. */
#ifndef EBPF_AGENT_SPOOL_H
#define EBPF_AGENT_SPOOL_H

#include "base.h"
#include "../abi/spool.h"

/* ---- the writer: one worker -------------------------------------------------------------------------------------- */

struct spool_writer {
	struct spool_head *head;	/* mapped */
	char *data;			/* mapped twice in a row */
	uint64_t data_size;
	uint64_t tail;			/* smallest active cursor, as last seen; without one it stays */
	uint64_t published;		/* head of the last commit */
	int fd;
	uint32_t boot;			/* for records: first four bytes of the boot id */
	bool committed;			/* there is a commit */
	bool repaired;			/* what was found was damaged, and is whole again */
	struct spool_super super;	/* as it should be */
	struct spool_commit next;	/* what the next commit publishes; fill sources, routes and counters freely.
					 * next.head and next.records are moved by spool_add() */
};

/* Opens the spool of @program in the runtime directory, making it (0660, @size bytes of data rounded up to a power of
 * two, fallocated and prefaulted) if there is none of this boot. One that is damaged is repaired (w->repaired), without
 * loss but for records that were cut off, which sinks will count; where that cannot be, it is set aside as *.bad, and
 * *ret_set_aside (may be NULL) says so. One that exists keeps its size. w->next is what the last commit published. One
 * writer, by lock: -EBUSY. -ENOSPC, -EFBIG, -EMEDIUMTYPE (the runtime directory is no tmpfs), … */
int spool_writer_open(struct spool_writer *w, const char *path, const char *program, uint64_t size,
		      bool *ret_set_aside);
/* Accepts a zeroed one. */
void spool_writer_close(struct spool_writer *w);

/* Room for a record of at most @line_max bytes of line: where its line goes, or NULL (full: look at the cursors
 * again by spool_refresh(), then stop draining). A record is at most SPOOL_REC_MAX long, header included. The
 * record before it must have been added. */
static inline char *spool_room(struct spool_writer *w, size_t line_max)
{
	uint64_t need = ALIGN_UP(sizeof(struct spool_rec) + line_max, 8);

	if (w->next.head + need > w->tail + w->data_size)
		return NULL;
	return w->data + (w->next.head & (w->data_size - 1)) + sizeof(struct spool_rec);
}
/* Reads the cursors: moves w->tail. True: it moved. */
bool spool_refresh(struct spool_writer *w);
/* The line is written: completes the record. @r: everything but len, crc, version, pos, boot, line_len, which are
 * filled in here. */
void spool_add(struct spool_writer *w, const struct spool_rec *r, size_t line_len);
/* Publishes w->next. Only after it may consumer positions move. */
void spool_commit(struct spool_writer *w);
/* Once a second, between commits: what this writer keeps in the spool's head is written again if it is not as it should
 * be. 1: it was not; -EBADMSG: the file is not as long as it was: do not touch it, open it anew. */
int spool_heal(struct spool_writer *w);
/* A reader that said it sleeps must be woken (once). */
bool spool_take_doorbell(struct spool_writer *w);

/* ---- the reader: sinkd; and whoever looks on (loaderd, channeld) ------------------------------------------------- */

struct spool_reader {
	struct spool_head *head;	/* mapped, writable only for sinkd's cursors */
	const char *data;
	uint64_t data_size;
	int fd;
	bool look_on;			/* opened read-only */
};

/* -ENOENT none yet; -EBADMSG damaged or of another boot or version. @look_on: read-only, no cursors. */
int spool_reader_open(struct spool_reader *r, const char *path, bool look_on);
void spool_reader_close(struct spool_reader *r);
/* Is it still the file at @path? A program that is loaded anew gets a new spool. */
bool spool_reader_current(const struct spool_reader *r, const char *path);

/* What the last commit published, checked. -ENODATA: none yet; -EBADMSG: damaged, or the file was cut (looked at here,
 * since reading such a mapping would be fatal: read no record after it); -EAGAIN: later. */
int spool_read_commit(const struct spool_reader *r, struct spool_commit *ret);

/* The cursor of the sink called @name: found, where its cell is damaged as it was before, and else made at the oldest
 * position that is kept. Returns its index. -ENOSPC: no row is free. One process at a time. */
int spool_cursor_open(struct spool_reader *r, const char *name);
void spool_cursor_drop(struct spool_reader *r, int cursor);	/* the sink is gone: it holds nothing back any more */
/* What this process keeps in the row is written again if it is not as it should be. True: it was not. */
bool spool_cursor_heal(struct spool_reader *r, int cursor, const char *name, const struct spool_cursor *c);
/* Whose row it is, damaged or not. -ENOENT: row not in use. */
int spool_cursor_name(const struct spool_reader *r, int cursor, char ret_name[48]);
/* -ENOENT: row not in use. */
int spool_cursor_read(const struct spool_reader *r, int cursor, char ret_name[48], struct spool_cursor *ret);
void spool_cursor_write(struct spool_reader *r, int cursor, const struct spool_cursor *c);
/* Before sleeping: then look once more for records. */
void spool_cursor_sleep(struct spool_reader *r, int cursor);

/* The record at @pos, which must be below @head (from spool_read_commit()). Its header is copied and checked
 * (bounds, version, pos, CRC); the line stays in place, *ret_line, valid until the cursor passes it. Next record:
 * pos + ret->len. -EBADMSG: damaged. */
int spool_read(const struct spool_reader *r, uint64_t pos, uint64_t head, struct spool_rec *ret, const char **ret_line);

/* There is no record at @pos that can be read: where the next one is, or @head. */
uint64_t spool_next_sound(const struct spool_reader *r, uint64_t pos, uint64_t head);

/* The id of an event as it stands in its line: "BOOT-SOURCE-POSITION-EVENT-RESULT", lower-case hex without leading
 * zeros. */
#define SPOOL_ID_MAX 64
size_t spool_id_format(const struct spool_rec *r, char ret[SPOOL_ID_MAX]);
/* Reads boot, source, source_pos, event and result into @ret. -EINVAL. */
int spool_id_parse(const char *s, size_t len, struct spool_rec *ret);

#endif
