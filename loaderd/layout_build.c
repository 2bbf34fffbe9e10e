/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layout_build.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define NESTED_MAX (LAYOUT_DEPTH_MAX - 2)	/* the root and its members are levels, too */

void *layout_push(struct layout_build *b, struct conf_list *list, size_t size)
{
	/* Room for a power of two of elements; the arena frees nothing, so what is left behind is at most as much
	 * again. */
	if ((list->n & (list->n - 1)) == 0) {
		char *bigger = arena_alloc(b->arena, (list->n ? 2 * list->n : 1) * size);

		if (!bigger) {
			layout_refuse(b, "out of memory");
			return NULL;
		}
		if (list->n)
			memcpy(bigger, list->items, list->n * size);
		list->items = bigger;
	}
	return (char *)list->items + list->n++ * size;
}

struct layout_field *layout_push_field(struct layout_build *b, struct conf_list *list, const char *name)
{
	struct layout_field *f;

	if (b->n_fields == LAYOUT_FIELDS_MAX) {
		layout_refuse(b, "has more than %d fields", LAYOUT_FIELDS_MAX);
		return NULL;
	}
	f = layout_push(b, list, sizeof(*f));
	if (!f)
		return NULL;
	b->n_fields++;
	f->name = arena_strdup(b->arena, name);
	return f->name ? f : NULL;
}

int layout_refuse(struct layout_build *b, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return diag_fail(b->diag, -EINVAL, NULL, 0, "struct %s %s", b->name, text);
}

int layout_enter(struct layout_build *b)
{
	if (b->depth == NESTED_MAX)
		return layout_refuse(b, "is nested more than %d levels deep", NESTED_MAX);
	b->depth++;
	return 0;
}

void layout_leave(struct layout_build *b)
{
	b->depth--;
}

bool layout_is_padding(const char *name)
{
	return !strncmp(name, "__pad", 5);
}

bool layout_named_type(const char *name, struct layout_field *f)
{
	static const struct {
		const char *name;
		int kind;
		unsigned bits;
	} known[] = {
		{ "__be16", LAYOUT_BE, 16 },
		{ "__be32", LAYOUT_BE, 32 },
		{ "__be64", LAYOUT_BE, 64 },
		{ "agent_ip", LAYOUT_IP, 128 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(name, known[i].name)) {
			f->kind = known[i].kind;
			f->bits = known[i].bits;
			return true;
		}
	return false;
}

int layout_make_array(struct layout_build *b, struct layout_field *f, uint64_t count, bool trailing, bool of_char,
		      bool of_strv)
{
	struct layout_field element = *f, *e;

	if (trailing) {
		f->trailing = true;
		f->bits = 0;
	} else {
		f->bits = element.bits * count;
	}
	f->count = 0;
	f->is_signed = false;
	f->fields = f->values = (struct conf_list){ 0 };
	if (of_strv && trailing) {
		f->kind = LAYOUT_STRV;
		return 0;
	}
	if (of_char) {
		f->kind = LAYOUT_TEXT;
		return 0;
	}
	if (element.kind == LAYOUT_UINT && element.bits == 8) {
		f->kind = LAYOUT_BYTES;
		return 0;
	}
	f->kind = LAYOUT_ARRAY;
	f->count = count;
	e = layout_push_field(b, &f->fields, "");
	if (!e)
		return -EINVAL;
	element.name = e->name;
	element.offset = 0;
	*e = element;
	return 0;
}

static const struct layout_field *trailing_in(const struct layout_field *f, uint64_t *offset)
{
	const struct layout_field *fields = f->fields.items, *found;

	if (f->kind != LAYOUT_STRUCT)
		return NULL;
	for (size_t i = 0; i < f->fields.n; i++) {
		*offset += fields[i].offset;
		if (fields[i].trailing)
			return &fields[i];
		found = trailing_in(&fields[i], offset);
		if (found)
			return found;
		*offset -= fields[i].offset;
	}
	return NULL;
}

uint64_t layout_fixed_size(const struct layout *l, uint64_t struct_size)
{
	uint64_t offset = 0;

	return trailing_in(&l->root, &offset) ? offset / 8 : struct_size;
}
