/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "perf_buffers.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "../common/buffers_link.h"
#include "../common/program.h"
#include "perf.h"

/* The one supervisor's. */
static struct {
	struct buffers_link *link;
	struct buffers *sets;
} kept;

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

static struct buffers **place_of(const char *program)
{
	struct buffers **at = &kept.sets;

	while (*at && strcmp((*at)->program, program))
		at = &(*at)->next;
	return at;
}

static void drop(struct buffers **at)
{
	struct buffers *b = *at;

	*at = b->next;
	buffers_free(b);
}

static const struct buffers *buffers_of(const struct manifest *m)
{
	const struct buffers *b = *place_of(m->program);

	return b && b->generation == m->generation ? b : NULL;
}

static bool is_same(const struct buffers *a, const struct buffers *b)
{
	if (a->generation != b->generation || a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->rows[i].id != b->rows[i].id || a->rows[i].channel != b->rows[i].channel)
			return false;
	return true;
}

static void on_received(void *arg, struct buffers *b)
{
	struct channeld *c = arg;
	struct buffers **at = place_of(b->program);
	struct supervised *child = channeld_find(c, b->program);

	if (*at && is_same(*at, b)) {
		buffers_free(b);
		return;
	}
	if (*at)
		drop(at);
	b->next = kept.sets;
	kept.sets = b;
	/* A worker waits for them, or drains other ones, which nobody writes to any more. */
	if (child && child->manifest && child->manifest->generation == b->generation)
		supervised_hurry(child);
	channeld_look(c);
}

void perf_buffers_sweep(struct channeld *c)
{
	for (struct buffers **at = &kept.sets; *at;) {
		if (channeld_find(c, (*at)->program))
			at = &(*at)->next;
		else
			drop(at);
	}
}

/* ---- loaderd ----------------------------------------------------------------------------------------------------- */

static void on_offered(void *arg, struct buffers_link *l)
{
	(void)arg, (void)l;
}

static void on_closed(void *arg, struct buffers_link *l)
{
	(void)arg, (void)l;
	kept.link = NULL;		/* tried again with every look */
}

void perf_buffers_look(struct channeld *c)
{
	static const struct buffers_link_ops ops = {
		.received = on_received, .offered = on_offered, .closed = on_closed,
	};
	int fd = kept.link ? -EISCONN : buffers_connect();

	if (fd < 0)
		return;			/* loaderd is not there yet, or just gone */
	if (buffers_link_new(svc_loop(c->svc), fd, PROT_READ | PROT_WRITE, &ops, c, &kept.link) < 0)
		return;
	for (const struct buffers *b = kept.sets; b && kept.link; b = b->next)
		buffers_link_send(kept.link, b);
	if (kept.link)
		buffers_link_send_offered(kept.link);
}

void perf_buffers_stop(struct channeld *c)
{
	(void)c;
	buffers_link_close(take(kept.link));
	while (kept.sets)
		drop(&kept.sets);
}

/* ---- workers ----------------------------------------------------------------------------------------------------- */

/* 0: none is missing, 1: none is needed. */
static int look_for_all(const struct manifest *m)
{
	const struct manifest_channel *c = m->channels.items;
	const struct buffers *b = buffers_of(m);
	int result = 1;

	for (size_t i = 0; i < m->channels.n; i++) {
		if (c[i].type != CHANNEL_PERF_BUFFER)
			continue;
		if (!b || !buffers_has(b, (uint16_t)i))
			return -EAGAIN;
		result = 0;
	}
	return result;
}

int perf_buffers_for_worker(const struct manifest *m, int *ret_fd)
{
	cleanup(closep) int ours = -1;
	int pair[2], err = look_for_all(m);

	if (err < 0)
		return err;
	*ret_fd = -1;
	if (err > 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	(void)setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){ .tv_usec = 1 }, sizeof(struct timeval));
	err = buffers_send(ours, buffers_of(m));
	if (err < 0)
		close(pair[1]);
	else
		*ret_fd = pair[1];
	return err;
}

/* ---- the ledger -------------------------------------------------------------------------------------------------- */

static const struct spool_source *row_of(const struct spool_commit *commit, const struct buffer *b)
{
	for (size_t i = 0; i < commit->n_sources; i++)
		if (commit->sources[i].id == perf_source_id(b->id))
			return &commit->sources[i];
	return NULL;
}

static bool belongs(const struct buffer *b, const struct manifest *m, const struct manifest_channel *c)
{
	return b->page && &((const struct manifest_channel *)m->channels.items)[b->channel] == c;
}

int perf_buffers_count(const struct manifest *m, const struct manifest_channel *c, const struct spool_commit *commit,
		       uint64_t *ret_pending, uint64_t *ret_discarded)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct buffers *b = buffers_of(m);
	uint64_t sum = 0;

	for (size_t i = 0; b && i < b->n; i++) {
		const struct buffer *one = &b->rows[i];
		const struct spool_source *row = row_of(commit, one);
		uint64_t n;

		if (!belongs(one, m, c))
			continue;
		if (perf_count(one->page, (const char *)one->page + page, one->pages * (uint64_t)page,
			       row ? row->next : 0, &n) < 0)
			return -EAGAIN;
		sum += n;
	}
	if (!b)
		return -ENOENT;
	*ret_pending = sum;
	*ret_discarded = 0;
	return 0;
}

uint64_t perf_buffers_lost(const struct manifest *m, const struct manifest_channel *c,
			   const struct spool_commit *commit)
{
	const struct buffers *b = buffers_of(m);
	uint64_t sum = 0;

	for (size_t i = 0; b && i < b->n; i++) {
		const struct spool_source *row = row_of(commit, &b->rows[i]);
		uint64_t lost, seen = row ? row->lost_seen : 0;

		if (belongs(&b->rows[i], m, c) && buffer_read(b->rows[i].fd, NULL, &lost, NULL) == 0 && lost > seen)
			sum += lost - seen;
	}
	return sum;
}
