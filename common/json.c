/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "json.h"

void json_fini(struct json *j)
{
	free(j->buf);
	*j = (struct json){0};
}

/* Room for @len more bytes and a NUL. */
static bool reserve(struct json *j, size_t len)
{
	size_t need, cap;
	char *buf;

	if (j->failed || __builtin_add_overflow(j->len + 1, len, &need)) {
		j->failed = true;
		return false;
	}
	if (need <= j->cap)
		return true;
	cap = MAX(need, j->cap * 2);
	cap = MAX(cap, (size_t)256);
	buf = realloc(j->buf, cap);
	if (!buf) {
		j->failed = true;
		return false;
	}
	j->buf = buf;
	j->cap = cap;
	return true;
}

static void put(struct json *j, const char *s, size_t len)
{
	if (!reserve(j, len))
		return;
	memcpy(j->buf + j->len, s, len);
	j->len += len;
}

static void put_quoted(struct json *j, const char *s)
{
	size_t len = strlen(s), room;
	bool repaired;

	if (__builtin_mul_overflow(len, (size_t)6, &room) || !reserve(j, room + 2)) {
		j->failed = true;
		return;
	}
	j->buf[j->len++] = '"';
	j->len += json_escape(j->buf + j->len, s, len, &repaired);
	j->buf[j->len++] = '"';
}

/* The comma before an element, and its key. */
static void begin(struct json *j, const char *key)
{
	if (j->comma[j->depth])
		put(j, ",", 1);
	j->comma[j->depth] = true;
	if (key) {
		put_quoted(j, key);
		put(j, ":", 1);
	}
}

static void open_any(struct json *j, const char *key, const char *bracket)
{
	begin(j, key);
	put(j, bracket, 1);
	if (j->depth == JSON_WRITE_DEPTH_MAX - 1) {
		j->failed = true;
		return;
	}
	j->comma[++j->depth] = false;
}

static void close_any(struct json *j, const char *bracket)
{
	if (!j->depth) {
		j->failed = true;
		return;
	}
	j->depth--;
	put(j, bracket, 1);
}

void json_open_object(struct json *j, const char *key)
{
	open_any(j, key, "{");
}

void json_open_array(struct json *j, const char *key)
{
	open_any(j, key, "[");
}

void json_close_object(struct json *j)
{
	close_any(j, "}");
}

void json_close_array(struct json *j)
{
	close_any(j, "]");
}

void json_str(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	if (value)
		put_quoted(j, value);
	else
		put(j, "null", 4);
}

void json_strf(struct json *j, const char *key, const char *fmt, ...)
{
	cleanup(freep) char *text = NULL;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0) {
		text = NULL;
		j->failed = true;
		return;
	}
	json_str(j, key, text);
}

void json_raw(struct json *j, const char *key, const char *text, size_t len)
{
	begin(j, key);
	put(j, text, len);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	char text[24];

	json_raw(j, key, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, value));
}

void json_s64(struct json *j, const char *key, int64_t value)
{
	char text[24];

	json_raw(j, key, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, value));
}

/* The shortest text that reads back as the same number. */
void json_double(struct json *j, const char *key, double value)
{
	char text[40];
	int digits, len = 0;

	if (!isfinite(value)) {
		json_raw(j, key, "null", 4);
		return;
	}
	for (digits = 15; digits <= 17; digits++) {
		len = snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	json_raw(j, key, text, (size_t)len);
}

void json_bool(struct json *j, const char *key, bool value)
{
	json_raw(j, key, value ? "true" : "false", value ? 4 : 5);
}

char *json_finish(struct json *j, size_t *ret_len)
{
	size_t len = j->len;
	char *text = NULL;

	if (!j->failed && !j->depth && reserve(j, 0)) {
		text = take(j->buf);
		text[len] = 0;
		if (ret_len)
			*ret_len = len;
	}
	json_fini(j);
	return text;
}
