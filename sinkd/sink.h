/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sink takes records out of one spool, in order, and keeps its place in a cursor of its own. The kinds of sinks are
 * rows of one table: a new kind is a file sink_<kind>.c and a line in sink.c. */
#ifndef EBPF_AGENT_SINKD_SINK_H
#define EBPF_AGENT_SINKD_SINK_H

#include "../common/base.h"
#include "../common/spool.h"
#include "../common/yaml.h"

#define SINK_BATCH 1024		/* records handed to deliver() at once: the most that a kill can repeat */
#define SINK_NAME_MAX sizeof(((struct spool_cursor_row *)0)->name)

#define SINK_RETRY_MIN_NS (100 * NSEC_PER_MSEC)
#define SINK_RETRY_MAX_NS (5 * NSEC_PER_SEC)
#define SINK_CALM_NS      (5 * NSEC_PER_SEC)	/* without a record given up: it takes them again */

struct sinkd;
struct stream;
struct sink;
struct window;
struct window_entry;

struct sink_rec {
	struct spool_rec rec;
	const char *line;		/* rec.line_len bytes, in the spool; no line feed */
};

/* What became of a batch. The first @done records are done with: acked or dropped. */
struct sink_result {
	size_t done;
	uint64_t acked, bytes;
	uint64_t dropped[SINK_N_DROPS];
};

struct sink_type {
	const char *name;		/* as in `storage:`, and of the cursor */
	const char *missing;		/* NULL: built. Otherwise what an error calls it */
	size_t size;			/* of its struct, which begins with struct sink */
	size_t options_size;	/* of a flat struct that memcmp() can compare; 0: no options, not for `storage:` */

	/* Reads a route's entry (@n may be NULL) into zeroed @ret, and the name of the cursor: routes that name the
	 * same cursor share a sink. What is wrong with it is kept there, for open() to say. 0; -ENOMEM: not now. */
	int (*options)(struct sinkd *sk, const char *program, const struct yaml_node *n, void *ret,
		       char ret_cursor[SINK_NAME_MAX]);
	/* Spool and cursor are there; s->at may be moved on. 0, or sink_fail(). */
	int (*open)(struct sink *s);
	/* Fills zeroed @res also when it fails. 0: all @n are done. -EAGAIN: sinkd_wake_waiting() will be called;
	 * -ESTALE: open me again; others, by sink_fail(): the sink is closed, and opened again after a while. */
	int (*deliver)(struct sink *s, const struct sink_rec *const *recs, size_t n, struct sink_result *res);
	/* Instead of deliver(), for a sink whose receiver answers later (window.h): hands one record over. open() has
	 * made s->window. 0: window_report(@e) will be called; -EAGAIN: as above, nothing was taken; -EMSGSIZE: refused
	 * for good; others as above. */
	int (*send)(struct sink *s, const struct sink_rec *rec, struct window_entry *e);
	bool (*expires)(const struct sink *s);	/* with send(): gives records up before it holds others back */
	void (*idle)(struct sink *s);	/* open, and a second went by. May be NULL */
	void (*close)(struct sink *s);	/* also after an open() that failed half way */
	void (*forget)(struct sink *s);	/* it goes for good: takes back what it said by itself. May be NULL */
};

struct sink {
	const struct sink_type *type;
	struct stream *stream;
	void *options;
	uint64_t routes;		/* bit n: takes records of route n */
	int cursor;			/* index in the spool, -1: no spool yet */
	struct spool_cursor at;		/* as last published */
	uint64_t next;			/* with send(): what is read next; between at.pos and it all is under way */
	struct window *window;		/* with send(), while it is open */
	bool open;
	bool waiting;			/* said -EAGAIN */
	bool failed;			/* degraded: @error says why */
	uint64_t gave_up_ns;		/* when it last gave up records, and said so; 0: it takes them again */
	bool took_since;		/* a whole batch, since then */
	uint64_t retry_at_ns, delay_ns;
	char name[SINK_NAME_MAX];	/* of the cursor */
	char error[512];
};

extern const struct sink_type sink_live, sink_file, sink_console, sink_kafka;
/* NULL: nobody has heard of it. */
const struct sink_type *sink_type_find(const char *name);

struct sink *sink_new(struct stream *st, const struct sink_type *type, const char *cursor, const void *options);
/* Closes it first. Accepts NULL. The cursor stays. */
void sink_free(struct sink *s);

/* Opens it if it is due. */
void sink_open(struct sink *s, uint64_t now_ns);
void sink_close(struct sink *s);
/* Hands over those of the @n records that are meant for it, and publishes how far it came. */
void sink_feed(struct sink *s, const struct sink_rec *recs, size_t n);
void sink_publish(struct sink *s);
/* sink_async.c: the same for a sink with send(). */
void sink_feed_async(struct sink *s, const struct sink_rec *recs, size_t n);
/* Reports came in: moves the cursor and publishes it. */
void sink_settle(struct sink *s);
/* Gives up what lies before @to, counted: no more room for it. */
void sink_expire(struct sink *s, uint64_t to);
/* Where it reads on. */
static inline uint64_t sink_next(const struct sink *s)
{
	return s->type->send && s->open ? s->next : s->at.pos;
}
static inline bool sink_takes(const struct sink *s, unsigned route)
{
	return route < 64 && (s->routes >> route & 1);
}
/* It failed (sink_fail()): says so, closes it, and has it opened again after a while. */
void sink_back_off(struct sink *s);
/* It has trouble (sink_fail()), but goes on by itself: only says so. */
void sink_degraded(struct sink *s);
/* It has given up nothing lately, and has shown that it takes records. */
bool sink_calm(const struct sink *s);
/* It works again: takes back what was said by sink_fail(). */
void sink_recovered(struct sink *s);

/* Remembers why, for `state`, Degraded and the log; returns @err, which is negative. */
int sink_fail(struct sink *s, int err, const char *fmt, ...) printf_like(3, 4);

#endif
