/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "../common/paths.h"
#include "stream.h"

static void spool_key(const struct stream *st, char ret[128])
{
	snprintf(ret, 128, "spool:%s", st->program);
}

void stream_set_bad(struct stream *st, const char *fmt, ...)
{
	char key[128], text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	spool_key(st, key);
	svc_degraded(st->sinkd->svc, key, "%s: %s", st->program, text);
	st->bad = st->said_bad = true;
}

static void stream_set_good(struct stream *st)
{
	char key[128];

	st->bad = false;
	if (!st->said_bad)
		return;
	spool_key(st, key);
	svc_degraded(st->sinkd->svc, key, NULL);
	st->said_bad = false;
}

static void stream_close_spool(struct stream *st)
{
	if (!st->open)
		return;
	for (size_t i = 0; i < st->n_sinks; i++) {
		sink_close(st->sinks[i]);
		st->sinks[i]->cursor = -1;
		memset(&st->sinks[i]->at, 0, sizeof(st->sinks[i]->at));
	}
	st->open = st->torn = false;
	spool_reader_close(&st->reader);
	memset(&st->commit, 0, sizeof(st->commit));
	st->said_drained = false;
	stream_forget_damage(st);
}

struct stream *stream_new(struct sinkd *sk, const char *program)
{
	struct stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->sinkd = sk;
	st->born_ns = uv_hrtime();
	snprintf(st->program, sizeof(st->program), "%s", program);
	return st;
}

/* What was said of it concerns nobody any more. */
static void stream_forget(struct stream *st)
{
	char key[128];

	stream_set_good(st);
	snprintf(key, sizeof(key), "manifest:%s", st->program);
	svc_degraded(st->sinkd->svc, key, NULL);
	snprintf(key, sizeof(key), "storage:%s", st->program);
	svc_degraded(st->sinkd->svc, key, NULL);
}

void stream_free(struct stream *st)
{
	if (!st)
		return;
	stream_close_spool(st);
	for (size_t i = 0; i < st->n_sinks; i++)
		sink_free(st->sinks[i]);
	if (!st->sinkd->stopping)	/* at the end nothing has come right */
		stream_forget(st);
	free(st->names);
	free(st);
}

static void stream_open_spool(struct stream *st, const char *path)
{
	int r = spool_reader_open(&st->reader, path, false);

	if (r == -ENOENT) {		/* its worker has not come that far */
		stream_set_good(st);
		if (uv_hrtime() - st->born_ns < STREAM_YOUNG_NS)
			sinkd_retry_at(st->sinkd, uv_hrtime() + STREAM_POLL_NS);
		return;
	}
	if (r < 0) {
		stream_set_bad(st, "its spool cannot be read: %s",
			       r == -EBADMSG ? "damaged, or of another boot or version" : strerror(-r));
		return;
	}
	st->open = true;
	stream_open_cursors(st);
}

static bool is_another(const struct stat *file, const struct file_stamp *known)
{
	return file->st_dev != known->dev || file->st_ino != known->ino || file->st_size != known->size ||
	       file->st_mtim.tv_sec != known->mtime.tv_sec || file->st_mtim.tv_nsec != known->mtime.tv_nsec;
}

/* Their truth is here. */
static void heal_cursors(struct stream *st)
{
	for (size_t i = 0; i < st->n_sinks; i++) {
		const struct sink *s = st->sinks[i];

		if (s->cursor >= 0 && spool_cursor_heal(&st->reader, s->cursor, s->name, &s->at))
			log_error("%s: the cursor of %s was damaged in memory, and is whole again", st->program,
				  s->name);
	}
}

void stream_look(struct stream *st, bool second)
{
	char path[PATH_MAX];
	struct stat file;

	if (path_manifest(st->program, path) == 0 && stat(path, &file) == 0 &&
	    ((second && st->unread) || is_another(&file, &st->manifest))) {
		st->manifest = (struct file_stamp){ file.st_dev, file.st_ino, file.st_size, file.st_mtim };
		st->unread = stream_configure(st) < 0;
	}
	if (path_spool(st->program, path) < 0)
		return;
	if (st->open && (st->torn || !spool_reader_current(&st->reader, path)))
		stream_close_spool(st);
	if (!st->open)
		stream_open_spool(st, path);
	if (!st->open)
		return;
	st->bad = false;
	if (second) {
		st->said_drained = false;
		heal_cursors(st);
		stream_open_cursors(st);
		for (size_t i = 0; i < st->n_sinks; i++)
			if (st->sinks[i]->open && st->sinks[i]->type->idle)
				st->sinks[i]->type->idle(st->sinks[i]);
	}
	sinkd_wake(st->sinkd, st);
}

/* 0, -EBADMSG (said), -EAGAIN. No commit yet is an empty spool. */
static int stream_refresh(struct stream *st)
{
	int r = spool_read_commit(&st->reader, &st->commit);

	if (r < 0 && r != -EAGAIN && r != -ENODATA)
		stream_set_bad(st, "its spool is damaged: no commit block is whole");
	return r == -ENODATA ? 0 : r;
}

static void open_sinks(struct stream *st)
{
	uint64_t now = uv_hrtime();

	for (size_t i = 0; i < st->n_sinks; i++)
		sink_open(st->sinks[i], now);
}

/* Nobody reads along: all of it is done with, and need not be read. */
static void live_skip(struct stream *st)
{
	for (size_t i = 0; i < st->n_sinks; i++) {
		struct sink *s = st->sinks[i];

		if (s->type != &sink_live || !s->open || s->at.pos >= st->commit.head ||
		    tail_wanted(st->sinkd, st->program))
			continue;
		s->at.acked += stream_outstanding(s, &st->commit, &s->at);
		s->at.pos = st->commit.head;
		sink_publish(s);
	}
}

static bool sink_hungry(const struct sink *s, uint64_t head)
{
	return s->open && !s->waiting && sink_next(s) < head;
}

/* From the hindmost sink that can take records up to where the next one joins in. */
static bool stream_span(const struct stream *st, uint64_t *ret_from, uint64_t *ret_to)
{
	uint64_t head = st->commit.head, from = UINT64_MAX, to = head;

	for (size_t i = 0; i < st->n_sinks; i++)
		if (sink_hungry(st->sinks[i], head))
			from = MIN(from, sink_next(st->sinks[i]));
	if (from == UINT64_MAX)
		return false;
	for (size_t i = 0; i < st->n_sinks; i++)
		if (sink_hungry(st->sinks[i], head) && sink_next(st->sinks[i]) > from)
			to = MIN(to, sink_next(st->sinks[i]));
	*ret_from = from;
	*ret_to = to;
	return true;
}

static size_t stream_read(struct stream *st, uint64_t from, uint64_t to, uint64_t *ret_bytes)
{
	struct sink_rec *batch = st->sinkd->batch;
	uint64_t bytes = 0;
	size_t n = 0;

	while (n < SINK_BATCH && from < to && bytes < STREAM_BATCH_BYTES) {
		if (spool_read(&st->reader, from, st->commit.head, &batch[n].rec, &batch[n].line) < 0)
			break;
		from += batch[n].rec.len;
		bytes += batch[n].rec.len;
		n++;
	}
	*ret_bytes = bytes;
	return n;
}

/* One batch, read once, to all sinks that stand before it. */
static uint64_t stream_pass(struct stream *st)
{
	uint64_t from, to, bytes;
	size_t n;

	if (!stream_span(st, &from, &to))
		return 0;
	n = stream_read(st, from, to, &bytes);
	if (!n)
		return stream_pass_damage(st, from);
	for (size_t i = 0; i < st->n_sinks; i++) {
		struct sink *s = st->sinks[i];

		if (sink_next(s) == from && sink_hungry(s, st->commit.head))
			sink_feed(s, st->sinkd->batch, n);
	}
	return bytes;
}

static uint64_t slowest(const struct stream *st)
{
	uint64_t pos = st->commit.head;

	for (size_t i = 0; i < st->n_sinks; i++)
		if (st->sinks[i]->cursor >= 0)
			pos = MIN(pos, st->sinks[i]->at.pos);
	return pos;
}

static void tell_drained(struct stream *st)
{
	if (!(st->commit.flags & SPOOL_COMMIT_DRAINED) || st->said_drained || slowest(st) != st->commit.head)
		return;
	wire_send(st->sinkd->to_loaderd, HINT_DRAINED, st->program);
	st->said_drained = true;
}

static bool cursors_are_sane(struct stream *st)
{
	for (size_t i = 0; i < st->n_sinks; i++)
		if (st->sinks[i]->cursor >= 0 && st->sinks[i]->at.pos > st->commit.head) {
			stream_set_bad(st, "its spool is damaged: the cursor %s is beyond its end",
				       st->sinks[i]->name);
			return false;
		}
	return true;
}

/* Nothing is left to read. The writer rings only for a reader that said it sleeps; what it added before it saw that
 * has to be looked for. True: there is more after all. */
static bool stream_sleep(struct stream *st)
{
	uint64_t head = st->commit.head;
	int r;

	for (size_t i = 0; i < st->n_sinks; i++)
		if (st->sinks[i]->cursor >= 0)
			spool_cursor_sleep(&st->reader, st->sinks[i]->cursor);
	r = stream_refresh(st);
	return r == -EAGAIN || (r == 0 && st->commit.head != head);
}

/* A sink that failed and has nothing to deliver need not wait for a record to prove that it works again, unless it
 * gives up what it is given, or hears from its receiver at any time and says so itself. */
static void recover_idle_sinks(struct stream *st)
{
	for (size_t i = 0; i < st->n_sinks; i++) {
		struct sink *s = st->sinks[i];

		if (s->open && s->failed && sink_calm(s) && !s->type->send && s->at.pos == st->commit.head)
			sink_recovered(s);
	}
}

/* A spool that is nearly full because of a sink that may lose: the older half goes, so that the others do not wait. */
static void expire(struct stream *st)
{
	uint64_t head = st->commit.head, size = st->reader.data_size;

	for (size_t i = 0; i < st->n_sinks; i++) {
		struct sink *s = st->sinks[i];

		if (s->type->expires && s->cursor >= 0 && head - s->at.pos > size / 4 * 3 && s->type->expires(s))
			sink_expire(s, head - size / 2);
	}
}

static bool all_have_cursors(const struct stream *st)
{
	for (size_t i = 0; i < st->n_sinks; i++)
		if (st->sinks[i]->cursor < 0)
			return false;
	return true;
}

bool stream_slice(struct stream *st)
{
	uint64_t done = 0, n;
	int r;

	if (!st->open || st->bad)
		return false;
	r = stream_refresh(st);
	if (r < 0)
		return r == -EAGAIN;
	if (!cursors_are_sane(st))
		return false;
	/* Whoever goes on alone frees what a sink without a cursor has not seen. */
	if (!all_have_cursors(st)) {
		stream_open_cursors(st);
		if (!all_have_cursors(st))
			return false;
	}
	open_sinks(st);
	expire(st);
	live_skip(st);
	while (done < STREAM_SLICE_BYTES && (n = stream_pass(st))) {
		done += n;
		open_sinks(st);		/* one may have asked for it */
	}
	if (done >= STREAM_SLICE_BYTES)
		return true;
	recover_idle_sinks(st);
	stream_set_good(st);
	tell_drained(st);
	return stream_sleep(st);
}

int stream_skip_to_id(struct stream *st, struct sink *s, const struct spool_rec *id)
{
	struct spool_cursor at = s->at;
	struct spool_commit commit;
	int r = spool_read_commit(&st->reader, &commit);

	if (r < 0)
		return r == -ENODATA ? -ENOENT : r;
	while (at.pos < commit.head) {
		struct spool_rec rec;
		const char *line;

		/* What was sent before @id was sent, too. */
		if (spool_read(&st->reader, at.pos, commit.head, &rec, &line) < 0) {
			at.acked += stream_skip_damage(st, s, &commit, &at);
			continue;
		}
		at.pos += rec.len;
		if (sink_takes(s, rec.route)) {
			at.acked++;
			at.bytes += rec.line_len + 1;
		} else {
			at.unrouted++;
		}
		if (rec.source_pos == id->source_pos && rec.source == id->source && rec.boot == id->boot &&
		    rec.event == id->event && rec.result == id->result) {
			s->at = at;
			sink_publish(s);
			return 0;
		}
	}
	return -ENOENT;
}
