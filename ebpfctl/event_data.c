/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event's data: what a person looks for first, what says nothing not at all (--json has all). */
#include <string.h>

#include "../common/json.h"
#include "event_data.h"

static bool is_plain(struct span s)
{
	for (const char *p = s.p; p < s.end; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\\\"[]{}", *p))
			return false;
	return s.p < s.end;
}

void event_add_tame(struct buf *b, struct span s)
{
	while (s.p < s.end) {
		size_t n = text_control(s.p, s.end);

		buf_add(b, n ? "?" : s.p, 1);
		s.p += MAX(n, 1u);
	}
}

static void add_value(struct buf *b, struct span v, int depth);

static void add_key(struct buf *b, const struct event_style *st, struct span key)
{
	buf_add_str(b, st && st->color ? "\033[2m" : "");
	event_add_tame(b, span_is(key, '"') ? span_inside(key) : key);
	buf_add(b, "=", 1);
	buf_add_str(b, st && st->color ? "\033[0m" : "");
}

static void add_members(struct buf *b, struct span s, int depth)
{
	struct span key, value;
	bool first = true;

	while (span_next(&s, &key, &value)) {
		if (!first)
			buf_add(b, " ", 1);
		first = false;
		add_key(b, NULL, key);
		add_value(b, value, depth);
	}
}

static void add_elements(struct buf *b, struct span s, int depth)
{
	struct span value;
	bool first = true;

	while (span_next(&s, NULL, &value)) {
		if (!first)
			buf_add(b, " ", 1);
		first = false;
		add_value(b, value, depth);
	}
}

static void add_value(struct buf *b, struct span v, int depth)
{
	if (span_is(v, '"') && is_plain(span_inside(v))) {
		event_add_tame(b, span_inside(v));
	} else if (span_is(v, '{') && depth < JSON_DEPTH_MAX) {
		buf_add(b, "{", 1);
		add_members(b, span_inside(v), depth + 1);
		buf_add(b, "}", 1);
	} else if (span_is(v, '[') && depth < JSON_DEPTH_MAX) {
		buf_add(b, "[", 1);
		add_elements(b, span_inside(v), depth + 1);
		buf_add(b, "]", 1);
	} else {
		event_add_tame(b, v);
	}
}

void event_add_value(struct buf *b, struct span v)
{
	add_value(b, v, 0);
}

/* ---- members that are worth a person's look ------------------------------------------------------------- */

/* The line begins with its time already; a flag that is not set, text and lists that are empty, no duration. */
static bool says_nothing(struct span key, struct span v)
{
	static const char *const nothing[] = { "false", "null", "\"\"", "[]", "{}" }, *const times[] = { "\"ts_ns\"",
		"\"ktime_ns\"", "\"timestamp_ns\"" };

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		if (span_equals(v, nothing[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (span_equals(key, times[i]))
			return true;
	return span_ends_with(key, "_ns\"") && span_equals(v, "0");
}

/* A constant's name, as C writes it: the value of an enum, most likely what kind of event this is. */
static bool is_constant(struct span v)
{
	if (!span_is(v, '"') || v.end - v.p < 4)
		return false;
	v = span_inside(v);
	if (*v.p < 'A' || *v.p > 'Z')
		return false;
	for (const char *p = v.p; p < v.end; p++)
		if ((*p < 'A' || *p > 'Z') && (*p < '0' || *p > '9') && *p != '_')
			return false;
	return true;
}

/* Nanoseconds as the largest unit that is not 0, three digits. False: it is longer than any unit can say. */
static bool duration_text(struct span v, char text[40])
{
	static const struct { double ns; const char *name; } units[] = {
		{ 3600e9, "h" }, { 60e9, "min" }, { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" },
	};
	char digits[24] = "";
	double ns;
	size_t i = 0;

	memcpy(digits, v.p, MIN((size_t)(v.end - v.p), sizeof(digits) - 1));
	ns = strtod(digits, NULL);
	while (i < ARRAY_SIZE(units) - 1 && ns < units[i].ns)
		i++;
	snprintf(text, 40, "%.3g%s", ns / units[i].ns, units[i].name);
	return ns / units[i].ns < 1000;
}

/* A duration that says its unit needs none in its name: run_ns 38123456 is run=38.1ms. */
static bool add_duration(struct buf *b, const struct event_style *st, struct span key, struct span v)
{
	char text[40];

	if (key.end - key.p <= 5 || !span_ends_with(key, "_ns\"") || *v.p < '0' || *v.p > '9' ||
	    !duration_text(v, text))
		return false;
	add_key(b, st, (struct span){ key.p + 1, key.end - 4 });
	buf_add_str(b, text);
	return true;
}

static void add_some(struct buf *b, const struct event_style *st, struct span s, bool constants)
{
	struct span key, value;

	while (span_next(&s, &key, &value)) {
		if (is_constant(value) != constants || says_nothing(key, value))
			continue;
		buf_add(b, " ", 1);
		if (add_duration(b, st, key, value))
			continue;
		add_key(b, st, key);
		add_value(b, value, 0);
	}
}

void event_add_data(struct buf *b, const struct event_style *st, struct span data)
{
	if (span_is(data, '{')) {
		add_some(b, st, span_inside(data), true);
		add_some(b, st, span_inside(data), false);
	} else {
		buf_add_str(b, " data=");
		add_value(b, data, 0);
	}
}
