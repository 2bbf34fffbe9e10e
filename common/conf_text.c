/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "conf_text.h"
#include "../abi/names.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static void format_unit(uint64_t v, const struct unit *u, char *ret)
{
	while (v % u->factor || (!v && u->factor > 1))	/* the table ends with 1 */
		u++;
	snprintf(ret, CONF_NUMBER_MAX, "%" PRIu64 "%s", v / u->factor, u->name);
}

void conf_format_size(uint64_t bytes, char ret[CONF_NUMBER_MAX])
{
	static const struct unit units[] = {
		{ "T", 1ULL << 40 }, { "G", 1ULL << 30 }, { "M", 1ULL << 20 }, { "K", 1ULL << 10 }, { "", 1 },
	};

	format_unit(bytes, units, ret);
}

void conf_format_time(uint64_t ns, char ret[CONF_NUMBER_MAX])
{
	static const struct unit units[] = {
		{ "d", 86400 * NSEC_PER_SEC },
		{ "h", 3600 * NSEC_PER_SEC },
		{ "m", 60 * NSEC_PER_SEC },
		{ "s", NSEC_PER_SEC },
		{ "ms", NSEC_PER_MSEC },
		{ "us", 1000 },
		{ "ns", 1 },
	};

	if (ns)
		format_unit(ns, units, ret);
	else
		strcpy(ret, "0");
}

static void format_bound(const struct conf_key *k, uint64_t v, char *ret)
{
	if (k->type == CONF_SIZE)
		conf_format_size(v, ret);
	else if (k->type == CONF_TIME)
		conf_format_time(v, ret);
	else if (k->type == CONF_INT)
		snprintf(ret, CONF_NUMBER_MAX, "%" PRId64, (int64_t)v);
	else
		snprintf(ret, CONF_NUMBER_MAX, "%" PRIu64, v);
}

static void expected_number(const struct conf_key *k, const char *what, char *ret)
{
	char min[CONF_NUMBER_MAX], max[CONF_NUMBER_MAX];

	format_bound(k, k->min, min);
	format_bound(k, k->max, max);
	if (k->max)
		snprintf(ret, CONF_EXPECTED_MAX, "%s from %s to %s", what, min, max);
	else if (k->min)
		snprintf(ret, CONF_EXPECTED_MAX, "%s of at least %s", what, min);
	else
		snprintf(ret, CONF_EXPECTED_MAX, "%s", what);
}

static void expected_choices(const struct conf_key *k, char *ret)
{
	size_t len = (size_t)snprintf(ret, CONF_EXPECTED_MAX, "one of");
	size_t i;

	for (i = 0; k->choices[i] && len < CONF_EXPECTED_MAX; i++)
		len += (size_t)snprintf(ret + len, CONF_EXPECTED_MAX - len, "%s %s", i ? "," : "", k->choices[i]);
}

void conf_expected(const struct conf_key *k, char ret[CONF_EXPECTED_MAX])
{
	switch (k->type) {
	case CONF_BOOL: snprintf(ret, CONF_EXPECTED_MAX, "true or false"); break;
	case CONF_UINT: expected_number(k, "a number", ret); break;
	case CONF_INT: expected_number(k, "a number", ret); break;
	case CONF_SIZE: expected_number(k, "a size such as 64K or 16M,", ret); break;
	case CONF_TIME: expected_number(k, "a time such as 100ms or 5s,", ret); break;
	case CONF_NAME:
		snprintf(ret, CONF_EXPECTED_MAX, "a name of 1 to %d characters of " AGENT_NAME_CHARS, AGENT_NAME_MAX);
		break;
	case CONF_STR:
		if (k->max)
			snprintf(ret, CONF_EXPECTED_MAX, "a text of %" PRIu64 " to %" PRIu64 " characters", k->min,
				 k->max);
		else
			snprintf(ret, CONF_EXPECTED_MAX, "a text");
		break;
	case CONF_ENUM: expected_choices(k, ret); break;
	case CONF_STRS: snprintf(ret, CONF_EXPECTED_MAX, "a text or a list of texts"); break;
	case CONF_LIST: snprintf(ret, CONF_EXPECTED_MAX, "a list"); break;
	case CONF_STRUCT:
	case CONF_DICT: snprintf(ret, CONF_EXPECTED_MAX, "a mapping"); break;
	default: snprintf(ret, CONF_EXPECTED_MAX, "%s", k->help ? k->help : "a value"); break;
	}
	if (ret[strlen(ret) - 1] == ',')	/* sizes and times without bounds */
		ret[strlen(ret) - 1] = 0;
}
