/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a FIFO: whatever one holds becomes valid JSON within the room that is said, JSON stays what it is, and a
 * quoted value or a text comes out as what went in. */
#include "channeld/line.h"
#include "common/json.h"
#include "fuzz.h"

/* As a pipe's worker would have it: no NUL, no line feed, nothing readable behind it. */
static char *line_of(const uint8_t *data, size_t size, size_t *ret_len)
{
	char *line = malloc(size + !size);
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		if (data[i] && data[i] != '\n')
			line[n++] = (char)data[i];
	*ret_len = n;
	return realloc(line, n + !n);
}

static char *convert(const char *line, size_t len, size_t *ret_len, bool *ret_repaired)
{
	char *out = malloc(LINE_ROOM(len));

	*ret_repaired = false;
	*ret_len = line_to_json(out, line, len, ret_repaired);
	must(*ret_len > 0 && *ret_len <= LINE_ROOM(len));
	must(json_check(out, *ret_len) == 0);
	return out;
}

static void trim(const char **s, size_t *len)
{
	for (; *len && strchr(" \t\r", **s); (*len)--)
		(*s)++;
	while (*len && strchr(" \t\r", (*s)[*len - 1]))
		(*len)--;
}

/* @s, of @len bytes, as it must stand in the JSON that comes out: between @before and @behind. */
static void expect(const char *got, size_t got_len, const char *before, const char *s, size_t len, const char *behind)
{
	char *right = malloc(strlen(before) + 6 * len + strlen(behind));
	bool repaired = false;
	char *p = mempcpy(right, before, strlen(before));

	p += json_escape(p, s, len, &repaired);
	p = mempcpy(p, behind, strlen(behind));
	must((size_t)(p - right) == got_len && !memcmp(got, right, got_len));
	free(right);
}

static void any_line(const char *line, size_t len)
{
	const char *s = line;
	size_t n;
	bool repaired;
	char *out = convert(line, len, &n, &repaired);

	trim(&s, &len);
	if (json_check(s, len) == 0)
		must(n == len && !memcmp(out, s, n) && !repaired);
	else if (!memmem(s, len, "=", 1))
		expect(out, n, "{\"line\":\"", s, len, "\"}");
	else
		must(out[0] == '{');
	free(out);
}

static void quoted_value(const char *value, size_t len)
{
	char *line = malloc(2 * len + 16), *p = mempcpy(line, "a=1\tkey=\"", 9), *out;
	bool repaired;
	size_t n;

	for (size_t i = 0; i < len; i++) {
		if (value[i] == '"' || value[i] == '\\')
			*p++ = '\\';
		*p++ = value[i];
	}
	*p++ = '"';
	n = (size_t)(p - line);
	line = realloc(line, n);	/* who reads on is found */
	out = convert(line, n, &n, &repaired);
	expect(out, n, "{\"a\":1,\"key\":\"", value, len, "\"}");
	free(line);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	char *line = line_of(data, size, &len);

	any_line(line, len);
	quoted_value(line, len);
	free(line);
	return 0;
}
