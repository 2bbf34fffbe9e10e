/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live view: whoever reads along gets lines as they come. It never waits: a client that is too slow has lines
 * skipped, and is told how many. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "stream.h"

#define NOTICE_MAX 48			/* {"tail_skipped":N} */

struct tail {
	struct tail *next;
	struct sinkd *sinkd;
	uv_poll_t poll;
	int fd;
	int events;			/* that are polled for */
	char program[AGENT_NAME_MAX + 1];	/* "": all */
	char *buf;
	size_t off, len, cap;		/* @len bytes at @off are to be sent */
	uint64_t skipped;
	bool ending;			/* no more will come */
};

static bool tail_matches(const struct tail *t, const char *program)
{
	return !t->ending && (!t->program[0] || !strcmp(t->program, program));
}

bool tail_wanted(const struct sinkd *sk, const char *program)
{
	for (const struct tail *t = sk->tails; t; t = t->next)
		if (tail_matches(t, program))
			return true;
	return false;
}

static void on_closed(uv_handle_t *h)
{
	struct tail *t = h->data;
	struct sinkd *sk = t->sinkd;

	close(t->fd);
	free(t->buf);
	free(t);
	sinkd_handle_closed(sk);
}

static void tail_close(struct tail *t)
{
	struct sinkd *sk = t->sinkd;

	for (struct tail **p = &sk->tails; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			sk->n_tails--;
			break;
		}
	uv_close((uv_handle_t *)&t->poll, on_closed);
}

/* Room for @len more bytes at the end; false: it would be more than is kept for a client. */
static bool tail_room(struct tail *t, size_t len)
{
	size_t max = t->sinkd->conf->tail.buffer, cap = t->cap;
	char *buf;

	if (t->len + len > max)
		return false;
	if (t->off + t->len + len <= t->cap)
		return true;
	if (t->off) {
		memmove(t->buf, t->buf + t->off, t->len);
		t->off = 0;
	}
	while (cap < t->len + len)
		cap = cap ? MIN(cap * 2, max) : 4096;
	if (cap == t->cap)
		return true;
	buf = realloc(t->buf, cap);
	if (!buf)
		return false;
	t->buf = buf;
	t->cap = cap;
	return true;
}

static void tail_append(struct tail *t, const char *text, size_t len)
{
	memcpy(t->buf + t->off + t->len, text, len);
	t->len += len;
}

static void tail_notice(struct tail *t)
{
	char text[NOTICE_MAX];
	int n = snprintf(text, sizeof(text), "{\"tail_skipped\":%" PRIu64 "}\n", t->skipped);

	if (!t->skipped || !tail_room(t, n))
		return;
	tail_append(t, text, n);
	t->skipped = 0;
}

/* False: skipped. */
static bool tail_put(struct tail *t, const char *line, size_t len)
{
	if (!tail_room(t, len + 1 + (t->skipped ? NOTICE_MAX : 0))) {
		t->skipped++;
		return false;
	}
	tail_notice(t);
	tail_append(t, line, len);
	tail_append(t, "\n", 1);
	return true;
}

static void on_poll(uv_poll_t *p, int status, int events);

static void tail_poll(struct tail *t)
{
	int events = UV_READABLE | UV_DISCONNECT | (t->len ? UV_WRITABLE : 0);

	if (events == t->events)
		return;
	t->events = events;
	uv_poll_start(&t->poll, events, on_poll);
}

/* Sends what the socket takes. May close @t. */
static void tail_flush(struct tail *t)
{
	for (;;) {
		ssize_t k;

		if (!t->len)
			tail_notice(t);
		if (!t->len)
			break;
		k = send(t->fd, t->buf + t->off, t->len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EAGAIN)
			break;
		if (k < 0) {
			tail_close(t);
			return;
		}
		t->off += k;
		t->len -= k;
	}
	if (!t->len) {
		/* A burst is over: an idle client costs nothing. */
		free(take(t->buf));
		t->off = t->cap = 0;
		if (t->ending) {
			tail_close(t);
			return;
		}
	}
	tail_poll(t);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	struct tail *t = p->data;
	char sink[256];
	ssize_t k;

	if (status < 0 || (events & UV_DISCONNECT)) {
		tail_close(t);
		return;
	}
	if (events & UV_READABLE) {
		/* Nothing is expected; an end of file says that it went away. */
		k = recv(t->fd, sink, sizeof(sink), MSG_DONTWAIT);
		if (k == 0 || (k < 0 && errno != EAGAIN && errno != EINTR)) {
			tail_close(t);
			return;
		}
	}
	if (events & UV_WRITABLE)
		tail_flush(t);
}

static void flush_all(struct sinkd *sk, const char *program)
{
	for (struct tail *t = sk->tails, *next; t; t = next) {
		next = t->next;
		if (tail_matches(t, program))
			tail_flush(t);
	}
}

static int live_deliver(struct sink *s, const struct sink_rec *const *recs, size_t n, struct sink_result *res)
{
	struct sinkd *sk = s->stream->sinkd;
	const char *program = s->stream->program;

	for (size_t i = 0; i < n; i++) {
		bool all = true;

		for (struct tail *t = sk->tails; t; t = t->next)
			if (tail_matches(t, program) && !tail_put(t, recs[i]->line, recs[i]->rec.line_len))
				all = false;
		if (all) {
			res->acked++;
			res->bytes += recs[i]->rec.line_len + 1;
		} else {
			res->dropped[SINK_DROP_SKIPPED]++;
		}
	}
	res->done = n;
	flush_all(sk, program);
	return 0;
}

int tail_new(struct sinkd *sk, const char *program, int *ret_fd)
{
	cleanup(freep) struct tail *t = NULL;
	cleanup(closep) int ours = -1, theirs = -1;
	int pair[2], r;

	if (sk->n_tails >= sk->conf->tail.clients)
		return -EMFILE;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = uv_poll_init(svc_loop(sk->svc), &t->poll, ours);	/* makes it non-blocking */
	if (r < 0)
		return r;
	sk->handles++;
	snprintf(t->program, sizeof(t->program), "%s", program);
	t->sinkd = sk;
	t->poll.data = t;
	t->fd = take_fd(&ours);
	t->next = sk->tails;
	sk->tails = t;
	sk->n_tails++;
	tail_poll(take(t));
	*ret_fd = take_fd(&theirs);
	return 0;
}

void tail_end(struct sinkd *sk, const char *program)
{
	for (struct tail *t = sk->tails, *next; t; t = next) {
		next = t->next;
		if (program[0] && strcmp(t->program, program))
			continue;
		t->ending = true;
		tail_flush(t);
	}
}

void tail_close_all(struct sinkd *sk)
{
	tail_end(sk, "");
	while (sk->tails)
		tail_close(sk->tails);
}

const struct sink_type sink_live = {
	.name = "live",
	.size = sizeof(struct sink),
	.deliver = live_deliver,
};
