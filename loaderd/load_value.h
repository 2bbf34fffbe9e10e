/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value that YAML gives, on its way into a map or a variable: what load_bytes.c and load_value.c share. */
#ifndef EBPF_AGENT_LOAD_VALUE_H
#define EBPF_AGENT_LOAD_VALUE_H

#include "load.h"

struct value_target {		/* where a value goes, and how it is called in messages */
	struct load *l;
	const struct btf *btf;	/* NULL: its type is not known */
	const char *what;
	unsigned depth;
};

/* "expected @expected, not …", at @n's line. Returns -EINVAL. */
int value_refuse(const struct value_target *t, const struct yaml_node *n, const char *expected);

/* "0a 0b 0c", "0x0a0b0c", "hex:0a0b0c": exactly @size bytes, in the order of memory. */
bool value_hex(const char *s, void *to, size_t size);
/* -1…, 0x…, decimal. @bits of the target; false: not a number, or it does not fit. */
bool value_number(const char *s, unsigned bits, bool is_signed, uint64_t *ret);
/* @size bytes; what is wider than 8 bytes takes its sign along. */
void value_store(void *to, size_t size, uint64_t v, bool negative);

#endif
