/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json_check() against a validator that is as plain as RFC 8259's grammar: they agree about every text. And whatever
 * json_escape() makes is valid. */
#include "common/json.h"
#include "fuzz.h"

struct text {
	const unsigned char *p, *end;
};

static int next(struct text *t)
{
	return t->p < t->end ? *t->p++ : -1;
}

static void blanks(struct text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
		t->p++;
}

static long code_point(struct text *t, int first)
{
	static const long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	int n = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
	long c = n == 1 ? first : first & (0x7f >> n);

	if (!n)
		return -1;
	for (int i = 1; i < n; i++) {
		int b = next(t);

		if (b < 0 || b >> 6 != 2)
			return -1;
		c = c << 6 | (b & 0x3f);
	}
	return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? -1 : c;
}

static long unit(struct text *t)
{
	char hex[5] = "";

	for (int i = 0; i < 4; i++) {
		hex[i] = (char)next(t);
		if (!hex[i] || !strchr("0123456789abcdefABCDEF", hex[i]))
			return -1;
	}
	return strtol(hex, NULL, 16);
}

static bool string(struct text *t)
{
	for (int c; (c = next(t)) != '"';) {
		if (c < 0x20)
			return false;
		if (c != '\\') {
			if (code_point(t, c) < 0)
				return false;
			continue;
		}
		c = next(t);
		if (c == 'u') {
			long u = unit(t);

			if (u >= 0xd800 && u <= 0xdbff) {
				if (next(t) != '\\' || next(t) != 'u')
					return false;
				u = unit(t);
				if (u < 0xdc00 || u > 0xdfff)
					return false;
			} else if (u < 0 || (u >= 0xdc00 && u <= 0xdfff)) {
				return false;
			}
		} else if (c <= 0 || !strchr("\"\\/bfnrt", c)) {
			return false;
		}
	}
	return true;
}

static size_t digits(struct text *t)
{
	const unsigned char *from = t->p;

	while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
		t->p++;
	return (size_t)(t->p - from);
}

static bool number(struct text *t)
{
	const unsigned char *first;
	size_t n;

	if (t->p < t->end && *t->p == '-')
		t->p++;
	first = t->p;
	n = digits(t);
	if (!n || (*first == '0' && n > 1))
		return false;
	if (t->p < t->end && *t->p == '.') {
		t->p++;
		if (!digits(t))
			return false;
	}
	if (t->p < t->end && (*t->p | 0x20) == 'e') {
		t->p++;
		if (t->p < t->end && (*t->p == '+' || *t->p == '-'))
			t->p++;
		if (!digits(t))
			return false;
	}
	return true;
}

static bool word(struct text *t, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(t->end - t->p) < n || memcmp(t->p, w, n) != 0)
		return false;
	t->p += n;
	return true;
}

static bool value(struct text *t, int depth);

static bool elements(struct text *t, int depth, bool object)
{
	int close = object ? '}' : ']';

	if (depth > JSON_DEPTH_MAX)
		return false;
	blanks(t);
	if (t->p < t->end && *t->p == close)
		return t->p++, true;
	for (;;) {
		int c;

		blanks(t);
		if (object) {
			if (next(t) != '"' || !string(t))
				return false;
			blanks(t);
			if (next(t) != ':')
				return false;
		}
		if (!value(t, depth))
			return false;
		c = next(t);
		if (c == close)
			return true;
		if (c != ',')
			return false;
	}
}

static bool value(struct text *t, int depth)
{
	bool good;

	blanks(t);
	if (t->p == t->end)
		return false;
	switch (*t->p) {
	case '{': t->p++; good = elements(t, depth + 1, true); break;
	case '[': t->p++; good = elements(t, depth + 1, false); break;
	case '"': t->p++; good = string(t); break;
	case 't': good = word(t, "true"); break;
	case 'f': good = word(t, "false"); break;
	case 'n': good = word(t, "null"); break;
	default: good = number(t);
	}
	blanks(t);
	return good;
}

/* A copy that ends where it ends: who reads on is found. */
static void check(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + !size);
	struct text t = { (unsigned char *)copy, (unsigned char *)copy + size };

	if (size)
		memcpy(copy, data, size);
	must((json_check(copy, size) == 0) == (value(&t, 0) && t.p == t.end));
	free(copy);
}

static void escape(const uint8_t *data, size_t size)
{
	char *out = malloc(6 * size + 2);
	bool repaired = false;
	size_t n;

	out[0] = '"';
	n = json_escape(out + 1, (const char *)data, size, &repaired);
	must(n <= 6 * size);
	out[n + 1] = '"';
	must(json_check(out, n + 2) == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size);
	escape(data, size);
	return 0;
}
