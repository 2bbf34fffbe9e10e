/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types that fields: may have. */
#include <string.h>

#include "program.h"
#include "../abi/spool.h"

static bool is_base_type(const char *s, size_t len)
{
	static const char *const types[] = {
		"u8", "u16", "u32", "u64", "u128", "s8", "s16", "s32", "s64", "s128", "bool", "char", "be16", "be32",
		"be64", "f32", "f64", "ptr", "hex", "ip", "strv",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i]) == len && !memcmp(types[i], s, len))
			return true;
	return false;
}

bool program_field_type_known(const char *type)
{
	size_t len = strcspn(type, "[");
	const char *p = type + len;
	char number[8];
	uint64_t count;
	bool first;

	if (!is_base_type(type, len) || (*p && !strncmp(type, "strv", len)))
		return false;
	for (first = true; *p == '['; first = false) {
		size_t digits = strspn(++p, "0123456789");

		if (p[digits] != ']' || (!digits && !first) || digits >= sizeof(number))
			return false;
		memcpy(number, p, digits);
		number[digits] = 0;
		if (digits && (conf_parse_u64(number, &count) < 0 || !count || count > SPOOL_REC_MAX))
			return false;
		p += digits + 1;
	}
	return !*p;
}
