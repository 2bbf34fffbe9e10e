/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An arena: everything that was made while one document was read, freed at once. Bounded: past its limit it says
 * -ENOMEM, so that a document cannot take the machine's memory. Not shared between threads. */
#ifndef EBPF_AGENT_ARENA_H
#define EBPF_AGENT_ARENA_H

#include "base.h"

struct arena;

#define ARENA_DEFAULT_LIMIT (64u << 20)

/* @limit in bytes, 0: ARENA_DEFAULT_LIMIT. NULL: out of memory. */
struct arena *arena_new(size_t limit);
/* Accepts NULL. */
void arena_free(struct arena *a);
void arena_freep(struct arena **a);	/* for cleanup() */

/* Zeroed and aligned for any type. NULL past the limit or out of memory. */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of @len bytes with a NUL behind them. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);

#endif
