/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dead letters: events that gave no result for a reason that the configuration names, kept with their bytes, a JSON
 * line each, in STATE/dead-letter/PROGRAM.jsonl.
 *
 * Written once: a letter goes to the file before its event is committed, so a worker that was killed between the two
 * finds it there when it does the batch again. It then neither writes it again nor tries the processor again, which
 * might answer this time: the ledger says what the file says.
 *
 * The worker only appends. When the file is full, the supervisor renames it (PROGRAM.jsonl.1 takes the place of the one
 * before) and hands a new one over. */
#ifndef EBPF_AGENT_LETTERS_H
#define EBPF_AGENT_LETTERS_H

#include "processor_status.h"

struct letter_id {
	uint64_t pos;
	uint32_t source;
	uint16_t event, drop;
};

struct letters {
	int fd;				/* -1: none; then letters are lost, and counted so */
	uint64_t size;			/* bytes of whole lines; what lies behind is overwritten */
	uint64_t torn;			/* bytes behind it: a line that found no room */
	uint32_t boot;
	struct processor_area *area;	/* the caller's: limits, counts */
	struct letter_id *known;	/* written, and not committed when this process started; sorted */
	size_t n_known;
};

/* Opens the program's file, or makes it; reads both, for letters whose event is not accounted for in @commit. -errno:
 * there is none, but @l can be used. While files may be opened. */
int letters_open(struct letters *l, const char *program, struct processor_area *area, uint32_t boot,
		 const struct spool_commit *commit);
/* @fd is the file from now on; taken. One that was never opened takes none. */
void letters_exchange(struct letters *l, int fd);
/* Accepts one that was never opened. */
void letters_close(struct letters *l);

struct letter {
	struct letter_id id;
	uint64_t wall_ns;		/* now */
	const char *program, *channel, *event, *processor;	/* processor NULL: none */
	size_t row;			/* its sandbox's row counts it */
	const char *how;		/* what happened, @how_len bytes; 0: nothing to add to the reason */
	size_t how_len;
	const void *data;
	size_t len;
};
static inline bool letters_want(const struct letters *l, enum spool_drop drop)
{
	return l->area && l->area->limits.letters_for >> drop & 1;
}
void letters_write(struct letters *l, const struct letter *letter);
/* A letter was written for it before this process started: why. SPOOL_N_DROPS: none was. */
enum spool_drop letters_find(const struct letters *l, const struct letter_id *id);

#endif
