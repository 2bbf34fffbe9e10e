/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two last readings of a polled map, in a file of shared memory (RUNTIME/spool/PROGRAM.CHANNEL.snapshot), so that
 * whoever reads next knows what was there before, and a worker that was killed in the middle of a reading goes on in
 * the middle of the same one.
 *
 *   | super, heads of the halves | half 0: keys, values, order | half 1: … |
 *
 * A reading is written into the half of the one before the last, and counts when its head does: head and data have a
 * CRC each, so of a half that a worker died in nothing counts. What reading k gives to the spool follows from halves k
 * and k - 1 alone, and the next one begins only behind a commit that covers all of it. The file is the worker's; others
 * look at the heads. */
#ifndef EBPF_AGENT_SNAPSHOT_H
#define EBPF_AGENT_SNAPSHOT_H

#include "base.h"

#define SNAPSHOT_SIZE_MAX (64ULL << 20)	/* bytes of a file: a map that needs more is not polled */

/* Which map this is of, and how large its entries are. */
struct snapshot_shape {
	uint64_t generation;		/* of the manifest */
	uint32_t map_id;
	uint32_t key_size;		/* bytes */
	uint32_t value_size;		/* bytes of all copies, as the kernel gives them */
	uint32_t capacity;		/* entries of a reading */
};

struct snapshot_head {
	uint64_t number;		/* of the reading, from 1; 0: none */
	uint64_t first;			/* position of the first entry that it gives */
	uint64_t given;			/* how many of its entries are given */
	uint64_t time_ns;		/* CLOCK_MONOTONIC */
	uint32_t stored, n;		/* entries in it; those that the order names */
	uint32_t data_crc;		/* of keys, values and order */
	uint32_t crc;			/* CRC32C of all above */
};

struct snapshot_half {
	struct snapshot_head *head;
	uint8_t *keys, *values;
	uint32_t *order;		/* entries, by their keys' bytes */
};

struct snapshot {
	void *map;
	size_t size;
	int fd;
	struct snapshot_shape shape;
	uint64_t begun_ns;		/* CLOCK_MONOTONIC, when the file was made */
	struct snapshot_half halves[2];
};

/* How many entries a reading may have: more than the map holds, since it changes while it is read. */
uint32_t snapshot_capacity(uint32_t max_entries);
/* Bytes of the file. */
uint64_t snapshot_size(const struct snapshot_shape *s);

/* Opens the file at @path, making it anew unless it is of @shape. The caller is the only one to write it (it has the
 * lock of the spool). -ENOSPC, -EFBIG (beyond SNAPSHOT_SIZE_MAX), … */
int snapshot_open(struct snapshot *s, const char *path, const struct snapshot_shape *shape, uint64_t now_ns);
/* Accepts a zeroed one. */
void snapshot_close(struct snapshot *s);

/* The half whose reading is the last that counts, and the one before (NULL: none). */
void snapshot_last(const struct snapshot *s, struct snapshot_half **ret_last, struct snapshot_half **ret_before);
/* The half that the next reading goes into; what was in it does not count any more. */
struct snapshot_half *snapshot_begin(struct snapshot *s, const struct snapshot_half *last);
/* It is filled: @h counts. All but the CRCs is taken from @head. */
void snapshot_publish(struct snapshot *s, struct snapshot_half *h, const struct snapshot_head *head);

/* For others: the head of the last reading in the file at @path, if it is of @map_id. -ENOENT, -ENODATA: there was no
 * reading yet. */
int snapshot_look(const char *path, uint32_t map_id, struct snapshot_head *ret);

#endif
