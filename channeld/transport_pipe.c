/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pipe: lines that others write into a FIFO. Its bytes lie in a staging ring (common/staging.h) until a commit accounts
 * for them; positions count the bytes that came. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "../common/log.h"
#include "../common/paths.h"
#include "../common/staging.h"
#include "line.h"
#include "transport.h"

#define LINE_MAX_RAW SPOOL_REC_MAX

struct pipe_state {
	struct staging ring;
	int fd;
	uint64_t at;			/* the next line begins here */
	bool skipping;			/* the rest of a line that is too long */
	bool finishing;			/* told to drain */
	size_t left;			/* then: how much may be read yet */
	char *clean;			/* lines of a batch without their NULs */
	size_t clean_len;
	char *text;			/* LINE_ROOM() */
};

static uint32_t source_id(const struct manifest *m, size_t channel)
{
	return SPOOL_SOURCE_PIPE | (uint32_t)((m->generation << 4 | channel) & 0x3fffffff);
}

static uint64_t ring_id(const struct manifest *m, uint32_t source)
{
	return m->generation << 32 | source;
}

static int refuse(const struct channel *c, struct diag *d, int err)
{
	return diag_fail(d, err, NULL, 0, "channel '%s': %s: %s", c->manifest->name, c->manifest->path, strerror(-err));
}

static int open_fifo(const struct manifest_channel *mc)
{
	cleanup(closep) int fd = open(mc->path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISFIFO(st.st_mode) || st.st_ino != mc->inode)
		return -ESTALE;		/* not the one that loaderd made or found */
	return take_fd(&fd);
}

int pipe_hold(const struct manifest_channel *c)
{
	return open_fifo(c);
}

static int open_ring(struct channel *c, struct transport_context *t, struct pipe_state *s, struct diag *d)
{
	const struct manifest *m = t->manifest;
	uint32_t id = source_id(m, c->index);
	struct source *source;
	char path[PATH_MAX];
	uint64_t next;
	int err = channel_make_sources(c, 1);

	if (err == 0)
		err = channel_add_source(c, t, 0, id, &source);
	if (err == 0)
		err = path_staging(m->program, c->manifest->name, path);
	if (err < 0)
		return err;
	next = source->row->next & ~SPOOL_SOURCE_WITHIN;
	s->skipping = source->row->next & SPOOL_SOURCE_WITHIN;
	err = staging_open(&s->ring, path, ring_id(m, id), &next);
	if (err < 0)
		return refuse(c, d, err);
	if (s->ring.is_new && next) {
		log_warning("channel '%s': %s was removed, or damaged: how many lines were in it is not known",
			    c->manifest->name, path);
		source->row->flags |= SPOOL_SOURCE_LOST_UNKNOWN;
	}
	s->at = next;
	source->row->next = next | (s->skipping ? SPOOL_SOURCE_WITHIN : 0);
	return 0;
}

static int pipe_open(struct channel *c, struct transport_context *t, struct diag *d)
{
	struct pipe_state *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	c->state = s;
	s->fd = open_fifo(c->manifest);
	if (s->fd < 0)
		return refuse(c, d, s->fd);
	s->clean = malloc(STAGING_SIZE + RECORD_OVERREAD);
	s->text = malloc(LINE_ROOM(LINE_MAX_RAW));
	if (!s->clean || !s->text)
		return -ENOMEM;
	err = open_ring(c, t, s, d);
	return err < 0 ? err : transport_watch(t, s->fd);
}

static void pipe_close(struct channel *c)
{
	struct pipe_state *s = take(c->state);

	if (!s)
		return;
	staging_close(&s->ring);
	closep(&s->fd);
	free(s->clean);
	free(s->text);
	free(s);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* Without NULs, which are no text. */
static void set_text(struct pipe_state *s, struct record *r, const char *from, size_t len)
{
	char *out = s->clean + s->clean_len;

	r->data = from;
	r->len = (uint32_t)len;
	if (!memchr(from, '\0', len))
		return;
	for (size_t i = 0; i < len; i++)
		if (from[i])
			*out++ = from[i];
	r->data = s->clean + s->clean_len;
	r->len = (uint32_t)(out - (s->clean + s->clean_len));
	s->clean_len += r->len;
}

/* The line at s->at; false: it is not finished. */
static bool next_line(struct pipe_state *s, struct record *r)
{
	const char *from = s->ring.data + staging_place(s->at);
	size_t have = (size_t)(s->ring.tail - s->at);
	const char *feed = memchr(from, '\n', MIN(have, (size_t)LINE_MAX_RAW + 1));
	size_t len = feed ? (size_t)(feed - from) : MIN(have, (size_t)LINE_MAX_RAW);
	bool last = s->finishing && s->left == 0;	/* nothing will end it any more */

	if (have == 0 || (!feed && have <= LINE_MAX_RAW && !last && !s->skipping))
		return false;
	r->pos = s->at;
	s->at += len + (feed != NULL);
	if (s->skipping)
		r->fate = RECORD_PASSED_OVER;
	else if (!feed && have > LINE_MAX_RAW)
		r->fate = RECORD_OVERSIZE;
	s->skipping = !feed && r->fate != RECORD_EVENT;
	r->end = s->at | (s->skipping ? SPOOL_SOURCE_WITHIN : 0);
	set_text(s, r, from, len);
	if (r->len == 0)
		r->fate = RECORD_PASSED_OVER;	/* an empty line says nothing */
	return true;
}

static size_t pipe_gather(struct channel *c, struct record *ret, size_t quota)
{
	struct pipe_state *s = c->state;
	size_t n = 0, got = staging_read(&s->ring, s->fd, s->finishing ? s->left : SIZE_MAX);

	if (s->finishing)
		s->left = got ? s->left - got : s->ring.tail - s->ring.next < STAGING_SIZE ? 0 : s->left;
	s->clean_len = 0;
	for (; n < quota; n++) {
		ret[n] = (struct record){ .source = c->sources, .channel = c };
		if (!next_line(s, &ret[n]))
			break;
	}
	return n;
}

static void pipe_put_back(struct channel *c, const struct record *records, size_t n)
{
	struct pipe_state *s = c->state;

	(void)n;
	s->at = records[0].pos;
	s->skipping = c->sources[0].row->next & SPOOL_SOURCE_WITHIN;
}

static void pipe_release(struct channel *c)
{
	struct pipe_state *s = c->state;

	staging_release(&s->ring, c->sources[0].row->next & ~SPOOL_SOURCE_WITHIN);
}

/* A line that is not finished does not wait for us. Told to drain, nothing is read but what was there then. */
static bool pipe_empty(struct channel *c)
{
	struct pipe_state *s = c->state;

	if (s->finishing)
		return s->left == 0 && s->at == s->ring.tail;
	return s->at == s->ring.tail || !memchr(s->ring.data + staging_place(s->at), '\n', s->ring.tail - s->at);
}

/* What was written before is in the pipe by now, and that holds no more than this. */
static void pipe_finish(struct channel *c)
{
	struct pipe_state *s = c->state;
	int size = fcntl(s->fd, F_GETPIPE_SZ);

	s->finishing = true;
	s->left = size > 0 ? (size_t)size : 1u << 20;
}

static void pipe_decode(struct channel *c, const struct record *r, struct answer *ret)
{
	struct pipe_state *s = c->state;

	ret->drop = SPOOL_N_DROPS;
	ret->text = s->text;
	ret->len = line_to_json(s->text, r->data, r->len, &ret->repaired);
}

/* What the worker has not taken yet, because it is not there or has no room. */
static bool fifo_has_bytes(const struct manifest_channel *c)
{
	cleanup(closep) int fd = open_fifo(c);
	int bytes = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* How many lines lie in the FIFO nobody can tell without taking them. */
static int pipe_count(const struct manifest *m, const struct manifest_channel *c, const struct spool_commit *commit,
		      uint64_t *ret_pending, uint64_t *ret_discarded)
{
	size_t index = (size_t)(c - (const struct manifest_channel *)m->channels.items);
	uint32_t id = source_id(m, index);
	uint64_t next = 0, lines = 0;
	char path[PATH_MAX];
	int err = path_staging(m->program, c->name, path);

	for (size_t i = 0; i < commit->n_sources; i++)
		if (commit->sources[i].id == id)
			next = commit->sources[i].next;
	if (err == 0)
		err = staging_count(path, ring_id(m, id), next & ~SPOOL_SOURCE_WITHIN, next & SPOOL_SOURCE_WITHIN,
				    &lines);
	if (err < 0 && err != -ENOENT && err != -ENODATA)
		return err;
	if (fifo_has_bytes(c))
		return -EAGAIN;
	*ret_pending = lines;
	*ret_discarded = 0;
	return 0;
}

const struct transport transport_pipe = {
	.open = pipe_open,
	.close = pipe_close,
	.gather = pipe_gather,
	.put_back = pipe_put_back,
	.release = pipe_release,
	.empty = pipe_empty,
	.finish = pipe_finish,
	.decode = pipe_decode,
	.count = pipe_count,
	.makes_wait = true,
};
