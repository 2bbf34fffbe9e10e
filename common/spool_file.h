/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What writer and reader of a spool share: checking its first page and its commit, and mapping it. For
 * common/spool_*.c only. */
#ifndef EBPF_AGENT_SPOOL_FILE_H
#define EBPF_AGENT_SPOOL_FILE_H

#include "spool.h"

/* Of this boot, as the kernel prints it. */
int spool_boot_id(uint8_t ret[16]);
/* Its first four bytes, so that their hex digits are those that the kernel prints first. */
uint32_t spool_boot_short(const uint8_t id[16]);
uint32_t spool_super_crc(const struct spool_super *s);
bool spool_data_size_valid(uint64_t size);
/* Of a new spool, or one whose first page is written again. 0, -ENAMETOOLONG, … */
int spool_super_make(const char *program, uint64_t data_size, struct spool_super *ret);
/* Its CRC, its version and the sizes in it. -EBADMSG. */
int spool_super_check(const struct spool_super *s);

/* The spool in @fd: a regular file as long as its super block says. -EBADMSG: it is none, or damaged; -ESTALE: whole,
 * but of another boot. */
int spool_file_check(int fd, struct spool_super *ret);
/* Is it still as long? A file that was cut would kill whoever reads its mapping (SIGBUS). */
int spool_file_check_size(int fd, uint64_t data_size);

/* Head and data, the latter twice in a row. @prot_data: PROT_READ, … ; @flags: MAP_POPULATE, or 0. */
int spool_file_map(int fd, int prot_head, int prot_data, int flags, uint64_t data_size, struct spool_head **ret_head,
		   char **ret_data);
/* Accepts NULL. */
void spool_file_unmap(struct spool_head *head, uint64_t data_size);

/* The commit that counts, expanded, its numbers within bounds. -ENODATA, -EBADMSG, -EAGAIN. */
int spool_commit_load(const struct spool_head *head, struct spool_commit *ret);
/* The same for the next writer, from whichever of its places is whole (cell.h). */
int spool_commit_recover(struct spool_head *head, struct spool_commit *ret);
/* Only 0 is free: no single byte's damage frees a row. */
static inline bool spool_row_in_use(const struct spool_cursor_row *row)
{
	return __atomic_load_n(&row->state, __ATOMIC_ACQUIRE) != SPOOL_CURSOR_FREE;
}
/* The cursor of a row in use whose position lies within @tail..@head. -ENOENT: not in use; -EBADMSG: nothing to be
 * believed; -EAGAIN. */
int spool_cursor_load(const struct spool_head *h, int cursor, uint64_t tail, uint64_t head, struct spool_cursor *ret);

/* ---- spool_recover.c ---- */

/* spool_file_check() refused @fd: makes a spool of it again, if it still has what cannot be told from elsewhere. The
 * caller has it locked. -EBADMSG: it has not. */
int spool_repair_file(int fd, const char *program);
/* Mapped, nothing else: goes on where the last commit left off; what lies behind its head never was. -EBADMSG. */
int spool_resume(struct spool_writer *w);

#endif
