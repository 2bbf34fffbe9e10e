/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Kafka sink, between its files: what may be set (kafka_conf.c), where records go (kafka_topic.c), who talks to the
 * brokers (kafka_producer.c), what they answer (kafka_serve.c), the sink itself
 * (sink_kafka.c), and how it hands a record over (kafka_send.c). */
#ifndef EBPF_AGENT_SINKD_KAFKA_H
#define EBPF_AGENT_SINKD_KAFKA_H

#include "rdkafka.h"
#include "stream.h"
#include "window.h"

#define KAFKA_TOPIC_MAX    249		/* org.apache.kafka.common.internals.Topic */
#define KAFKA_TEMPLATE_MAX 512
#define KAFKA_SETTINGS_MAX 16384
#define KAFKA_SEPARATOR    "\x1e"	/* between settings; no value has it */
#define KAFKA_ERROR_MAX    384

/* ---- kafka_conf.c ---- */

/* What a route asks for; flat, so that two can be compared by memcmp(). */
struct kafka_options {
	uint64_t window;
	int when_full;			/* enum kafka_when_full */
	int spare;
	char topic[KAFKA_TEMPLATE_MAX];
	char settings[KAFKA_SETTINGS_MAX];	/* "name=value" KAFKA_SEPARATOR …: the same text, the same producer */
	char error[256];		/* what was wrong with the entry */
};
/* 0; -ENOMEM: not now. */
int kafka_options_read(const struct sinkd_conf *conf, const struct yaml_node *n, struct kafka_options *ret,
		       char ret_cursor[SINK_NAME_MAX]);

/* ---- kafka_topic.c ---- */

struct kafka_names {
	const char *host, *program, *channel, *event;
};
/* 0; -EINVAL, and @ret_why says what is wrong with it. */
int kafka_template_check(const char *template, char ret_why[128]);
/* The topic of a checked template: characters that topics do not have become '_'. -ENAMETOOLONG, -EINVAL. */
int kafka_topic_render(const char *template, const struct kafka_names *n, char ret[KAFKA_TOPIC_MAX + 1]);

/* ---- kafka_producer.c ---- */

/* One connection to a cluster, for all sinks with the same settings. */
struct kafka_producer {
	struct kafka_producer *next;
	struct sinkd *sinkd;
	const struct rdkafka *lib;
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue;
	int fd;				/* readable: there are events */
	unsigned handles;		/* open libuv handles */
	unsigned users;
	unsigned serving;		/* its windows are being looked at */
	bool dead;			/* for good: no new users */
	char trouble[KAFKA_ERROR_MAX];	/* with the connection; empty: none */
	struct window *windows;
	uv_poll_t poll;
	uv_async_t destroyed;
	uv_timer_t patience;
	uv_thread_t destroyer;
	uv_mutex_t lock;
	bool left_alone;		/* under @lock: the destroyer tells nobody */
	uint64_t flush_until_ns;	/* 0: not stopping */
	char settings[KAFKA_SETTINGS_MAX + 64];
};

/* One more user, which adds its window to the list. NULL: sink_fail() was called. */
struct kafka_producer *kafka_producer_get(struct sink *s, const char *settings);
/* The user is gone; what it has under way, too, unless others use the producer. */
void kafka_producer_put(struct kafka_producer *p, struct sink *s);
void kafka_producer_unuse(struct kafka_producer *p);

/* ---- kafka_serve.c ---- */

/* The producer's eventfd is readable: serves what came in. */
void kafka_on_readable(uv_poll_t *poll, int status, int events);
/* Without the windows of sinks that are gone, and of which all is answered for. */
void kafka_producer_sweep(struct kafka_producer *p);
/* Has the loop look for what came in: nothing is waited for that only librdkafka's word would tell of. */
void kafka_producer_look(struct kafka_producer *p);
/* Serves what was answered, for at most @ms: a stop waits for what is under way. */
void kafka_producer_flush(struct kafka_producer *p, uint64_t ms);

/* ---- the sink ---- */

struct kafka_route {
	rd_kafka_topic_t *topic;	/* NULL: not a route of this sink */
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
	bool untidy;			/* records were under way since the heap was last given back */
	uint64_t moved_ns;		/* when something was, or nothing was under way */
	uint64_t failing_ns;		/* since then records failed; 0: none */
	/* A batch that is too large may hold records that are not: batches become small for good. If that does not
	 * help, it is a record: up to alone_until each goes alone. */
	bool small, alone, smaller_wanted;
	uint64_t alone_until;
	uint64_t rejected_ns;		/* when the last one was; 0: nothing is said */
	uint64_t rejected_said_ns;	/* when that was said last */
	char rejected_why[256];
};

static inline struct kafka_sink *kafka_sink_of(struct sink *s)
{
	return container_of(s, struct kafka_sink, sink);
}

static inline const struct kafka_options *kafka_options_of(const struct kafka_sink *k)
{
	return k->sink.options;
}

/* ---- kafka_send.c ---- */

/* A topic, and what is the same in all its records, for each route that the sink takes. 0, or sink_fail(). */
int kafka_routes_open(struct kafka_sink *k);
void kafka_routes_drop(struct kafka_sink *k);
/* As struct sink_type has it. */
int kafka_send(struct sink *s, const struct sink_rec *r, struct window_entry *e);

/* ---- sink_kafka.c ---- */

/* A record was refused for good. */
void kafka_reject(struct kafka_sink *k, const char *why);

/* For the producer. A record was answered for: delivered, or not, as @m->err says. @maybe: then it may be there all
 * the same. */
void kafka_answer(struct window_entry *e, const struct rdkafka *lib, const rd_kafka_message_t *m, bool maybe);
/* All that came in at once is reported. */
void kafka_answered(struct sink *s);
/* The connection has trouble, or (NULL) none any more. */
void kafka_trouble(struct sink *s, const char *text);
/* The producer is of no use any more. */
void kafka_dead(struct sink *s, const char *text);

#endif
