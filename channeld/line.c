/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "line.h"

#include <ctype.h>
#include <string.h>

#include "../common/json.h"

struct pair {
	const char *key, *value;
	size_t key_len, value_len;
	bool quoted;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.-/:@", c));
}

/* KEY=VALUE or KEY="…" at *s; false: something else. */
static bool take_pair(const char **s, const char *end, struct pair *ret)
{
	const char *p = *s;

	ret->key = p;
	while (p < end && is_key_char(*p))
		p++;
	ret->key_len = (size_t)(p - ret->key);
	if (ret->key_len == 0 || p == end || *p != '=')
		return false;
	ret->quoted = ++p < end && *p == '"';
	ret->value = p += ret->quoted;
	if (ret->quoted)
		for (; p < end && *p != '"'; p++)
			p += *p == '\\' && p + 1 < end;
	else
		while (p < end && !is_blank(*p))
			p++;
	ret->value_len = (size_t)(p - ret->value);
	if (ret->quoted && p++ == end)
		return false;
	if (p < end && !is_blank(*p))
		return false;
	*s = p;
	return true;
}

static bool is_number(const struct pair *p)
{
	return !p->quoted && p->value_len && p->value_len < 64 &&
	       (*p->value == '-' || isdigit((unsigned char)*p->value)) && json_check(p->value, p->value_len) == 0;
}

/* What is quoted is freed of its backslashes piece by piece: a text is never longer for it. */
static char *put_quoted(char *out, const char *s, const char *end, bool *repaired)
{
	while (s < end) {
		const char *stop = memchr(s, '\\', (size_t)(end - s)) ?: end;
		char c;

		out += json_escape(out, s, (size_t)(stop - s), repaired);
		if (stop == end)
			break;
		c = stop + 1 < end ? stop[1] : '\\';
		c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
		if ((unsigned char)c >= 0x80) {
			s = stop + 1;	/* the text goes on behind the backslash */
			continue;
		}
		out += json_escape(out, &c, 1, repaired);
		s = stop + 2;
	}
	return out;
}

static char *put_value(char *out, const struct pair *p, bool *repaired)
{
	if (is_number(p))
		return mempcpy(out, p->value, p->value_len);
	*out++ = '"';
	if (p->quoted)
		out = put_quoted(out, p->value, p->value + p->value_len, repaired);
	else
		out += json_escape(out, p->value, p->value_len, repaired);
	*out++ = '"';
	return out;
}

static size_t take_pairs(const char *s, const char *end, struct pair *ret)
{
	size_t n = 0;

	while (s < end) {
		if (is_blank(*s)) {
			s++;
			continue;
		}
		if (n == LINE_PAIRS_MAX || !take_pair(&s, end, &ret[n]))
			return 0;
		for (size_t i = 0; i < n; i++)	/* an object has no key twice */
			if (ret[i].key_len == ret[n].key_len && !memcmp(ret[i].key, ret[n].key, ret[n].key_len))
				return 0;
		n++;
	}
	return n;
}

size_t line_to_json(char *out, const char *s, size_t len, bool *ret_repaired)
{
	struct pair pairs[LINE_PAIRS_MAX];
	const char *end = s + len;
	char *begin = out;
	size_t n;

	while (s < end && is_blank(*s))
		s++;
	while (s < end && is_blank(end[-1]))
		end--;
	if (json_check(s, (size_t)(end - s)) == 0)
		return (size_t)((char *)mempcpy(out, s, (size_t)(end - s)) - begin);
	n = take_pairs(s, end, pairs);
	for (size_t i = 0; i < n; i++) {
		*out++ = i ? ',' : '{';
		*out++ = '"';
		out = mempcpy(out, pairs[i].key, pairs[i].key_len);
		*out++ = '"';
		*out++ = ':';
		out = put_value(out, &pairs[i], ret_repaired);
	}
	if (n == 0) {
		out = mempcpy(out, "{\"line\":\"", 9);
		out += json_escape(out, s, (size_t)(end - s), ret_repaired);
		*out++ = '"';
	}
	*out++ = '}';
	return (size_t)(out - begin);
}
