/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console (abi/console.h): one pipe for all programs, never waited for. Whole lines only, in writes that a pipe
 * takes whole or not at all; a longer line may be taken in part, and then nobody else writes before its rest is out. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "stream.h"

struct console_sink {
	struct sink sink;
	bool first_done;		/* the first record to come is the one whose rest went out meanwhile */
};

static void on_writable(uv_poll_t *p, int status, int events)
{
	struct sinkd *sk = p->data;

	(void)status;
	(void)events;
	uv_poll_stop(p);
	sinkd_wake_waiting(sk, &sink_console);
}

int console_init(struct sinkd *sk, int fd)
{
	struct console *c = &sk->console;
	int flags;

	c->fd = -1;
	if (fd < 0)
		return 0;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	c->rest = malloc(SPOOL_REC_MAX);
	if (!c->rest)
		return -ENOMEM;
	c->fd = fd;
	c->pollable = uv_poll_init(svc_loop(sk->svc), &c->poll, fd) == 0;
	c->poll.data = sk;
	sk->handles += c->pollable;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct sinkd *sk = h->data;

	close(sk->console.fd);
	sinkd_handle_closed(sk);
}

void console_close(struct sinkd *sk)
{
	struct console *c = &sk->console;

	free(take(c->rest));
	if (c->fd < 0)
		return;
	if (c->pollable)
		uv_close((uv_handle_t *)&c->poll, on_closed);
	else
		close(c->fd);
}

/* -EAGAIN, and whoever waits is woken once there is room. */
static int console_wait(struct console *c)
{
	if (c->pollable)
		uv_poll_start(&c->poll, UV_WRITABLE, on_writable);
	return -EAGAIN;
}

static ssize_t console_write(struct console *c, const char *buf, size_t len)
{
	ssize_t k;

	do
		k = write(c->fd, buf, len);
	while (k < 0 && errno == EINTR);
	return k < 0 ? -errno : k;
}

static int console_flush(struct console *c)
{
	while (c->rest_len) {
		ssize_t k = console_write(c, c->rest + c->rest_off, c->rest_len);

		if (k == -EAGAIN)
			return console_wait(c);
		if (k < 0)
			return k;
		c->rest_off += k;
		c->rest_len -= k;
		if (!c->rest_len && c->owner)
			container_of(take(c->owner), struct console_sink, sink)->first_done = true;
	}
	return 0;
}

/* Lines that fit one write that a pipe takes whole, or one longer line. */
static size_t console_join(char *to, const struct sink_rec *const *recs, size_t n, size_t *ret_len)
{
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		size_t line = recs[i]->rec.line_len;

		if (i && len + line + 1 > PIPE_BUF)
			break;
		memcpy(to + len, recs[i]->line, line);
		to[len + line] = '\n';
		len += line + 1;
	}
	*ret_len = len;
	return i;
}

static void console_count(const struct sink_rec *rec, struct sink_result *res)
{
	res->done++;
	res->acked++;
	res->bytes += rec->rec.line_len + 1;
}

static int console_put(struct sink *s, const struct sink_rec *const *recs, size_t n, struct sink_result *res)
{
	struct console *c = &s->stream->sinkd->console;
	char *join = s->stream->sinkd->join;
	size_t len, lines = console_join(join, recs, n, &len), whole = 0, i;
	ssize_t k = console_write(c, join, len);

	if (k == -EAGAIN)
		return console_wait(c);
	if (k < 0)
		return k;
	for (i = 0; i < lines && whole + recs[i]->rec.line_len + 1 <= (size_t)k; i++) {
		whole += recs[i]->rec.line_len + 1;
		console_count(recs[i], res);
	}
	if (whole == (size_t)k)
		return (size_t)k == len ? 0 : console_wait(c);
	/* A line counts as delivered when all of it is out: until then the rest of this one stands first. */
	c->owner = s;
	c->rest_off = 0;
	c->rest_len = recs[i]->rec.line_len + 1 - (k - whole);
	memcpy(c->rest, join + k, c->rest_len);
	return console_wait(c);
}

static int console_deliver(struct sink *s, const struct sink_rec *const *recs, size_t n, struct sink_result *res)
{
	struct console_sink *cs = container_of(s, struct console_sink, sink);
	struct console *c = &s->stream->sinkd->console;
	int r = console_flush(c);

	if (cs->first_done) {
		console_count(recs[0], res);
		cs->first_done = false;
	}
	while (r == 0 && res->done < n)
		r = console_put(s, recs + res->done, n - res->done, res);
	if (r < 0 && r != -EAGAIN)
		return sink_fail(s, r, "the console: %s", strerror(-r));
	return r;
}

static void console_sink_close(struct sink *s)
{
	struct console *c = &s->stream->sinkd->console;

	if (c->owner == s)
		c->owner = NULL;
	container_of(s, struct console_sink, sink)->first_done = false;
}

const struct sink_type sink_console = {
	.name = "console",
	.size = sizeof(struct console_sink),
	.deliver = console_deliver,
	.close = console_sink_close,
};
