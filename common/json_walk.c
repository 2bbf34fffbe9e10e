/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "json_walk.h"

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct span *s)
{
	while (s->p < s->end && is_space(*s->p))
		s->p++;
}

struct span span_take(struct span *s)
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
		else if (depth == 0 && (c == ',' || c == ':' || is_space(c)))
			break;
	}
	v.end = s->p;
	return v;
}

bool span_next(struct span *s, struct span *key, struct span *value)
{
	skip_space(s);
	if (s->p < s->end && *s->p == ',')
		s->p++;
	skip_space(s);
	if (s->p >= s->end)
		return false;
	if (key) {
		*key = span_take(s);
		skip_space(s);
		if (s->p >= s->end || *s->p != ':')
			return false;
		s->p++;
	}
	*value = span_take(s);
	return value->p < value->end;
}

bool span_is(struct span v, char open)
{
	return v.end - v.p >= 2 && *v.p == open;
}

struct span span_inside(struct span v)
{
	return (struct span){ v.p + 1, v.end - 1 };
}

bool span_equals(struct span v, const char *s)
{
	return (size_t)(v.end - v.p) == strlen(s) && !memcmp(v.p, s, strlen(s));
}

bool span_ends_with(struct span v, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(v.end - v.p) >= n && !memcmp(v.end - n, s, n);
}
