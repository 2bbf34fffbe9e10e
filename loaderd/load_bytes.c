/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values whose type is not known: numbers and bytes. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "load_value.h"

int value_refuse(const struct value_target *t, const struct yaml_node *n, const char *expected)
{
	char shown[DIAG_EXCERPT];

	if (n->kind != YAML_NODE_SCALAR)
		return load_fail(t->l, n->line, "'%s': expected %s", t->what, expected);
	return load_fail(t->l, n->line, "'%s': expected %s, not '%s'", t->what, expected,
			 diag_excerpt(shown, n->value));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool value_hex(const char *s, void *to, size_t size)
{
	unsigned char *out = to;
	size_t n = 0;

	if (!strncmp(s, "hex:", 4))
		s += 4;
	else if (!strncmp(s, "0x", 2))
		s += 2;
	while (*s) {
		if (*s == ' ' || *s == ':') {
			s++;
			continue;
		}
		if (hex_digit(s[0]) < 0 || hex_digit(s[1]) < 0 || n == size)
			return false;
		out[n++] = hex_digit(s[0]) << 4 | hex_digit(s[1]);
		s += 2;
	}
	return n == size;
}

bool value_number(const char *s, unsigned bits, bool is_signed, uint64_t *ret)
{
	int base = !strncmp(s + (s[0] == '-'), "0x", 2) ? 16 : 10;	/* 010 is ten */
	unsigned long long u;
	long long v;
	char *end;

	if (!isdigit((unsigned char)s[0]) && !(s[0] == '-' && is_signed && isdigit((unsigned char)s[1])))
		return false;
	errno = 0;
	if (!is_signed) {
		u = strtoull(s, &end, base);
		*ret = u;
		return !errno && !*end && (bits >= 64 || u < 1ULL << bits);
	}
	v = strtoll(s, &end, base);
	*ret = (uint64_t)v;
	return !errno && !*end && (bits >= 64 || (v >= -(1LL << (bits - 1)) && v < 1LL << (bits - 1)));
}

void value_store(void *to, size_t size, uint64_t v, bool negative)
{
	memset(to, negative ? 0xff : 0, size);
	memcpy(to, &v, MIN(size, sizeof(v)));
}

int load_bytes(struct load *l, const struct yaml_node *n, void *to, size_t size, const char *what)
{
	const struct value_target t = { .l = l, .what = what };
	uint64_t v;

	if (n->kind == YAML_NODE_SCALAR && (size == 1 || size == 2 || size == 4 || size == 8) &&
	    (value_number(n->value, 8 * size, false, &v) || value_number(n->value, 8 * size, true, &v))) {
		value_store(to, size, v, false);
		return 0;
	}
	if (n->kind == YAML_NODE_SCALAR && value_hex(n->value, to, size))
		return 0;
	return value_refuse(
		&t, n,
		arena_printf(l->arena, "a number or %zu bytes in hex (its type is not in the object's BTF)", size));
}
