/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <time.h>

#include "../common/json.h"
#include "event.h"

void buf_add(struct buf *b, const char *s, size_t len)
{
	if (!len)
		return;
	if (b->len + len > b->cap) {
		b->cap = MAX(b->cap * 2, b->len + len + 4096);
		b->s = realloc(b->s, b->cap);
		if (!b->s)
			abort();
	}
	memcpy(b->s + b->len, s, len);
	b->len += len;
}

void buf_fini(struct buf *b)
{
	free(b->s);
	*b = (struct buf){};
}

static void add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

/* ---- walking JSON that json_check() has passed ---------------------------------------------------------- */

struct span {
	const char *p, *end;
};

static void skip_space(struct span *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n'))
		s->p++;
}

/* Takes one value off the front: strings whole, brackets by depth. */
static struct span take_value(struct span *s)
{
	struct span v;
	int depth = 0;
	bool quoted = false;

	skip_space(s);
	v.p = s->p;
	for (; s->p < s->end; s->p++) {
		char c = *s->p;

		if (quoted) {
			if (c == '\\' && s->p + 1 < s->end)
				s->p++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		if (c == '"')
			quoted = true;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth-- == 0)
			break;
		else if (depth == 0 && (c == ',' || c == ':' || c == ' '))
			break;
	}
	v.end = s->p;
	return v;
}

/* The next member of the object or element (@key NULL) of the array whose inside is @s. False: no more. */
static bool next_member(struct span *s, struct span *key, struct span *value)
{
	skip_space(s);
	if (s->p < s->end && *s->p == ',')
		s->p++;
	skip_space(s);
	if (s->p >= s->end)
		return false;
	if (key) {
		*key = take_value(s);
		skip_space(s);
		if (s->p >= s->end || *s->p != ':')
			return false;
		s->p++;
	}
	*value = take_value(s);
	return value->p < value->end;
}

static bool is_container(struct span v, char open)
{
	return v.end - v.p >= 2 && *v.p == open;
}

static struct span inside(struct span v)
{
	return (struct span){ v.p + 1, v.end - 1 };
}

static bool equals(struct span v, const char *s)
{
	return (size_t)(v.end - v.p) == strlen(s) && !memcmp(v.p, s, strlen(s));
}

/* ---- values --------------------------------------------------------------------------------------------- */

static bool is_plain(struct span s)
{
	for (const char *p = s.p; p < s.end; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\\\"[]{}", *p))
			return false;
	return s.p < s.end;
}

/* JSON escapes the C0 controls already; a terminal also obeys DEL and C1 (C2 80 … C2 9F in UTF-8). */
static void add_tame(struct buf *b, struct span s)
{
	for (const char *p = s.p; p < s.end; p++) {
		unsigned char c = (unsigned char)*p, next = p + 1 < s.end ? (unsigned char)p[1] : 0;
		bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

		if (c < ' ' || c == 0x7f || c1)
			buf_add(b, "?", 1);
		else
			buf_add(b, p, 1);
		p += c1;
	}
}

static void add_value(struct buf *b, struct span v, int depth);

static void add_key(struct buf *b, const struct event_style *st, struct span key)
{
	add_str(b, st && st->color ? "\033[2m" : "");
	add_tame(b, is_container(key, '"') ? inside(key) : key);
	buf_add(b, "=", 1);
	add_str(b, st && st->color ? "\033[0m" : "");
}

static void add_members(struct buf *b, struct span s, int depth)
{
	struct span key, value;
	bool first = true;

	while (next_member(&s, &key, &value)) {
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

	while (next_member(&s, NULL, &value)) {
		if (!first)
			buf_add(b, " ", 1);
		first = false;
		add_value(b, value, depth);
	}
}

static void add_value(struct buf *b, struct span v, int depth)
{
	if (is_container(v, '"') && is_plain(inside(v))) {
		add_tame(b, inside(v));
	} else if (is_container(v, '{') && depth < JSON_DEPTH_MAX) {
		buf_add(b, "{", 1);
		add_members(b, inside(v), depth + 1);
		buf_add(b, "}", 1);
	} else if (is_container(v, '[') && depth < JSON_DEPTH_MAX) {
		buf_add(b, "[", 1);
		add_elements(b, inside(v), depth + 1);
		buf_add(b, "]", 1);
	} else {
		add_tame(b, v);
	}
}

/* ---- an event's data: what a person looks for first, what says nothing not at all (--json has all) -------------- */

static bool ends_with(struct span v, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(v.end - v.p) >= n && !memcmp(v.end - n, s, n);
}

/* The line begins with its time already; a flag that is not set, text and lists that are empty, no duration. */
static bool says_nothing(struct span key, struct span v)
{
	static const char *const nothing[] = { "false", "null", "\"\"", "[]", "{}" }, *const times[] = { "\"ts_ns\"",
		"\"ktime_ns\"", "\"timestamp_ns\"" };

	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++)
		if (equals(v, nothing[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (equals(key, times[i]))
			return true;
	return ends_with(key, "_ns\"") && equals(v, "0");
}

/* A constant's name, as C writes it: the value of an enum, most likely what kind of event this is. */
static bool is_constant(struct span v)
{
	if (!is_container(v, '"') || v.end - v.p < 4)
		return false;
	v = inside(v);
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

	if (key.end - key.p <= 5 || !ends_with(key, "_ns\"") || *v.p < '0' || *v.p > '9' || !duration_text(v, text))
		return false;
	add_key(b, st, (struct span){ key.p + 1, key.end - 4 });
	add_str(b, text);
	return true;
}

static void add_data(struct buf *b, const struct event_style *st, struct span s, bool constants)
{
	struct span key, value;

	while (next_member(&s, &key, &value)) {
		if (is_constant(value) != constants || says_nothing(key, value))
			continue;
		buf_add(b, " ", 1);
		if (add_duration(b, st, key, value))
			continue;
		add_key(b, st, key);
		add_value(b, value, 0);
	}
}

/* ---- the line ------------------------------------------------------------------------------------------- */

/* "2026-11-25T01:02:03.123…Z" as local time, to the millisecond. */
static void add_time(struct event_style *st, struct span ts, struct buf *b)
{
	char text[sizeof(st->second)] = "";
	struct tm tm = {};
	time_t t;

	if (ts.end - ts.p < 24) {
		add_tame(b, ts);
		return;
	}
	memcpy(text, ts.p, sizeof(text) - 1);
	if (strcmp(text, st->second)) {
		if (!strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) {
			add_tame(b, ts);
			return;
		}
		t = timegm(&tm);
		localtime_r(&t, &tm);
		strftime(st->local, sizeof(st->local), "%H:%M:%S", &tm);
		strcpy(st->second, text);
	}
	add_str(b, st->local);
	add_tame(b, (struct span){ ts.p + 19, ts.p + 23 });
}

/* An event that is named as its program, or as C would name its struct, says nothing new. */
static bool event_is_obvious(struct span event, struct span program)
{
	size_t n = (size_t)(program.end - program.p), len = (size_t)(event.end - event.p);

	if (equals(event, "event"))
		return true;
	return len >= n && !memcmp(event.p, program.p, n) &&
	       (len == n || equals((struct span){ event.p + n, event.end }, "_event"));
}

struct parts {
	struct span ts, program, event, tags, data;
};

static bool split(const char *line, size_t len, struct parts *ret)
{
	struct span whole = { line, line + len }, v = take_value(&whole), key, value;
	struct parts p = {};

	if (!is_container(v, '{'))
		return false;
	v = inside(v);
	while (next_member(&v, &key, &value)) {
		struct span *to = equals(key, "\"ts\"") ? &p.ts : equals(key, "\"program\"") ? &p.program :
				  equals(key, "\"event\"") ? &p.event : equals(key, "\"tags\"") ? &p.tags :
				  equals(key, "\"data\"") ? &p.data : NULL;

		if (to)
			*to = to == &p.tags || to == &p.data || !is_container(value, '"') ? value : inside(value);
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
	add_str(out, st->color ? "\033[2m" : "");
	add_time(st, p.ts, out);
	add_str(out, off);
	width = (size_t)(p.program.end - p.program.p);
	st->width = MAX(st->width, width);
	add_str(out, st->color ? " \033[1;36m" : " ");
	add_tame(out, p.program);
	add_str(out, off);
	for (; width < st->width + 1; width++)
		buf_add(out, " ", 1);
	if (!event_is_obvious(p.event, p.program)) {
		buf_add(out, " ", 1);
		add_tame(out, p.event);
	}
	if (is_container(p.data, '{')) {
		add_data(out, st, inside(p.data), true);
		add_data(out, st, inside(p.data), false);
	} else {
		add_str(out, " data=");
		add_value(out, p.data, 0);
	}
	if (p.tags.p && is_container(p.tags, '{') && p.tags.end - p.tags.p > 2) {
		add_str(out, " tags=");
		add_value(out, p.tags, 0);
	}
	buf_add(out, "\n", 1);
}
