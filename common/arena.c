/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <string.h>

#include "arena.h"

#define BLOCK_FIRST 4096u
#define BLOCK_LARGEST (256u << 10)

struct block {
	struct block *next;
	size_t size, used;
	_Alignas(max_align_t) char bytes[];
};

struct arena {
	struct block *blocks;	/* the first one is being filled */
	size_t limit, total;
	size_t next_size;
};

struct arena *arena_new(size_t limit)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->limit = limit ? limit : ARENA_DEFAULT_LIMIT;
	a->next_size = BLOCK_FIRST;
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	while (a->blocks) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	free(a);
}

void arena_freep(struct arena **a)
{
	arena_free(*a);
}

/* calloc: fresh pages are zero already, so an untouched block costs nothing. */
static struct block *add_block(struct arena *a, size_t size)
{
	struct block *b;

	if (size > a->limit - a->total)
		return NULL;
	b = calloc(1, sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	a->total += size;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct block *b = a->blocks;
	size_t need, want;
	void *p;

	if (size > a->limit)
		return NULL;
	need = ALIGN_UP(size ? size : 1, _Alignof(max_align_t));
	if (b && b->size - b->used >= need)
		goto found;

	if (need > BLOCK_LARGEST / 4) {	/* a block of its own, behind the one being filled */
		b = add_block(a, need);
		if (!b)
			return NULL;
		b->used = need;
		if (a->blocks) {
			b->next = a->blocks->next;
			a->blocks->next = b;
		} else {
			a->blocks = b;
		}
		return b->bytes;
	}
	want = MIN(a->next_size, a->limit - a->total);
	b = add_block(a, MAX(need, want));
	if (!b)
		return NULL;
	a->next_size = MIN(a->next_size * 2, (size_t)BLOCK_LARGEST);
	b->next = a->blocks;
	a->blocks = b;
found:
	p = b->bytes + b->used;
	b->used += need;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = arena_alloc(a, len + 1);
	if (copy)
		memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *s;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return NULL;
	s = arena_alloc(a, (size_t)len + 1);
	if (!s)
		return NULL;
	va_start(args, fmt);
	vsnprintf(s, (size_t)len + 1, fmt, args);
	va_end(args);
	return s;
}
