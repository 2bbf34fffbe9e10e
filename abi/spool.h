/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The spool: one shared file per program, between channeld's worker (its only writer) and sinkd (its only reader).
 *
 *   | super | commit cell | cursor cells … | data: a ring of records, mapped twice in a row so that none ever wraps |
 *
 * All positions are logical: bytes since the spool was made, never reset; a position's place is position % data_size.
 * Integers are in host order: a spool never leaves its boot. A reader checks everything and trusts nothing. */
#ifndef EBPF_AGENT_ABI_SPOOL_H
#define EBPF_AGENT_ABI_SPOOL_H

#include <stdint.h>

#define SPOOL_MAGIC   0x31304c4f4f505345ULL	/* "ESPOOL01" */
#define SPOOL_VERSION 3

#define SPOOL_MAX_CHANNELS 16
#define SPOOL_MAX_SOURCES 512	/* a ring, a polled map, a pipe; of a perf buffer each CPU's */
#define SPOOL_MAX_ROUTES  64	/* (channel, event) pairs of one program */
#define SPOOL_MAX_CURSORS 8	/* sinks that read one spool */
#define SPOOL_MIN_SIZE    (256u << 10)
#define SPOOL_MAX_SIZE    (1u << 30)
#define SPOOL_REC_MAX     (64u << 10)	/* the longest record, header and padding included */

/* A cell publishes a small struct atomically: two slots, and a sequence number that says which one counts.
 * Writer: fill slot (seq + 1) & 1, then store seq + 1 with release (2 follows 2^32 - 1). Killed at any instruction, the
 * old content or the new one counts, never a mixture. Reader: copy slot seq & 1, read seq again, try again if it moved;
 * then check the slot's own seq and CRC.
 *
 * Should memory be damaged: a record that does not check is passed over, and counted as damaged by the sinks. A cell is
 * written again by its writer, who looks at it once a second and knows better; readers wait for that. A new writer that
 * finds its cell damaged goes on from a whole slot: of a cursor the one before will do (what was delivered since is
 * found at the sink, or counted as resent), of the commit only the same (see spool_head). */
struct spool_slot {
	uint32_t seq;		/* the cell's seq that this slot belongs to */
	uint32_t len;		/* bytes of payload that count */
	uint32_t crc;		/* CRC32C of seq, len and the payload */
	uint32_t spare;
	/* payload follows, 8-aligned */
};
struct spool_cell {
	uint32_t seq;		/* 0: nothing published yet */
	uint32_t slot_size;	/* bytes of each slot, its header included */
	uint8_t pad[56];	/* the slots start on a cache line of their own */
	/* two slots follow */
};
_Static_assert(sizeof(struct spool_slot) == 16 && sizeof(struct spool_cell) == 64, "spool.h is ABI");

struct spool_super {
	uint64_t magic;
	uint32_t version;
	uint32_t head_size;	/* bytes before the data area */
	uint64_t data_size;	/* bytes, a power of two */
	uint64_t uid;		/* random: tells this spool from an earlier one of the same name */
	uint8_t boot_id[16];
	char program[64];
	uint32_t crc;		/* CRC32C of all above */
	uint32_t spare;
};

/* Why an event was not turned into a result; the names of the ledger. */
#define SPOOL_DROP_LIST(X)                                                              \
	X(DECODE,     decode,     "the record does not fit its layout")                     \
	X(SO_ERROR,   so_error,   "the processor said so, or its result is not valid JSON") \
	X(SO_CRASH,   so_crash,   "the processor died on it, twice, or had failed before")  \
	X(SO_TIMEOUT, so_timeout, "the processor took longer than its deadline")            \
	X(FILTERED,   filtered,   "the processor had nothing to say")                       \
	X(OVERSIZE,   oversize,   "the result or the record is longer than a record may be")
enum spool_drop {
#define X(upper, lower, help) SPOOL_DROP_##upper,
	SPOOL_DROP_LIST(X)
#undef X
	SPOOL_N_DROPS
};

/* Why a sink did not deliver a record. */
#define SINK_DROP_LIST(X)                                                        \
	X(REJECTED,  rejected,  "the sink refused it for good")                      \
	X(DISK_FULL, disk_full, "the disk is full, and when-full says drop")                 \
	X(EXPIRED,   expired,   "given up to make room")                             \
	X(DAMAGED,   damaged,   "its place in the spool cannot be read any more")    \
	X(SKIPPED,   skipped,   "a live view was too slow (only sinks that may lose)")
enum sink_drop {
#define X(upper, lower, help) SINK_DROP_##upper,
	SINK_DROP_LIST(X)
#undef X
	SINK_N_DROPS
};

/* What one commit publishes: where each source goes on, and what has been counted up to there. Only after it do the
 * sources' consumer positions move, so at every instant everything before `next` is in the counters and the spool,
 * and nothing after it is. */
struct spool_source {
	uint32_t id;		/* unique within a boot, part of event ids: see SPOOL_SOURCE_…; 0: row not used */
	uint8_t channel;	/* index in the manifest */
	uint8_t flags;		/* SPOOL_SOURCE_… */
	uint16_t part;		/* which of the channel's: the CPU of a perf buffer, else 0 */
	uint64_t next;		/* position of the first record not yet accounted for, in bytes; of a map in entries.
				 * SPOOL_SOURCE_WITHIN besides */
	uint64_t drained;	/* records taken out */
	uint64_t drained_bytes;
	uint64_t discarded;	/* records that the program itself discarded: not events */
	uint64_t lost;		/* events known to be lost with a transport (perf buffers); 0 for ring buffers */
	uint64_t lost_seen;	/* the kernel's own count of them when `lost` was counted last */
};
#define SPOOL_SOURCE_WITHIN (1ULL << 63)	/* of next, of a pipe: within a line that is too long and was counted */
#define SPOOL_SOURCE_LOST_UNKNOWN 1u	/* of flags: `lost` leaves out what nobody could count */
/* A source's id: of maps the kernel's, which is unique within a boot; what is no map has one that no map can have. */
#define SPOOL_SOURCE_PERF 0x80000000u	/* | the perf event's id */
#define SPOOL_SOURCE_PIPE 0xc0000000u	/* | the program's generation and the channel's index */
struct spool_route {
	uint16_t channel, event;	/* indices in the manifest */
	uint32_t spare;
	uint64_t ok;			/* events that gave results */
	uint64_t dropped[SPOOL_N_DROPS];
	uint64_t results;		/* results of those; = spooled + spool_full */
	uint64_t spooled;
	uint64_t spool_full;
	uint64_t bytes;			/* of spooled lines */
	uint64_t repaired;		/* results in which invalid UTF-8 became U+FFFD */
};
#define SPOOL_COMMIT_DRAINED 1u	/* told to drain, and every source is empty: no more will come */
struct spool_commit {
	uint64_t head;		/* records end here */
	uint64_t records;	/* in the spool since it was made */
	int64_t wall_offset_ns;	/* CLOCK_REALTIME minus CLOCK_MONOTONIC, so that a replay gives the same `ts` */
	uint32_t generation;	/* of the manifest that this was made under */
	uint32_t flags;
	uint16_t n_sources, n_routes;
	uint32_t spare;
	/* In the slot lie only n_sources and n_routes of these, without a gap: a commit costs what it says. */
	struct spool_source sources[SPOOL_MAX_SOURCES];
	struct spool_route routes[SPOOL_MAX_ROUTES];
};
#define SPOOL_COMMIT_FIXED __builtin_offsetof(struct spool_commit, sources)

/* One per sink. The row's name and state are written by sinkd alone; the writer only reads `pos`, checked. */
struct spool_cursor {
	uint64_t pos;		/* everything before it is done with */
	uint64_t acked;		/* records delivered */
	uint64_t dropped[SINK_N_DROPS];
	uint64_t unrouted;	/* passed over: not meant for this sink */
	uint64_t bytes;		/* delivered */
	uint64_t before;	/* records of its routes that passed before these were its */
	uint64_t routes;	/* a bit each: those that `before` was counted for */
	/* Of a sink that hands over first and is told later (Kafka): */
	uint64_t sent;		/* what lies before it may have been handed over; published before that is done */
	uint64_t resent;	/* records handed over that may have been so before: as many may be there twice */
};
#define SPOOL_CURSOR_FREE   0u
#define SPOOL_CURSOR_ACTIVE 0x55534544u	/* no byte of it is 0 */
struct spool_cursor_row {
	char name[48];
	uint32_t state;
	uint32_t asleep;	/* set by the reader before it sleeps, cleared by the writer that rings the doorbell */
	uint64_t spare;
};
_Static_assert(sizeof(struct spool_cursor_row) == 64, "spool.h is ABI");

#define SPOOL_COMMIT_SLOT 36864u
#define SPOOL_CURSOR_SLOT 192u
_Static_assert(sizeof(struct spool_slot) + sizeof(struct spool_commit) <= SPOOL_COMMIT_SLOT, "the commit fits");
_Static_assert(sizeof(struct spool_slot) + sizeof(struct spool_cursor) <= SPOOL_CURSOR_SLOT, "a cursor fits");

/* The head of the file. */
struct spool_head {
	struct spool_super super;
	uint8_t pad[2048 - sizeof(struct spool_super)];
	uint64_t tail;		/* the writer keeps what lies behind it: where a new cursor starts. Stored atomically */
	uint8_t pad2[2048 - sizeof(uint64_t)];
	struct spool_cell commit;
	uint8_t commit_slots[2 * SPOOL_COMMIT_SLOT];
	struct {
		struct spool_cursor_row row;
		struct spool_cell cell;
		uint8_t slots[2 * SPOOL_CURSOR_SLOT];
	} cursors[SPOOL_MAX_CURSORS];
	/* The commit once more, written before it is published: for the next writer, should the slot that counts be
	 * damaged. The slot before it would not do: ids would come twice, and counters go back. */
	uint8_t commit_copy[SPOOL_COMMIT_SLOT];
};
#define SPOOL_HEAD_SIZE 131072u
_Static_assert(sizeof(struct spool_head) <= SPOOL_HEAD_SIZE, "the head fits");

enum spool_kind { SPOOL_KIND_JSON = 1, SPOOL_KIND_SAMPLE = 2, SPOOL_KIND_STACK = 3 };

/* A record: this header, then the final line without its newline, then padding up to a multiple of 8. */
struct spool_rec {
	uint32_t len;		/* all of it, padding included */
	uint32_t crc;		/* CRC32C from `line_len` to the line's end */
	uint32_t line_len;
	uint8_t version;	/* SPOOL_VERSION */
	uint8_t kind;		/* enum spool_kind */
	uint16_t route;		/* index of its struct spool_route */
	uint64_t pos;		/* its own position: a stale record is never taken for a fresh one */
	uint64_t source_pos;	/* event id = (boot, source, position in it, event, result) */
	uint32_t source;	/* the source's id */
	uint16_t event;		/* index in the manifest */
	uint16_t result;	/* 0 for the first result of an event */
	uint64_t time_ns;	/* wall time, as in `ts` */
	uint64_t key;		/* same key, same order, same partition */
	uint32_t pid;		/* process id (tgid), 0: none */
	uint32_t tag;		/* 0: none */
	uint32_t generation;	/* of the manifest */
	uint32_t boot;		/* first four bytes of the boot id */
};
_Static_assert(sizeof(struct spool_rec) == 72, "spool.h is ABI");

#endif
