/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection to a cluster: how it is made, shared and ended. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "kafka.h"

#define STATISTICS_MS    "1000"	/* the only way to hear that an idle connection works again */
#define STOP_PATIENCE_MS 3000

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

void kafka_producer_unuse(struct kafka_producer *p)
{
	if (--p->users == 0)
		producer_destroy(p);
}

static int producer_connect(struct kafka_producer *p, struct sink *s)
{
	static const uint64_t one = 1;
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
	uv_poll_start(&p->poll, UV_READABLE, kafka_on_readable);
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
		kafka_producer_sweep(p);
	kafka_producer_unuse(p);
}
