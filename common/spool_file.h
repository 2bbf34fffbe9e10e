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
/* The cursor of an active row whose position lies within @tail..@head. -ENOENT: not active; -EBADMSG: nothing to be
 * believed; -EAGAIN. */
int spool_cursor_load(const struct spool_head *h, int cursor, uint64_t tail, uint64_t head, struct spool_cursor *ret);

#endif
