/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scalars of configuration, from text. */
#include <errno.h>
#include <string.h>

#include "conf.h"
#include "../abi/names.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 }, { "B", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 }, { "G", 1ULL << 30 },
	{ "T", 1ULL << 40 }, { 0 },
};
static const struct unit time_units[] = {
	{ "", NSEC_PER_SEC }, { "ns", 1 }, { "us", 1000 }, { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC }, { "h", 3600 * NSEC_PER_SEC }, { "d", 86400 * NSEC_PER_SEC }, { 0 },
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Not strtoull: no sign, no blanks, no octal. *ret_end: what follows the digits. */
static int parse_digits(const char *s, int base, uint64_t *ret, const char **ret_end)
{
	uint64_t v = 0;
	const char *p;

	for (p = s; digit(*p) < base; p++)
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) || __builtin_add_overflow(v, (uint64_t)digit(*p), &v))
			return -ERANGE;
	if (p == s)
		return -EINVAL;
	*ret = v;
	*ret_end = p;
	return 0;
}

int conf_parse_u64(const char *s, uint64_t *ret)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *end;
	uint64_t v;
	int err;

	err = parse_digits(hex ? s + 2 : s, hex ? 16 : 10, &v, &end);
	if (err < 0)
		return err;
	if (*end)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int parse_with_unit(const char *s, const struct unit *units, uint64_t *ret)
{
	const struct unit *u;
	const char *end;
	uint64_t v;
	int err;

	err = parse_digits(s, 10, &v, &end);
	if (err < 0)
		return err;
	for (u = units; u->name && strcmp(u->name, end); u++)
		;
	if (!u->name)
		return -EINVAL;
	if (__builtin_mul_overflow(v, u->factor, &v))
		return -ERANGE;
	*ret = v;
	return 0;
}

int conf_parse_size(const char *s, uint64_t *ret)
{
	return parse_with_unit(s, size_units, ret);
}

int conf_parse_time(const char *s, uint64_t *ret_ns)
{
	return parse_with_unit(s, time_units, ret_ns);
}

int conf_parse_bool(const char *s, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "yes", true }, { "on", true }, { "false", false }, { "no", false },
		{ "off", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(s, words[i].word)) {
			*ret = words[i].value;
			return 0;
		}
	return -EINVAL;
}

bool conf_name_valid(const char *s)
{
	size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len && len <= AGENT_NAME_MAX && !s[len];
}

/* Damerau-Levenshtein (optimal string alignment), for short words. */
#define WORD_MAX 40
static unsigned distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t n = strlen(a), m = strlen(b), i, j;

	if (n > WORD_MAX || m > WORD_MAX)
		return WORD_MAX;
	for (i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (i = 1; i <= n; i++)
		for (j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = MIN(best, d[i - 1][j] + 1);
			best = MIN(best, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	return d[n][m];
}

const char *conf_did_you_mean(const char *s, const char *const *choices)
{
	const char *best = NULL;
	unsigned best_distance = 0;

	for (; *choices; choices++) {
		unsigned slips = distance(s, *choices);
		size_t len = strlen(*choices);

		if (slips <= (len >= 5 ? 2 : 1) && slips < len && (!best || slips < best_distance)) {
			best = *choices;
			best_distance = slips;
		}
	}
	return best;
}
