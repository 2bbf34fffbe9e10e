/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "results.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "../abi/processor.h"
#include "json.h"
#include "json_walk.h"

static bool is_name(struct span v)
{
	struct span s = span_inside(v);

	if (!span_is(v, '"') || s.p == s.end || s.end - s.p > TRACER_SAMPLE_NAME_MAX || isdigit((unsigned char)*s.p))
		return false;
	for (; s.p < s.end; s.p++)
		if (!isalnum((unsigned char)*s.p) && *s.p != '_' && *s.p != ':')
			return false;
	return true;
}

/* Of valid JSON, what begins like a number is one. */
static bool is_number(struct span v)
{
	return v.p < v.end && (isdigit((unsigned char)*v.p) || *v.p == '-');
}

static bool are_labels(struct span v)
{
	struct span s = span_inside(v), key, value;
	size_t n = 0;

	if (!span_is(v, '{'))
		return false;
	while (span_next(&s, &key, &value))
		if (++n > TRACER_SAMPLE_LABELS_MAX || !is_name(key) || !span_is(value, '"'))
			return false;
	return true;
}

static bool are_buckets(struct span v)
{
	struct span s = span_inside(v), pair, bound, count, more;

	if (!span_is(v, '['))
		return false;
	while (span_next(&s, NULL, &pair)) {
		struct span in = span_inside(pair);

		if (!span_is(pair, '[') || !span_next(&in, NULL, &bound) || !span_next(&in, NULL, &count) ||
		    span_next(&in, NULL, &more) || !is_number(bound) || !is_number(count) || *count.p == '-')
			return false;
	}
	return true;
}

static bool is_type(struct span v)
{
	return span_equals(v, "\"counter\"") || span_equals(v, "\"gauge\"") || span_equals(v, "\"histogram\"");
}

/* The members that a sample may have. */
enum { NAME = 1, TYPE = 2, LABELS = 4, VALUE = 8, BUCKETS = 16, COUNT = 32, SUM = 64 };
static const struct {
	const char *key;
	unsigned bit;
	bool (*check)(struct span value);
} members[] = {
	{ "\"name\"", NAME, is_name },
	{ "\"type\"", TYPE, is_type },
	{ "\"labels\"", LABELS, are_labels },
	{ "\"value\"", VALUE, is_number },
	{ "\"buckets\"", BUCKETS, are_buckets },
	{ "\"count\"", COUNT, is_number },
	{ "\"sum\"", SUM, is_number },
};

/* Its bit; 0: there is no such member, or it is not as it must be. */
static unsigned check_member(struct span key, struct span value)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (span_equals(key, members[i].key))
			return members[i].check(value) ? members[i].bit : 0;
	return 0;
}

int sample_check(const char *json, size_t len)
{
	struct span all = { json, json + len }, object, s, key, value;
	bool histogram = false;
	unsigned seen = 0;

	if (json_check(json, len) < 0)
		return -EINVAL;
	object = span_take(&all);
	if (!span_is(object, '{'))
		return -EINVAL;
	s = span_inside(object);
	while (span_next(&s, &key, &value)) {
		unsigned bit = check_member(key, value);

		if (!bit || seen & bit)
			return -EINVAL;
		seen |= bit;
		histogram |= bit == TYPE && span_equals(value, "\"histogram\"");
	}
	seen &= ~(unsigned)LABELS;
	if (histogram)
		return (seen & ~(unsigned)(COUNT | SUM)) == (NAME | TYPE | BUCKETS) ? 0 : -EINVAL;
	return seen == (NAME | TYPE | VALUE) ? 0 : -EINVAL;
}

int results_check(const char *text, size_t len)
{
	const char *s = text, *end = text + len;

	while (s < end) {
		const char *feed = memchr(s, '\n', (size_t)(end - s)), *stop = feed ? feed : end;
		int err = *s == TRACER_SAMPLE ? sample_check(s + 1, (size_t)(stop - s - 1))
					      : json_check(s, (size_t)(stop - s));

		if (err < 0)
			return -EINVAL;
		s = feed ? feed + 1 : end;
	}
	return 0;
}
