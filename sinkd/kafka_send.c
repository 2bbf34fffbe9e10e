/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record as a CloudEvent in binary mode: its attributes are headers, its data is the line, its key is the event's. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "kafka.h"

#define TS_OFFSET 7			/* {"ts":" */
#define TS_LEN    30			/* 2026-11-25T01:02:03.123456789Z */

/* ---- routes ---- */

void kafka_routes_drop(struct kafka_sink *k)
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

	if (kafka_topic_render(kafka_options_of(k)->topic, &names, topic) < 0)
		return sink_fail(&k->sink, -EINVAL, "topic: \"%.128s\" gives no name that a topic may have",
				 kafka_options_of(k)->topic);
	k->routes[i].topic = lib->topic_new(k->producer->rk, topic, NULL);
	if (!k->routes[i].topic)
		return sink_fail(&k->sink, -EIO, "topic %.200s: %s", topic, lib->err2str(lib->last_error()));
	route_name(st, &st->names[i], host, &k->routes[i]);
	return 0;
}

int kafka_routes_open(struct kafka_sink *k)
{
	const struct stream *st = k->sink.stream;
	char host[HOST_NAME_MAX + 1] = "";
	int r = 0;

	kafka_routes_drop(k);
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

/* ---- handing over ---- */

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
		kafka_reject(k, why);
		return -EMSGSIZE;
	case RD_KAFKA_RESP_ERR__FATAL:
		k->producer->lib->fatal_error(k->producer->rk, text, sizeof(text));
		return sink_fail(&k->sink, -EIO, "Kafka: %s", text);
	default:
		return sink_fail(&k->sink, -EIO, "topic %s: %s",
				 k->producer->lib->topic_name(k->routes[r->rec.route].topic), why);
	}
}

int kafka_send(struct sink *s, const struct sink_rec *r, struct window_entry *e)
{
	struct kafka_sink *k = kafka_sink_of(s);
	const struct rdkafka *lib = k->producer->lib;
	rd_kafka_headers_t *headers;
	rd_kafka_resp_err_t err;
	char key[24];
	int key_len, n;

	if (k->names_version != s->stream->names_version) {
		n = kafka_routes_open(k);
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
			    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			    RD_KAFKA_V_VALUE((void *)r->line, r->rec.line_len),
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
