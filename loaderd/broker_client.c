/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking ebpf-broker without ever waiting for it: a file system that hangs holds up loads, not loaderd. */
#include <errno.h>
#include <string.h>

#include "../common/spawn.h"
#include "broker_client.h"

#define IN_FLIGHT_MAX 8		/* what surely fits the socket */

struct question {
	struct question *next;
	struct broker_request request;
	broker_done *done;	/* NULL: nobody wants to know any more */
	void *arg;
	unsigned tag;
	bool sent;
};

struct broker_client {
	uv_poll_t poll;
	int fd;			/* svc's */
	struct question *first;	/* sent ones come first */
	unsigned in_flight;
};

static void on_ready(uv_poll_t *p, int status, int events);

static void send_some(struct broker_client *b)
{
	for (struct question *q = b->first; q && b->in_flight < IN_FLIGHT_MAX; q = q->next) {
		if (q->sent)
			continue;
		if (fdpass_send(b->fd, &q->request, sizeof(q->request), NULL, 0))
			return;		/* full: after the next answer; gone: svc ends us */
		q->sent = true;
		b->in_flight++;
	}
}

static void answer(struct broker_client *b, const struct broker_answer *a, int fd)
{
	struct question *q = b->first;

	if (!q || !q->sent) {
		closep(&fd);
		return;
	}
	b->first = q->next;
	b->in_flight--;
	if (q->done)
		q->done(q->arg, q->tag, a->err, a->text, fd);
	else
		closep(&fd);
	free(q);
}

static void on_ready(uv_poll_t *p, int status, int events)
{
	struct broker_client *b = p->data;

	(void)status, (void)events;
	for (;;) {
		struct broker_answer a;
		size_t n_fds = 1;
		int fd = -1;
		ssize_t n = fdpass_receive(b->fd, &a, sizeof(a), &fd, &n_fds);

		if (n == -EAGAIN)
			break;
		if (n != sizeof(a)) {
			uv_poll_stop(p);	/* svc watches the helper itself, and ends us with it */
			return;
		}
		a.text[sizeof(a.text) - 1] = '\0';
		answer(b, &a, n_fds ? fd : -1);
	}
	send_some(b);
}

int broker_client_new(uv_loop_t *loop, int fd, struct broker_client **ret)
{
	struct broker_client *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->fd = fd;
	b->poll.data = b;
	err = uv_poll_init(loop, &b->poll, fd);
	if (err) {
		free(b);
		return err;
	}
	uv_poll_start(&b->poll, UV_READABLE, on_ready);
	*ret = b;
	return 0;
}

static void on_closed(uv_handle_t *h)
{
	struct broker_client *b = h->data;

	while (b->first) {
		struct question *q = b->first;

		b->first = q->next;
		free(q);
	}
	free(b);
}

void broker_client_free(struct broker_client *b)
{
	if (b)
		uv_close((uv_handle_t *)&b->poll, on_closed);
}

int broker_ask(struct broker_client *b, unsigned type, const char *text, broker_done *done, void *arg, unsigned tag)
{
	struct question *q, **last = &b->first;

	if (strlen(text) >= sizeof(q->request.text))
		return -ENAMETOOLONG;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->request.type = type;
	strcpy(q->request.text, text);
	q->done = done;
	q->arg = arg;
	q->tag = tag;
	while (*last)
		last = &(*last)->next;
	*last = q;
	send_some(b);
	return 0;
}

void broker_forget(struct broker_client *b, void *arg)
{
	for (struct question *q = b->first; q; q = q->next)
		if (q->arg == arg)
			q->done = NULL;
}
