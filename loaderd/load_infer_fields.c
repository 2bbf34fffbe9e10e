/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fields of an event are its time, its process and its key. */
#include <errno.h>
#include <string.h>

#include "load.h"

static bool is_number(const struct layout_field *f, uint64_t offset, unsigned bits)
{
	return (f->kind == LAYOUT_UINT || f->kind == LAYOUT_INT) && f->bits == bits && offset % 8 == 0 && !f->when.bits;
}

static int infer_time(struct arena *a, const struct program_channel *c, struct manifest_channel *m, struct diag *d)
{
	static const char *const usual[] = { "ts_ns", "ktime_ns", "timestamp_ns" };
	const struct layout_field *f = NULL;
	const char *name = c->ts_field;
	uint64_t offset;

	if (name) {
		f = layout_find(&m->layout, name, &offset);
		if (!f || !is_number(f, offset, 64))
			return diag_fail(d, -EINVAL, c->item.file, c->item.line,
					 "channel '%s': ts_field '%s' is not a 64-bit number of struct %s", c->name,
					 name, m->layout.name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual) && !f; i++) {
		name = usual[i];
		f = layout_find(&m->layout, name, &offset);
		if (f && (f->kind != LAYOUT_UINT || !is_number(f, offset, 64)))
			f = NULL;
	}
	if (!f)
		return 0;
	m->ts_field = arena_strdup(a, name);
	m->ts_offset = offset / 8;
	m->ts_bytes = 8;
	return m->ts_field ? 0 : -ENOMEM;
}

static int infer_pid(struct arena *a, const struct program_channel *c, struct manifest_channel *m, struct diag *d)
{
	static const char *const usual[] = { "tgid", "pid" };
	const struct layout_field *f = NULL;
	const char *name = c->pid_field;
	uint64_t offset;

	if (name) {
		f = layout_find(&m->layout, name, &offset);
		if (!f || (!is_number(f, offset, 32) && !is_number(f, offset, 64)))
			return diag_fail(d, -EINVAL, c->item.file, c->item.line,
					 "channel '%s': pid_field '%s' is not a 32- or 64-bit number of struct %s",
					 c->name, name, m->layout.name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(usual) && !f; i++) {
		name = usual[i];
		f = layout_find(&m->layout, name, &offset);
		if (f && !is_number(f, offset, 32))
			f = NULL;
	}
	if (!f)
		return 0;
	m->pid_field = arena_strdup(a, name);
	m->pid_offset = offset / 8;
	m->pid_bytes = f->bits / 8;
	return m->pid_field ? 0 : -ENOMEM;
}

int infer_fields(struct arena *a, const struct program_channel *c, struct manifest_channel *m, struct diag *d)
{
	int err;

	m->ts_offset = m->pid_offset = -1;
	if (!m->has_layout) {
		if (c->ts_field || c->pid_field)
			return diag_fail(d, -EINVAL, c->item.file, c->item.line,
					 "channel '%s': %s names a field, but which struct its records are is not "
					 "known; say `event:` or `fields:`",
					 c->name, c->ts_field ? "ts_field" : "pid_field");
		return 0;
	}
	err = infer_time(a, c, m, d);
	return err ? err : infer_pid(a, c, m, d);
}

static bool usable_as_key(const struct layout_field *f, uint64_t offset)
{
	if (f->trailing || offset % 8 || f->bits % 8 || f->bits == 0 || f->when.bits)
		return false;
	switch (f->kind) {
	case LAYOUT_TEXT:
	case LAYOUT_BYTES:
	case LAYOUT_IP:
		return true;
	case LAYOUT_STRUCT:
	case LAYOUT_UNION:
	case LAYOUT_ARRAY:
	case LAYOUT_STRV:
		return false;
	default:
		return f->bits == 8 || f->bits == 16 || f->bits == 32 || f->bits == 64;
	}
}

/* A function of type hash: of the processor that takes the events; without one, of any user_so of the file. */
static const struct program_item *find_hash(const struct program *p, const struct program_event *e)
{
	const struct program_item *items = p->items.items;

	for (size_t i = 0; i < p->items.n; i++) {
		const struct program_function *f = items[i].functions.items;

		if (e->processor && strcmp(e->processor, items[i].name))
			continue;
		for (size_t k = 0; k < items[i].functions.n; k++)
			if (f[k].type == FUNCTION_HASH && !strcmp(f[k].name, e->hash))
				return &items[i];
	}
	return NULL;
}

void infer_key(struct arena *a, const struct program *p, const struct program_event *e,
	       const struct manifest_channel *m, struct manifest_route *r)
{
	const char *hash = e ? e->hash : NULL;
	const struct program_item *so = hash ? find_hash(p, e) : NULL;
	const struct layout_field *f = NULL;
	uint64_t offset;

	r->key_offset = -1;
	r->key_bytes = 0;
	if (so) {
		r->hash_item = so->name;
		r->hash_function = hash;
		r->key = arena_printf(a, "what %s() of %s returns", hash, so->name);
		return;
	}
	if (hash && m->has_layout)
		f = layout_find(&m->layout, hash, &offset);
	if (f && usable_as_key(f, offset)) {
		r->key = arena_strdup(a, hash);
		r->key_offset = offset / 8;
		r->key_bytes = f->bits / 8;
	} else if (hash) {
		r->key = arena_printf(
			a, "process id (hash '%s' names neither a function nor a field that can be a key)", hash);
	} else {
		r->key = m->pid_offset < 0 ? "none" : "process id";
	}
}
