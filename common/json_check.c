/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 8259, without recursion: hostile code chooses the depth. */
#include <errno.h>

#include "json.h"
#include "json_scan.h"
#include "utf8.h"

struct text {
	const char *p, *end;
};

/* No line feed, and no carriage return, which ends a line, too, for many readers (Python's open() is one): one event,
 * one line. */
static inline void skip_blanks(struct text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
		t->p++;
}

static inline bool accept(struct text *t, char c)
{
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

static int hex4(struct text *t)
{
	int v = 0, i;

	if (t->end - t->p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char c = *t->p++;

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* Behind the backslash. Half a surrogate pair is no character: readers choke on it. */
static bool escape(struct text *t)
{
	int high, low;

	if (t->p == t->end)
		return false;
	switch (*t->p++) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
		return true;
	case 'u':
		high = hex4(t);
		if (high < 0xd800 || high > 0xdfff)
			return high >= 0;
		if (high > 0xdbff || !accept(t, '\\') || !accept(t, 'u'))
			return false;
		low = hex4(t);
		return low >= 0xdc00 && low <= 0xdfff;
	}
	return false;
}

/* Behind the opening quote. */
static bool string(struct text *t)
{
	for (;;) {
		unsigned char c;
		size_t n;

		t->p = json_skip_plain(t->p, t->end);
		if (t->p == t->end)
			return false;
		c = (unsigned char)*t->p;
		if (c == '"') {
			t->p++;
			return true;
		}
		if (c == '\\') {
			t->p++;
			if (!escape(t))
				return false;
			continue;
		}
		if (c < 0x20)
			return false;
		n = c < 0x80 ? 1 : utf8_len(t->p, (size_t)(t->end - t->p));
		if (!n)
			return false;
		t->p += n;
	}
}

static inline bool digits(struct text *t)
{
	const char *start = t->p;

	while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
		t->p++;
	return t->p > start;
}

static bool number(struct text *t)
{
	accept(t, '-');
	if (!accept(t, '0') && !digits(t))
		return false;
	if (accept(t, '.') && !digits(t))
		return false;
	if (accept(t, 'e') || accept(t, 'E')) {
		if (!accept(t, '+'))
			accept(t, '-');
		return digits(t);
	}
	return true;
}

static bool literal(struct text *t, const char *word, size_t len)
{
	if ((size_t)(t->end - t->p) < len || memcmp(t->p, word, len))
		return false;
	t->p += len;
	return true;
}

static inline bool scalar(struct text *t)
{
	switch (*t->p) {
	case '"':
		t->p++;
		return string(t);
	case 't':
		return literal(t, "true", 4);
	case 'f':
		return literal(t, "false", 5);
	case 'n':
		return literal(t, "null", 4);
	default:
		return number(t);
	}
}

static inline bool key(struct text *t)
{
	skip_blanks(t);
	if (!accept(t, '"') || !string(t))
		return false;
	skip_blanks(t);
	return accept(t, ':');
}

int json_check(const char *s, size_t len)
{
	struct text t = { s, s + len };
	uint64_t is_object = 0;		/* bit per depth */
	int depth = 0;

	_Static_assert(JSON_DEPTH_MAX < 64, "a bit per depth");
	for (;;) {
		skip_blanks(&t);
		if (t.p == t.end)
			return -EILSEQ;
		if (*t.p == '{' || *t.p == '[') {
			bool object = *t.p++ == '{';

			if (++depth > JSON_DEPTH_MAX)
				return -EILSEQ;
			is_object = is_object << 1 | object;
			skip_blanks(&t);
			if (t.p < t.end && *t.p != (object ? '}' : ']')) {
				if (object && !key(&t))
					return -EILSEQ;
				continue;
			}
		} else if (!scalar(&t)) {
			return -EILSEQ;
		}

		for (;;) {	/* what may follow a value */
			skip_blanks(&t);
			if (!depth)
				return t.p == t.end ? 0 : -EILSEQ;
			if (accept(&t, ','))
				break;
			if (!accept(&t, is_object & 1 ? '}' : ']'))
				return -EILSEQ;
			is_object >>= 1;
			depth--;
		}
		if ((is_object & 1) && !key(&t))
			return -EILSEQ;
	}
}
