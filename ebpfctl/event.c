/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <time.h>

#include "event.h"
#include "event_data.h"

/* "2026-11-25T01:02:03.123…Z" as local time, to the millisecond. */
static void add_time(struct event_style *st, struct span ts, struct buf *b)
{
	char text[sizeof(st->second)] = "";
	struct tm tm = {};
	time_t t;

	if (ts.end - ts.p < 24) {
		event_add_tame(b, ts);
		return;
	}
	memcpy(text, ts.p, sizeof(text) - 1);
	if (strcmp(text, st->second)) {
		if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) {
			event_add_tame(b, ts);
			return;
		}
		t = timegm(&tm);
		localtime_r(&t, &tm);
		strftime(st->local, sizeof(st->local), "%H:%M:%S", &tm);
		strcpy(st->second, text);
	}
	buf_add_str(b, st->local);
	event_add_tame(b, (struct span){ ts.p + 19, ts.p + 23 });
}

/* An event that is named as its program, or as C would name its struct, says nothing new. */
static bool event_is_obvious(struct span event, struct span program)
{
	size_t n = (size_t)(program.end - program.p), len = (size_t)(event.end - event.p);

	if (span_equals(event, "event"))
		return true;
	return len >= n && !memcmp(event.p, program.p, n) &&
	       (len == n || span_equals((struct span){ event.p + n, event.end }, "_event"));
}

struct parts {
	struct span ts, program, event, tags, data;
};

static bool split(const char *line, size_t len, struct parts *ret)
{
	struct span whole = { line, line + len }, v = span_take(&whole), key, value;
	struct parts p = {};

	if (!span_is(v, '{'))
		return false;
	v = span_inside(v);
	while (span_next(&v, &key, &value)) {
		struct span *to = span_equals(key, "\"ts\"") ? &p.ts : span_equals(key, "\"program\"") ? &p.program :
				  span_equals(key, "\"event\"") ? &p.event : span_equals(key, "\"tags\"") ? &p.tags :
				  span_equals(key, "\"data\"") ? &p.data : NULL;

		if (to)
			*to = to == &p.tags || to == &p.data || !span_is(value, '"') ? value : span_inside(value);
	}
	*ret = p;
	return p.ts.p && p.program.p && p.event.p && p.data.p;
}

void event_text(struct event_style *st, const char *line, size_t len, struct buf *out)
{
	const char *off = st->color ? "\033[0m" : "";
	struct parts p;
	size_t width;

	if (!split(line, len, &p)) {
		buf_add(out, line, len);
		return;
	}
	buf_add_str(out, st->color ? "\033[2m" : "");
	add_time(st, p.ts, out);
	buf_add_str(out, off);
	width = (size_t)(p.program.end - p.program.p);
	st->width = MAX(st->width, width);
	buf_add_str(out, st->color ? " \033[1;36m" : " ");
	event_add_tame(out, p.program);
	buf_add_str(out, off);
	for (; width < st->width + 1; width++)
		buf_add(out, " ", 1);
	if (!event_is_obvious(p.event, p.program)) {
		buf_add(out, " ", 1);
		event_add_tame(out, p.event);
	}
	event_add_data(out, st, p.data);
	if (p.tags.p && span_is(p.tags, '{') && p.tags.end - p.tags.p > 2) {
		buf_add_str(out, " tags=");
		event_add_value(out, p.tags);
	}
	buf_add(out, "\n", 1);
}
