/* SPDX-License-Identifier: GPL-2.0-or-later */
/* librdkafka in the loop: its threads say by an eventfd that something came in, and all of it is served here. */
#include <errno.h>
#include <string.h>

#include "kafka.h"

#define SERVE_MESSAGES 20000u		/* then the loop has its turn */

static void say_trouble(struct kafka_producer *p, const char *text)
{
	snprintf(p->trouble, sizeof(p->trouble), "%s", text ?: "");
	for (struct window *w = p->windows; w; w = w->next)
		if (w->sink)
			kafka_trouble(w->sink, text);
}

static void serve_reports(struct kafka_producer *p, rd_kafka_event_t *ev, unsigned *budget)
{
	const rd_kafka_message_t *m;
	bool delivered = false;

	while ((m = p->lib->event_message_next(ev))) {
		struct window_entry *e = m->_private;

		kafka_answer(e, p->lib, m, p->lib->message_status(m) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED);
		e->window->touched = true;
		delivered = delivered || !m->err;
		*budget -= *budget > 0;
	}
	if (delivered && p->trouble[0])
		say_trouble(p, NULL);
}

static void serve_error(struct kafka_producer *p, rd_kafka_event_t *ev)
{
	rd_kafka_resp_err_t err = p->lib->event_error(ev);
	char text[KAFKA_ERROR_MAX];

	if (p->lib->event_error_is_fatal(ev) || err == RD_KAFKA_RESP_ERR__FATAL) {
		p->dead = true;
		p->lib->fatal_error(p->rk, text, sizeof(text));
		say_trouble(p, text);
		return;
	}
	/* What it is a consequence of says more. */
	if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && p->trouble[0])
		return;
	say_trouble(p, p->lib->event_error_string(ev));
}

static bool has_open_windows(const struct kafka_producer *p)
{
	for (const struct window *w = p->windows; w; w = w->next)
		if (w->open)
			return true;
	return false;
}

static bool is_idle(const struct sink *s)
{
	return s->at.pos == s->stream->commit.head;
}

/* A connection that works. With something under way, its delivery is the proof. */
static void serve_statistics(struct kafka_producer *p, rd_kafka_event_t *ev)
{
	if (p->dead || !strstr(p->lib->event_stats(ev) ?: "", "\"state\":\"UP\""))
		return;
	if (p->trouble[0] && !has_open_windows(p))
		say_trouble(p, NULL);
	if (p->trouble[0])
		return;
	/* What failed before this producer was there. */
	for (struct window *w = p->windows; w; w = w->next)
		if (w->sink && w->sink->failed && is_idle(w->sink))
			kafka_trouble(w->sink, NULL);
}

static void serve_log(struct kafka_producer *p, rd_kafka_event_t *ev)
{
	const char *facility, *text;
	int level;

	if (p->lib->event_log(ev, &facility, &text, &level) == 0)
		log_debug("librdkafka: %s: %s", facility, text);
}

static void serve_event(struct kafka_producer *p, rd_kafka_event_t *ev, unsigned *budget)
{
	switch (p->lib->event_type(ev)) {
	case RD_KAFKA_EVENT_DR:
		serve_reports(p, ev, budget);
		break;
	case RD_KAFKA_EVENT_ERROR:
		serve_error(p, ev);
		break;
	case RD_KAFKA_EVENT_STATS:
		serve_statistics(p, ev);
		break;
	case RD_KAFKA_EVENT_LOG:
		serve_log(p, ev);
		break;
	}
	p->lib->event_destroy(ev);
}

/* Windows of sinks that are gone, and of which all is answered for. */
void kafka_producer_sweep(struct kafka_producer *p)
{
	for (struct window **at = &p->windows; *at;) {
		struct window *w = *at;

		if (w->sink || w->open) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		window_free(w);
	}
}

/* True: there is more. */
static bool serve(struct kafka_producer *p, int timeout_ms)
{
	unsigned budget = SERVE_MESSAGES;
	rd_kafka_event_t *ev;
	struct window *w;
	bool room = false;

	p->serving++;		/* no window goes meanwhile */
	while (budget && (ev = p->lib->queue_poll(p->queue, timeout_ms))) {
		timeout_ms = 0;
		serve_event(p, ev, &budget);
	}
	for (w = p->windows; w; w = w->next)
		room = room || w->touched;
	for (w = p->windows; w; w = w->next) {
		bool now = w->touched || (room && w->starved);

		w->touched = false;
		w->starved = w->starved && !room;
		if (w->sink && now)
			kafka_answered(w->sink);
	}
	for (w = p->windows; w && p->dead && !p->sinkd->stopping; w = w->next)
		if (w->sink)
			kafka_dead(w->sink, p->trouble);
	if (--p->serving == 0)
		kafka_producer_sweep(p);
	return !budget;
}

void kafka_on_readable(uv_poll_t *poll, int status, int events)
{
	struct kafka_producer *p = poll->data;
	uint64_t n;

	(void)status, (void)events;
	if (read(p->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_warning("Kafka: %m");
	p->users++;		/* sinks may let go of it */
	if (serve(p, 0))
		kafka_producer_look(p);
	kafka_producer_unuse(p);
}

/* librdkafka writes when its queue is not empty any more, and only then. */
void kafka_producer_look(struct kafka_producer *p)
{
	static const uint64_t one = 1;

	if (write(p->fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_warning("Kafka: %m");
}

void kafka_producer_flush(struct kafka_producer *p, uint64_t ms)
{
	uint64_t now = uv_hrtime();

	if (!p->flush_until_ns)
		p->flush_until_ns = now + ms * NSEC_PER_MSEC;
	while (has_open_windows(p) && !p->dead && now < p->flush_until_ns) {
		serve(p, (int)((p->flush_until_ns - now) / NSEC_PER_MSEC) + 1);
		now = uv_hrtime();
	}
}
