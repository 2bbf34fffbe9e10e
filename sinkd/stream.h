/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stream is one program: its manifest, its spool, and the sinks that read it. */
#ifndef EBPF_AGENT_SINKD_STREAM_H
#define EBPF_AGENT_SINKD_STREAM_H

#include <sys/stat.h>

#include "sinkd.h"

#define STREAM_SLICE_BYTES (4u << 20)	/* then the other streams have their turn */
#define STREAM_BATCH_BYTES (1u << 20)
/* A worker makes its spool a moment after the manifest is there, and nobody can ring before it. */
#define STREAM_POLL_NS     (20 * NSEC_PER_MSEC)
#define STREAM_YOUNG_NS    (10 * NSEC_PER_SEC)

/* Tells a file from its replacement. */
struct file_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
};

/* What the manifest calls a route's events. */
struct stream_route {
	char channel[AGENT_NAME_MAX + 1], event[AGENT_NAME_MAX + 1];
	bool keyed;			/* by a field: a key of 0 is one */
};

struct stream {
	struct stream *next;
	struct sinkd *sinkd;
	char program[AGENT_NAME_MAX + 1];
	struct file_stamp manifest;	/* zeroed: not read yet */
	bool unread;			/* it could not be read: tried again every second */
	uint64_t routes;		/* bit n: the manifest has route n */
	struct stream_route *names;	/* n_names of them */
	size_t n_names;
	unsigned names_version;		/* changes whenever they do */

	struct spool_reader reader;
	bool open;
	struct spool_commit commit;	/* as last read */

	struct sink *sinks[SPOOL_MAX_CURSORS];
	size_t n_sinks;

	uint64_t born_ns;
	bool busy;			/* in the queue of sinkd's idle handle */
	bool seen;			/* by the scan of the manifests */
	bool bad;			/* the spool is damaged: not touched before the next look */
	bool volatile torn;		/* some of its mapping is not the file any more: sigbus.c */
	bool said_bad, said_drained, said_missing, said_damage;
};

struct stream *stream_new(struct sinkd *sk, const char *program);
/* Closes everything; the spool and its cursors stay. */
void stream_free(struct stream *st);
/* Has its manifest or its spool changed? @second: one went by since the last time that this was true. */
void stream_look(struct stream *st, bool second);
/* Reads the manifest again, whatever its stamp says: sinkd's configuration changed. */
int stream_configure(struct stream *st);
/* At most about STREAM_SLICE_BYTES of work. True: there is more. */
bool stream_slice(struct stream *st);

/* After the sinks changed: opens cursors, and drops those of sinks that are gone. */
void stream_open_cursors(struct stream *st);
/* It is damaged: says so. */
void stream_set_bad(struct stream *st, const char *fmt, ...) printf_like(2, 3);

/* If the record with the id @id lies at or behind the cursor of @s: moves the cursor behind it, those before counted as
 * delivered. -ENOENT: it does not; -EBADMSG. */
int stream_skip_to_id(struct stream *st, struct sink *s, const struct spool_rec *id);

/* ---- stream_damage.c ---- */

/* How many records of each route can be read from @pos on. True: there are places between them that cannot. */
bool stream_count_sound(const struct stream *st, uint64_t pos, uint64_t head, uint64_t ret[SPOOL_MAX_ROUTES]);
/* Records of the routes of @s, published in @c, that @at has not counted in any way. */
uint64_t stream_outstanding(const struct sink *s, const struct spool_commit *c, const struct spool_cursor *at);
/* There is no record at @at->pos that can be read: moves it on to the next one, or the head. Returns how many records
 * for @s are lost between here and the head, all of which are to be counted now. */
uint64_t stream_skip_damage(struct stream *st, const struct sink *s, const struct spool_commit *c,
			    struct spool_cursor *at);
/* The same for @s, counted, by the commit that was last read. */
void stream_count_damage(struct stream *st, struct sink *s);
/* All sinks that stand at @from, where nothing can be read. Returns how many bytes were looked at. */
uint64_t stream_pass_damage(struct stream *st, uint64_t from);
/* The spool that it was in is closed. */
void stream_forget_damage(struct stream *st);

/* ---- ledger.c ---- */

struct sink_ledger {
	uint64_t routed, pending;
};
/* Of each sink, by counting what lies in the spool: not by what the sinks believe, unless some of it cannot be read
 * any more. 0, -ENODATA, -EBADMSG. */
int stream_ledger(struct stream *st, struct sink_ledger ret[SPOOL_MAX_CURSORS]);
/* If the routes of @s are not those of its cursor, which may be a new one: counts what of the new ones has passed it,
 * so that the ledger does not miss these, and publishes that. */
int stream_count_before(struct stream *st, struct sink *s);

#endif
