/* SPDX-License-Identifier: GPL-2.0-or-later */
/* librdkafka in the loop: its threads say by an eventfd that something came in, and all of it is served here. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "kafka.h"

#define SERVE_MESSAGES   20000u	/* then the loop has its turn */
#define STATISTICS_MS    "1000"	/* the only way to hear that an idle connection works again */
#define STOP_PATIENCE_MS 3000

static const uint64_t one = 1;		/* what is written to an eventfd */

/* ---- settings ---- */

static int set_one(const struct rdkafka *lib, rd_kafka_conf_t *c, const char *name, const char *value, struct sink *s)
{
	char error[256] = "";

	if (lib->conf_set(c, name, value, error, sizeof(error)) == RD_KAFKA_CONF_OK)
		return 0;
	return sink_fail(s, -EINVAL, "Kafka: %s", error);
}

static int set_all(const struct rdkafka *lib, rd_kafka_conf_t *c, const char *settings, struct sink *s)
{
	cleanup(freep) char *copy = strdup(settings);
	char *save = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *row = r ? NULL : strtok_r(copy, KAFKA_SEPARATOR, &save); row && r == 0;
	     row = strtok_r(NULL, KAFKA_SEPARATOR, &save)) {
		char *value = strchr(row, '=');

		*value++ = '\0';
		r = set_one(lib, c, row, value, s);
	}
	if (r == 0)
		r = set_one(lib, c, "statistics.interval.ms", STATISTICS_MS, s);
	if (r == 0)
		r = set_one(lib, c, "log.queue", "true", s);
	return r;
}

/* ---- what comes in ---- */

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

/* With something under way, its delivery is the proof. */
static void serve_statistics(struct kafka_producer *p, rd_kafka_event_t *ev)
{
	if (p->trouble[0] && !p->dead && !has_open_windows(p) &&
	    strstr(p->lib->event_stats(ev) ?: "", "\"state\":\"UP\""))
		say_trouble(p, NULL);
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
static void sweep(struct kafka_producer *p)
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

static struct window *next_touched(struct kafka_producer *p)
{
	for (struct window *w = p->windows; w; w = w->next)
		if (w->sink && w->touched)
			return w;
	return NULL;
}

static struct window *first_used(struct kafka_producer *p)
{
	for (struct window *w = p->windows; w; w = w->next)
		if (w->sink)
			return w;
	return NULL;
}

static void producer_unuse(struct kafka_producer *p);

/* True: there is more. */
static bool serve(struct kafka_producer *p, int timeout_ms)
{
	unsigned budget = SERVE_MESSAGES;
	rd_kafka_event_t *ev;
	struct window *w;
	bool room = false;

	p->users++;		/* sinks may let go of it meanwhile */
	p->serving++;
	while (budget && (ev = p->lib->queue_poll(p->queue, timeout_ms))) {
		timeout_ms = 0;
		serve_event(p, ev, &budget);
	}
	for (w = p->windows; w; w = w->next)
		room = room || w->touched;
	for (w = p->windows; w; w = w->next) {
		w->touched = w->touched || (room && w->starved);
		w->starved = w->starved && !room;
	}
	while ((w = next_touched(p))) {
		w->touched = false;
		kafka_answered(w->sink);
	}
	while (p->dead && !p->sinkd->stopping && (w = first_used(p)))
		kafka_dead(w->sink, p->trouble);
	if (--p->serving == 0)
		sweep(p);
	producer_unuse(p);
	return !budget;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct kafka_producer *p = poll->data;
	uint64_t n;

	(void)status, (void)events;
	if (read(p->fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_warning("Kafka: %m");
	p->users++;
	if (serve(p, 0))
		kafka_producer_look(p);
	producer_unuse(p);
}

/* librdkafka writes when its queue is not empty any more, and only then. */
void kafka_producer_look(struct kafka_producer *p)
{
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

/* ---- life ---- */

static void producer_free(struct kafka_producer *p)
{
	for (struct window *w = p->windows, *next; w; w = next) {
		next = w->next;
		window_free(w);
	}
	close(p->fd);
	uv_mutex_destroy(&p->lock);
	free(p);
}

static void on_closed(uv_handle_t *h)
{
	struct kafka_producer *p = h->data;
	struct sinkd *sk = p->sinkd;

	if (--p->handles)
		return;
	if (!p->left_alone)	/* else its thread still has it: until the process ends, which is now */
		producer_free(p);
	sinkd_handle_closed(sk);
}

static void close_handles(struct kafka_producer *p)
{
	uv_close((uv_handle_t *)&p->destroyed, on_closed);
	uv_close((uv_handle_t *)&p->patience, on_closed);
}

/* It waits for librdkafka's threads, and those for name servers. */
static void destroyer(void *arg)
{
	struct kafka_producer *p = arg;

	p->lib->queue_destroy(p->queue);
	p->lib->destroy(p->rk);
	uv_mutex_lock(&p->lock);
	if (!p->left_alone)
		uv_async_send(&p->destroyed);
	uv_mutex_unlock(&p->lock);
}

static void on_destroyed(uv_async_t *a)
{
	struct kafka_producer *p = a->data;

	if (p->left_alone)
		return;
	uv_thread_join(&p->destroyer);
	close_handles(p);
}

static void on_patience(uv_timer_t *t)
{
	struct kafka_producer *p = t->data;

	if (!p->sinkd->stopping)
		return;
	uv_mutex_lock(&p->lock);
	p->left_alone = true;
	uv_mutex_unlock(&p->lock);
	log_warning("Kafka: its library does not end within %d s: left alone", STOP_PATIENCE_MS / 1000);
	close_handles(p);
}

static void producer_destroy(struct kafka_producer *p)
{
	struct kafka_producer **at = &p->sinkd->producers;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	uv_close((uv_handle_t *)&p->poll, on_closed);
	/* Again and again: the daemon may stop later than its producer. */
	uv_timer_start(&p->patience, on_patience, STOP_PATIENCE_MS, STOP_PATIENCE_MS);
	if (uv_thread_create(&p->destroyer, destroyer, p) < 0) {
		p->lib->queue_destroy(p->queue);
		p->lib->destroy(p->rk);
		close_handles(p);
	}
}

static void producer_unuse(struct kafka_producer *p)
{
	if (--p->users == 0)
		producer_destroy(p);
}

static int producer_connect(struct kafka_producer *p, struct sink *s)
{
	const struct rdkafka *lib = p->lib;
	rd_kafka_conf_t *c = lib->conf_new();
	char error[256] = "";
	int r = set_all(lib, c, p->settings, s);

	if (r < 0) {
		lib->conf_destroy(c);
		return r;
	}
	lib->conf_set_events(c, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS | RD_KAFKA_EVENT_LOG);
	p->rk = lib->new(RD_KAFKA_PRODUCER, c, error, sizeof(error));
	if (!p->rk) {
		lib->conf_destroy(c);
		return sink_fail(s, -EINVAL, "Kafka: %s", error);
	}
	lib->set_log_queue(p->rk, NULL);
	p->queue = lib->queue_get_main(p->rk);
	lib->queue_io_event_enable(p->queue, p->fd, &one, sizeof(one));
	kafka_producer_look(p);		/* its threads are faster: what is in the queue by now wakes nobody */
	return 0;
}

static void start_handles(struct kafka_producer *p)
{
	uv_loop_t *loop = svc_loop(p->sinkd->svc);

	uv_poll_init(loop, &p->poll, p->fd);
	uv_async_init(loop, &p->destroyed, on_destroyed);
	uv_timer_init(loop, &p->patience);
	p->poll.data = p->destroyed.data = p->patience.data = p;
	p->handles = 3;
	p->sinkd->handles++;
	uv_poll_start(&p->poll, UV_READABLE, on_readable);
}

static struct kafka_producer *producer_new(struct sink *s, const char *settings)
{
	struct sinkd *sk = s->stream->sinkd;
	const char *why;
	const struct rdkafka *lib = rdkafka_load(&why);
	struct kafka_producer *p = lib ? calloc(1, sizeof(*p)) : NULL;

	if (!p) {
		sink_fail(s, -ENOENT, "%s", lib ? strerror(ENOMEM) : why);
		return NULL;
	}
	p->sinkd = sk;
	p->lib = lib;
	snprintf(p->settings, sizeof(p->settings), "%s", settings);
	uv_mutex_init(&p->lock);
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->fd < 0 || producer_connect(p, s) < 0) {
		if (p->fd < 0)
			sink_fail(s, -errno, "Kafka: %m");
		closep(&p->fd);
		uv_mutex_destroy(&p->lock);
		free(p);
		return NULL;
	}
	start_handles(p);
	p->next = sk->producers;
	sk->producers = p;
	return p;
}

struct kafka_producer *kafka_producer_get(struct sink *s, const char *settings)
{
	struct kafka_producer *p = s->stream->sinkd->producers;

	while (p && (p->dead || strcmp(p->settings, settings)))
		p = p->next;
	if (!p)
		p = producer_new(s, settings);
	if (p)
		p->users++;
	return p;
}

void kafka_producer_put(struct kafka_producer *p, struct sink *s)
{
	if (s->window)
		s->window->sink = NULL;
	s->window = NULL;
	if (!p->serving)
		sweep(p);
	producer_unuse(p);
}
