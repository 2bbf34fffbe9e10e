/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records to Kafka, each as a CloudEvent in binary mode (its attributes are headers, its data is the line), the key being
 * the event's. Delivered is what a delivery report says so of. While the brokers are away, librdkafka keeps a window of
 * records and the spool the others. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "kafka.h"

#define FAILING_MAX_NS  (10 * NSEC_PER_SEC)	/* answers that are still out are not waited for any longer */
#define STUCK_NS        (2 * NSEC_PER_SEC)
#define REJECTED_FOR_NS (60 * NSEC_PER_SEC)	/* so long it stands in Degraded */
#define STOP_FLUSH_MS   1000
#define TS_OFFSET       7			/* {"ts":" */
#define TS_LEN          30			/* 2026-11-25T01:02:03.123456789Z */

struct kafka_route {
	rd_kafka_topic_t *topic;	/* NULL: not asked for yet */
	char source[4 * 64 + 32], type[2 * 64 + 32];	/* of CloudEvents */
	size_t source_len, type_len;
};

struct kafka_sink {
	struct sink sink;
	struct kafka_producer *producer;	/* NULL: closed */
	struct kafka_route *routes;
	size_t n_routes;
	unsigned names_version;
	bool delivered;			/* something was, since the last look */
	uint64_t moved_ns;		/* when something was, or nothing was under way */
	uint64_t failing_ns;		/* since then records failed; 0: none */
	/* A batch that is too large may hold records that are not: up to here each goes alone. */
	bool alone, alone_wanted;
	uint64_t alone_until;
	uint64_t rejected_ns;		/* when the last one was; 0: nothing is said */
	char rejected_why[256];
};

static struct kafka_sink *kafka_sink_of(struct sink *s)
{
	return container_of(s, struct kafka_sink, sink);
}

static const struct kafka_options *options_of(const struct kafka_sink *k)
{
	return k->sink.options;
}

static void kafka_options(struct sinkd *sk, const char *program, const struct yaml_node *n, void *ret,
			  char ret_cursor[SINK_NAME_MAX])
{
	(void)program;
	kafka_options_read(sk->conf, n, ret, ret_cursor);
}

/* A slow Kafka holds its program back, as a slow disk does; one that does not move at all must not. */
static bool kafka_expires(const struct sink *s)
{
	const struct kafka_sink *k = container_of(s, struct kafka_sink, sink);

	return options_of(k)->when_full == KAFKA_EXPIRE &&
	       (s->open ? uv_hrtime() - k->moved_ns > STUCK_NS : s->failed);
}

/* ---- routes ---- */

static void routes_drop(struct kafka_sink *k)
{
	for (size_t i = 0; i < k->n_routes; i++)
		if (k->routes[i].topic)
			k->producer->lib->topic_destroy(k->routes[i].topic);
	free(take(k->routes));
	k->n_routes = 0;
}

static void route_name(const struct stream *st, const struct stream_route *names, const char *host,
		       struct kafka_route *ret)
{
	/* A URI reference; names are of URI's own characters, a host's name is, too. */
	ret->source_len = snprintf(ret->source, sizeof(ret->source), "/%s/ebpf-agent/%s/%s", host, st->program,
				   names->channel);
	ret->type_len = snprintf(ret->type, sizeof(ret->type), "org.ebpfagent.%s.%s", st->program, names->event);
}

static int route_open(struct kafka_sink *k, unsigned i, const char *host)
{
	const struct stream *st = k->sink.stream;
	const struct kafka_names names = { host, st->program, st->names[i].channel, st->names[i].event };
	const struct rdkafka *lib = k->producer->lib;
	char topic[KAFKA_TOPIC_MAX + 1];

	if (kafka_topic_render(options_of(k)->topic, &names, topic) < 0)
		return sink_fail(&k->sink, -EINVAL, "topic: \"%.128s\" gives no name that a topic may have",
				 options_of(k)->topic);
	k->routes[i].topic = lib->topic_new(k->producer->rk, topic, NULL);
	if (!k->routes[i].topic)
		return sink_fail(&k->sink, -EIO, "topic %.200s: %s", topic, lib->err2str(lib->last_error()));
	route_name(st, &st->names[i], host, &k->routes[i]);
	return 0;
}

static int routes_open(struct kafka_sink *k)
{
	const struct stream *st = k->sink.stream;
	char host[64] = "";
	int r = 0;

	routes_drop(k);
	gethostname(host, sizeof(host) - 1);
	k->routes = calloc(st->n_names + 1, sizeof(*k->routes));
	if (!k->routes)
		return sink_fail(&k->sink, -ENOMEM, "%s", strerror(ENOMEM));
	k->n_routes = st->n_names;
	k->names_version = st->names_version;
	for (size_t i = 0; i < k->n_routes && r == 0; i++)
		if (sink_takes(&k->sink, i))
			r = route_open(k, i, host);
	return r;
}

/* ---- opening ---- */

static int kafka_open(struct sink *s)
{
	struct kafka_sink *k = kafka_sink_of(s);
	const struct kafka_options *o = options_of(k);
	cleanup(freep) char *settings = NULL;
	int r;

	if (o->error[0])
		return sink_fail(s, -EINVAL, "%s", o->error);
	if (asprintf(&settings, "%s%s", o->settings, k->alone ? "batch.num.messages=1" KAFKA_SEPARATOR : "") < 0)
		return -ENOMEM;
	k->producer = kafka_producer_get(s, settings);
	if (!k->producer)
		return -EIO;
	r = routes_open(k);
	if (r < 0)
		return r;
	s->window = window_new(s, o->window);
	if (!s->window)
		return sink_fail(s, -ENOMEM, "%s", strerror(ENOMEM));
	s->window->limit = s->failed ? 1 : o->window;	/* a first one shows whether it works again */
	s->window->next = k->producer->windows;
	k->producer->windows = s->window;
	k->failing_ns = 0;
	k->moved_ns = uv_hrtime();
	if (k->producer->trouble[0])
		kafka_trouble(s, k->producer->trouble);
	return 0;
}

static void kafka_close(struct sink *s)
{
	struct kafka_sink *k = kafka_sink_of(s);

	if (!k->producer)
		return;
	if (s->stream->sinkd->stopping && s->window)
		kafka_producer_flush(k->producer, STOP_FLUSH_MS);
	routes_drop(k);
	kafka_producer_put(take(k->producer), s);
}

/* ---- handing over ---- */

static void reject(struct kafka_sink *k, const char *why)
{
	k->rejected_ns = uv_hrtime();
	snprintf(k->rejected_why, sizeof(k->rejected_why), "%s", why);
}

/* CloudEvents' Kafka protocol binding 1.0.2, 3.2. NULL: out of memory. */
static rd_kafka_headers_t *headers_of(const struct kafka_sink *k, const struct sink_rec *r)
{
	const struct rdkafka *lib = k->producer->lib;
	const struct kafka_route *route = &k->routes[r->rec.route];
	rd_kafka_headers_t *h = lib->headers_new(6);
	char id[SPOOL_ID_MAX];
	size_t id_len = spool_id_format(&r->rec, id);

	if (!h)
		return NULL;
	lib->header_add(h, "ce_specversion", 14, "1.0", 3);
	lib->header_add(h, "ce_id", 5, id, id_len);
	lib->header_add(h, "ce_source", 9, route->source, route->source_len);
	lib->header_add(h, "ce_type", 7, route->type, route->type_len);
	if (r->rec.line_len > TS_OFFSET + TS_LEN && r->line[TS_OFFSET + TS_LEN] == '"')
		lib->header_add(h, "ce_time", 7, r->line + TS_OFFSET, TS_LEN);
	lib->header_add(h, "content-type", 12, "application/json", 16);
	return h;
}

/* What librdkafka said to one record. */
static int refused(struct kafka_sink *k, const struct sink_rec *r, rd_kafka_resp_err_t err)
{
	const char *why = k->producer->lib->err2str(err);
	char text[KAFKA_ERROR_MAX];

	switch (err) {
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		k->sink.window->starved = true;
		return -EAGAIN;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		reject(k, why);
		return -EMSGSIZE;
	case RD_KAFKA_RESP_ERR__FATAL:
		k->producer->lib->fatal_error(k->producer->rk, text, sizeof(text));
		return sink_fail(&k->sink, -EIO, "Kafka: %s", text);
	default:
		return sink_fail(&k->sink, -EIO, "topic %s: %s",
				 k->producer->lib->topic_name(k->routes[r->rec.route].topic), why);
	}
}

static int kafka_send(struct sink *s, const struct sink_rec *r, struct window_entry *e)
{
	struct kafka_sink *k = kafka_sink_of(s);
	const struct rdkafka *lib = k->producer->lib;
	rd_kafka_headers_t *headers;
	rd_kafka_resp_err_t err;
	char key[24];
	int key_len, n;

	if (k->names_version != s->stream->names_version) {
		n = routes_open(k);
		if (n < 0)
			return n;
	}
	if (k->failing_ns || (k->alone && r->rec.pos >= k->alone_until && s->window->open > 1))
		return -EAGAIN;
	headers = headers_of(k, r);
	if (!headers)
		return sink_fail(s, -ENOMEM, "%s", strerror(ENOMEM));
	/* Text: the same for every reader, whatever its language. */
	key_len = r->rec.key || s->stream->names[r->rec.route].keyed ? snprintf(key, sizeof(key), "%" PRIu64,
										r->rec.key) : 0;
	err = lib->producev(k->producer->rk, RD_KAFKA_V_RKT(k->routes[r->rec.route].topic),
			    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE((void *)r->line, r->rec.line_len),
			    RD_KAFKA_V_KEY(key_len ? key : NULL, key_len),
			    RD_KAFKA_V_TIMESTAMP(r->rec.time_ns / NSEC_PER_MSEC), RD_KAFKA_V_HEADERS(headers),
			    RD_KAFKA_V_OPAQUE(e), RD_KAFKA_V_END);
	if (!err) {
		if (s->window->open == 1)
			k->moved_ns = uv_hrtime();
		return 0;
	}
	lib->headers_destroy(headers);
	return refused(k, r, err);
}

/* ---- what comes back ---- */

/* Of a whole batch, though it may be due to one of its records. */
static bool is_of_the_record(rd_kafka_resp_err_t err)
{
	return err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE ||
	       err == RD_KAFKA_RESP_ERR_INVALID_MSG || err == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP ||
	       err == RD_KAFKA_RESP_ERR_INVALID_RECORD;
}

void kafka_answer(struct window_entry *e, const struct rdkafka *lib, const rd_kafka_message_t *m, bool maybe)
{
	struct sink *s = e->window->sink;
	struct kafka_sink *k = s ? kafka_sink_of(s) : NULL;

	if (!m->err || !k) {
		window_report(e, m->err ? WINDOW_FAILED : WINDOW_ACKED, maybe);
		if (k)
			k->delivered = true;
		return;
	}
	if (is_of_the_record(m->err) && k->alone) {
		reject(k, lib->err2str(m->err));
		window_report(e, WINDOW_REJECTED, maybe);
		return;
	}
	window_report(e, WINDOW_FAILED, maybe);
	k->alone_wanted = k->alone_wanted || is_of_the_record(m->err);
	sink_fail(s, -EIO, "topic %s: %s", lib->topic_name(m->rkt), lib->err2str(m->err));
}

/* Nothing is out any more, or has been for too long. */
static void failed(struct kafka_sink *k)
{
	struct sink *s = &k->sink;

	if (!s->window->open)
		s->at.sent = MAX(s->at.pos, window_sent(s->window));
	sink_publish(s);
	if (!k->alone_wanted) {
		sink_back_off(s);
		return;
	}
	k->alone = true;
	k->alone_wanted = false;
	k->alone_until = s->next;
	sink_close(s);
}

static void say_rejected(struct kafka_sink *k)
{
	struct sink *s = &k->sink;
	char key[192];

	snprintf(key, sizeof(key), "rejected:%s:%s", s->name, s->stream->program);
	if (k->rejected_ns)
		svc_degraded(s->stream->sinkd->svc, key, "%s: refused for good: %" PRIu64 " so far; the last: %s",
			     s->stream->program, s->at.dropped[SINK_DROP_REJECTED], k->rejected_why);
	else
		svc_degraded(s->stream->sinkd->svc, key, NULL);
}

void kafka_answered(struct sink *s)
{
	struct kafka_sink *k = kafka_sink_of(s);
	struct window *w = s->window;

	sink_settle(s);
	if (s->stream->sinkd->stopping)
		return;
	if (w->n_failed) {
		if (!k->failing_ns)
			k->failing_ns = uv_hrtime();
		s->waiting = true;
		if (!k->alone_wanted)
			sink_degraded(s);
		if (!w->open)
			failed(k);
	} else {
		if (k->delivered) {
			k->moved_ns = uv_hrtime();
			sink_recovered(s);
		}
		w->limit = k->delivered ? w->size : w->limit;
		s->waiting = false;
		if (k->alone && s->at.pos >= k->alone_until && !w->open) {
			k->alone = false;
			sink_close(s);
		}
	}
	k->delivered = false;
	sinkd_wake(s->stream->sinkd, s->stream);
}

void kafka_trouble(struct sink *s, const char *text)
{
	struct kafka_sink *k = kafka_sink_of(s);

	if (s->stream->sinkd->stopping || k->failing_ns)
		return;
	if (!text) {
		sink_recovered(s);
		return;
	}
	sink_fail(s, -EIO, "Kafka: %s", text);
	sink_degraded(s);
}

void kafka_dead(struct sink *s, const char *text)
{
	sink_fail(s, -EIO, "Kafka: %s", text);
	sink_back_off(s);
}

static void kafka_idle(struct sink *s)
{
	struct kafka_sink *k = kafka_sink_of(s);
	uint64_t now = uv_hrtime();

	kafka_producer_look(k->producer);
	if (k->rejected_ns && now - k->rejected_ns > REJECTED_FOR_NS)
		k->rejected_ns = 0;
	say_rejected(k);
	if (k->failing_ns && now - k->failing_ns > FAILING_MAX_NS)
		failed(k);
}

static void kafka_forget(struct sink *s)
{
	struct kafka_sink *k = kafka_sink_of(s);

	k->rejected_ns = 0;
	say_rejected(k);
}

const struct sink_type sink_kafka = {
	.name = "kafka",
	.size = sizeof(struct kafka_sink),
	.options_size = sizeof(struct kafka_options),
	.options = kafka_options,
	.open = kafka_open,
	.send = kafka_send,
	.expires = kafka_expires,
	.idle = kafka_idle,
	.close = kafka_close,
	.forget = kafka_forget,
};
