/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fields:, and the types that they may have. */
#include <errno.h>
#include <string.h>

#include "program_doc.h"
#include "../abi/spool.h"

#define FAIL(i, ...) diag_fail(d, -EINVAL, (i)->item.file, (i)->item.line, __VA_ARGS__)

struct base {
	const char *name;
	unsigned bytes, align;
	bool integer;
};
static const struct base bases[] = {
	{ "u8", 1, 1, true },	 { "u16", 2, 2, true },	   { "u32", 4, 4, true },    { "u64", 8, 8, true },
	{ "u128", 16, 16, true }, { "s8", 1, 1, true },	   { "s16", 2, 2, true },    { "s32", 4, 4, true },
	{ "s64", 8, 8, true },	 { "s128", 16, 16, true }, { "bool", 1, 1, false },  { "char", 1, 1, true },
	{ "be16", 2, 2, false }, { "be32", 4, 4, false },  { "be64", 8, 8, false },  { "f32", 4, 4, false },
	{ "f64", 8, 8, false },	 { "ptr", 8, 8, false },   { "hex", 8, 8, false },   { "ip", 16, 1, false },
	{ "ip4", 4, 1, false },
	{ "strv", 0, 1, false },
};

static const struct base *find_base(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
		if (strlen(bases[i].name) == len && !memcmp(bases[i].name, s, len))
			return &bases[i];
	return NULL;
}

bool program_field_type_known(const char *type)
{
	size_t len = strcspn(type, "[");
	const char *p = type + len;
	char number[8];
	uint64_t count;
	bool first;

	if (!find_base(type, len) || (*p && !strncmp(type, "strv", len)))
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

/* The bytes that a field of a known type takes; 0: it goes up to the end. UINT64_MAX: more than a record has. */
static uint64_t bytes_of(const struct base *b, const char *type)
{
	uint64_t bytes = b->bytes;
	const char *p;

	for (p = strchr(type, '['); p; p = strchr(p + 1, '[')) {
		bytes *= strtoul(p + 1, NULL, 10);
		if (bytes > SPOOL_REC_MAX)
			return UINT64_MAX;
	}
	return bytes;
}

static int check_field(const struct program_field *f, uint64_t *end, struct diag *d)
{
	const struct base *b = find_base(f->type, strcspn(f->type, "["));
	uint64_t bytes = bytes_of(b, f->type);

	if (f->values.n && !b->integer)
		return FAIL(f, "values: the type %s of %s is no integer", f->type, f->name);
	if (bytes == UINT64_MAX)
		return FAIL(f, "type: %s of %s is longer than a record may be (%u bytes)", f->type, f->name,
			    SPOOL_REC_MAX);
	*end = (f->offset == UINT64_MAX ? ALIGN_UP(*end, b->align) : f->offset) + bytes;
	if (*end > SPOOL_REC_MAX)
		return FAIL(f, "fields: %s ends at byte %lu, where no record reaches (expected up to %u)", f->name,
			    (unsigned long)*end, SPOOL_REC_MAX);
	return 0;
}

/* The bytes of a single integer that is in every record; 0: it is none. */
static uint64_t plain_integer(const struct program_field *f)
{
	const struct base *b = find_base(f->type, strlen(f->type));

	return b && b->integer && !f->when.field ? b->bytes : 0;
}

/* ts_field: or pid_field: (@key) must be an integer of 8 or @other bytes. */
static int check_named(const struct program_channel *c, const char *key, const char *name, unsigned other,
		       struct diag *d)
{
	for EACH(program_field, f, &c->fields) {
		uint64_t bytes = plain_integer(f);

		if (name && !strcmp(f->name, name) && !f->values.n && (bytes == 8 || bytes == other))
			return 0;
	}
	return name && c->fields.n ? FAIL(c, "%s: \"%s\" is not among the fields of %s, or no integer of %s bytes", key,
					  name, c->name, other == 8 ? "8" : "4 or 8") : 0;
}

static bool is_trailing(const struct program_field *f)
{
	return strstr(f->type, "[]") || !strcmp(f->type, "strv");
}

/* length: or when: (@key) of the field at @index names an integer that is always there, and above. */
static int check_reference(const struct conf_list *list, size_t index, const char *key, const char *name,
			   struct diag *d)
{
	const struct program_field *fields = list->items;

	for (size_t i = 0; name && i < index; i++) {
		uint64_t bytes = plain_integer(&fields[i]);

		if (!strcmp(fields[i].name, name) && bytes && bytes <= 8)
			return 0;
	}
	return name ? FAIL(&fields[index], "%s: \"%s\" is no integer that stands above %s and is always there", key,
			   name, fields[index].name) : 0;
}

/* Only of variants there may be several of one name. */
static bool are_variants(const struct program_field *a, const struct program_field *b)
{
	return a->when.field && b->when.field && !strcmp(a->when.field, b->when.field) &&
	       a->when.value != b->when.value;
}

static int check_order(const struct conf_list *list, struct diag *d)
{
	const struct program_field *fields = list->items;
	size_t i, j;

	for (i = 0; i < list->n; i++) {
		int err;

		if (is_trailing(&fields[i]) && i + 1 < list->n)
			return FAIL(&fields[i], "fields: %s goes up to the record's end, so it must be the last",
				    fields[i].name);
		if (fields[i].length && !is_trailing(&fields[i]))
			return FAIL(&fields[i], "length: %s has one by its type (expected with char[], u8[], strv …)",
				    fields[i].name);
		err = check_reference(list, i, "length", fields[i].length, d) ?:
		      check_reference(list, i, "when", fields[i].when.field, d);
		if (err)
			return err;
		for (j = 0; j < i; j++)
			if (!strcmp(fields[j].name, fields[i].name) && !are_variants(&fields[j], &fields[i]))
				return FAIL(&fields[i], "fields: \"%s\" is there twice (first in line %u)",
					    fields[i].name, fields[j].item.line);
	}
	return 0;
}

int program_check_part(const struct conf_list *fields, const char *key, struct diag *d)
{
	uint64_t end = 0;
	int err = check_order(fields, d);

	for EACH(program_field, f, fields) {
		if (!err && is_trailing(f))
			return FAIL(f, "%s: %s has no size (expected a type that has one)", key, f->name);
		if (!err && f->when.field)
			return FAIL(f, "when: %s is a field of a map's %s, which is there always", f->name, key);
		err = err ? err : check_field(f, &end, d);
	}
	return err;
}

int program_check_fields(const struct program_channel *c, struct diag *d)
{
	uint64_t end = 0, last = 0;
	int err;

	if (c->size && !c->fields.n)
		return FAIL(c, "size: of %s goes with fields:, which are missing", c->name);
	err = check_order(&c->fields, d);
	for EACH(program_field, f, &c->fields) {
		err = err ? err : check_field(f, &end, d);
		last = MAX(last, end);
	}
	if (!err && c->size && c->size < last)
		return FAIL(c, "size: the fields of %s end at byte %lu (expected at least that)", c->name,
			    (unsigned long)last);
	if (!err)
		err = check_named(c, "ts_field", c->ts_field, 8, d);
	return err ? err : check_named(c, "pid_field", c->pid_field, 4, d);
}
