/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records to Kafka. Delivered is what a delivery report says so of. While the brokers are away, librdkafka keeps a
 * window of records and the spool the others. */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>

#include "kafka.h"

#define FAILING_MAX_NS  (10 * NSEC_PER_SEC)	/* answers that are still out are not waited for any longer */
#define STUCK_NS        (2 * NSEC_PER_SEC)
#define REJECTED_EVERY_NS (10 * NSEC_PER_SEC)	/* how often it is said anew */
#define REJECTED_FOR_NS (60 * NSEC_PER_SEC)	/* so long it stands in Degraded */
#define STOP_FLUSH_MS   1000
/* Settings, which win over what was said. */
#define SMALL           "batch.size=16384" KAFKA_SEPARATOR
#define ALONE           "batch.num.messages=1" KAFKA_SEPARATOR

static int kafka_options(struct sinkd *sk, const char *program, const struct yaml_node *n, void *ret,
			 char ret_cursor[SINK_NAME_MAX])
{
	(void)program;
	return kafka_options_read(sk->conf, n, ret, ret_cursor);
}

/* A slow Kafka holds its program back, as a slow disk does; one that does not move at all must not. */
static bool kafka_expires(const struct sink *s)
{
	const struct kafka_sink *k = container_of(s, struct kafka_sink, sink);

	return kafka_options_of(k)->when_full == KAFKA_EXPIRE &&
	       (s->open ? uv_hrtime() - k->moved_ns > STUCK_NS : s->failed);
}

/* ---- opening ---- */

static int kafka_open(struct sink *s)
{
	struct kafka_sink *k = kafka_sink_of(s);
	const struct kafka_options *o = kafka_options_of(k);
	cleanup(freep) char *settings = NULL;
	int r;

	if (o->error[0])
		return sink_fail(s, -EINVAL, "%s", o->error);
	if (asprintf(&settings, "%s%s", o->settings, k->alone ? ALONE : k->small ? SMALL : "") < 0)
		return sink_fail(s, -ENOMEM, "%s", strerror(ENOMEM));
	k->producer = kafka_producer_get(s, settings);
	if (!k->producer)
		return -EIO;
	r = kafka_routes_open(k);
	if (r < 0)
		return r;
	s->window = window_new(s, o->window);
	if (!s->window)
		return sink_fail(s, -ENOMEM, "%s", strerror(ENOMEM));
	s->window->limit = s->failed ? 1 : o->window;	/* a first one shows whether it works again */
	s->window->next = k->producer->windows;
	k->producer->windows = s->window;
	k->failing_ns = 0;
	k->alone_until = MIN(k->alone_until, s->stream->commit.head);	/* the spool may be another one */
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
	kafka_routes_drop(k);
	kafka_producer_put(take(k->producer), s);
}

/* ---- what comes back ---- */

void kafka_reject(struct kafka_sink *k, const char *why)
{
	k->rejected_ns = uv_hrtime();
	snprintf(k->rejected_why, sizeof(k->rejected_why), "%s", why);
}

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
		kafka_reject(k, lib->err2str(m->err));
		window_report(e, WINDOW_REJECTED, maybe);
		return;
	}
	window_report(e, WINDOW_FAILED, maybe);
	k->smaller_wanted = k->smaller_wanted || is_of_the_record(m->err);
	sink_fail(s, -EIO, "topic %s: %s", lib->topic_name(m->rkt), lib->err2str(m->err));
}

/* Nothing is out any more, or has been for too long. */
static void failed(struct kafka_sink *k)
{
	struct sink *s = &k->sink;

	if (!s->window->open)
		s->at.sent = MAX(s->at.pos, window_sent(s->window));
	sink_publish(s);
	if (!k->smaller_wanted) {
		sink_back_off(s);
		return;
	}
	k->alone = k->small;
	k->small = true;
	k->smaller_wanted = false;
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
		if (!k->smaller_wanted)
			sink_degraded(s);
		if (!w->open)
			failed(k);
	} else {
		if (k->delivered) {
			k->untidy = true;
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
	k->untidy = k->untidy || s->window->open;
	if (k->untidy && !s->window->open) {
		k->untidy = false;
		malloc_trim(0);		/* a window of records is some 70 MB of small pieces, which libc would keep */
	}
	/* Not at each: every other number is a line in the journal. */
	if (k->rejected_ns && now - k->rejected_said_ns > REJECTED_EVERY_NS) {
		if (now - k->rejected_ns > REJECTED_FOR_NS)
			k->rejected_ns = 0;
		k->rejected_said_ns = now;
		say_rejected(k);
	}
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
