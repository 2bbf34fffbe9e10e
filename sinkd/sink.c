/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "stream.h"

static const struct sink_type sink_tmpfs = { .name = "tmpfs", .missing = "tmpfs" };
static const struct sink_type sink_tsdb = { .name = "tsdb", .missing = "tsdb" };

static const struct sink_type *const types[] = {
	&sink_live, &sink_file, &sink_console, &sink_kafka, &sink_tmpfs, &sink_tsdb,
};

const struct sink_type *sink_type_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i]->name, name))
			return types[i];
	return NULL;
}

struct sink *sink_new(struct stream *st, const struct sink_type *type, const char *cursor, const void *options)
{
	struct sink *s = calloc(1, type->size);

	if (!s)
		return NULL;
	if (type->options_size) {
		s->options = malloc(type->options_size);
		if (!s->options) {
			free(s);
			return NULL;
		}
		memcpy(s->options, options, type->options_size);
	}
	s->type = type;
	s->stream = st;
	s->cursor = -1;
	snprintf(s->name, sizeof(s->name), "%s", cursor);
	return s;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	sink_close(s);
	if (!s->stream->sinkd->stopping) {
		sink_recovered(s);
		if (s->type->forget)
			s->type->forget(s);
	}
	free(s->options);
	free(s);
}

static void sink_set_degraded(struct sink *s)
{
	char key[192];

	snprintf(key, sizeof(key), "sink:%s:%s", s->name, s->stream->program);
	if (s->failed)
		svc_degraded(s->stream->sinkd->svc, key, "%s: %s", s->stream->program, s->error);
	else
		svc_degraded(s->stream->sinkd->svc, key, NULL);
}

int sink_fail(struct sink *s, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	va_end(ap);
	return err;
}

bool sink_calm(const struct sink *s)
{
	return !s->gave_up_ns || (s->took_since && uv_hrtime() - s->gave_up_ns >= SINK_CALM_NS);
}

void sink_recovered(struct sink *s)
{
	s->delay_ns = s->retry_at_ns = 0;
	s->gave_up_ns = 0;
	if (!s->failed)
		return;
	s->failed = false;
	sink_set_degraded(s);
}

void sink_degraded(struct sink *s)
{
	s->failed = true;
	sink_set_degraded(s);
}

void sink_back_off(struct sink *s)
{
	sink_close(s);
	s->delay_ns = s->delay_ns ? MIN(s->delay_ns * 2, SINK_RETRY_MAX_NS) : SINK_RETRY_MIN_NS;
	s->retry_at_ns = uv_hrtime() + s->delay_ns;
	sinkd_retry_at(s->stream->sinkd, s->retry_at_ns);
	sink_degraded(s);
}

void sink_open(struct sink *s, uint64_t now_ns)
{
	if (s->open || s->cursor < 0 || now_ns < s->retry_at_ns)
		return;
	if (s->type->open && s->type->open(s) < 0) {
		sink_back_off(s);
		return;
	}
	s->open = true;
	s->next = s->at.pos;
	s->waiting = false;
}

void sink_close(struct sink *s)
{
	if (s->type->close)
		s->type->close(s);
	s->open = s->waiting = false;
}

void sink_publish(struct sink *s)
{
	spool_cursor_write(&s->stream->reader, s->cursor, &s->at);
}

static size_t choose(struct sink *s, const struct sink_rec *recs, size_t n)
{
	const struct sink_rec **chosen = s->stream->sinkd->chosen;
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		chosen[m] = &recs[i];
		m += sink_takes(s, recs[i].rec.route);
	}
	return m;
}

static void feed(struct sink *s, const struct sink_rec *recs, size_t n)
{
	const struct sink_rec **chosen = s->stream->sinkd->chosen;
	size_t m = choose(s, recs, n), passed = n;
	struct sink_result res = {};
	int r;

	r = m ? s->type->deliver(s, chosen, m, &res) : 0;
	if (res.done < m)
		passed = chosen[res.done] - recs;
	if (passed) {
		s->at.pos = recs[passed - 1].rec.pos + recs[passed - 1].rec.len;
		s->at.acked += res.acked;
		s->at.bytes += res.bytes;
		for (unsigned i = 0; i < SINK_N_DROPS; i++)
			s->at.dropped[i] += res.dropped[i];
		s->at.unrouted += passed - res.done;
		sink_publish(s);
	}
	if (r == -EAGAIN) {
		s->waiting = true;
	} else if (r == -ESTALE) {
		sink_close(s);
	} else if (r < 0) {
		sink_back_off(s);
	} else if (m) {
		s->took_since = !res.dropped[SINK_DROP_DISK_FULL];
		if (sink_calm(s))
			sink_recovered(s);
	}
}

void sink_feed(struct sink *s, const struct sink_rec *recs, size_t n)
{
	if (s->type->send)
		sink_feed_async(s, recs, n);
	else
		feed(s, recs, n);
}
