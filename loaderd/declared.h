/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of programs.d: declared.c looks at them, declared_file.c reads one, declared_load.c does what it says. */
#ifndef EBPF_AGENT_DECLARED_H
#define EBPF_AGENT_DECLARED_H

#include "loaderd.h"

/* A file of programs.d. */
struct declared {
	struct declared *next;
	char *path;
	char program[AGENT_NAME_MAX + 1];	/* empty: the file could not be read or parsed */
	uint32_t crc, len;			/* of its text, as it was loaded last */
	bool seen;
	bool retry;				/* it is not as the file says: tried again at the next reload */
	bool due;				/* … at the next look */
};

/* NULL: out of memory. A new one is to be tried. */
struct declared *declared_row(struct loaderd *d, const char *path);
/* What is wrong with it, as the daemon's state; NULL: nothing. */
void declared_tell(struct loaderd *d, const struct declared *row, const char *trouble);
/* It has to wait for something that is under way. */
void declared_later(struct loaderd *d, struct declared *row);

/* declared_file.c */
struct declared_text {
	char *s;
	size_t len;
	time_t changed;
};
/* Never waits for a FIFO. @ret->s is to be freed. */
int declared_read(const char *path, struct declared_text *ret);
/* Why it could not be read, in words. */
void declared_fault(const char *path, int err, char *ret, size_t size);
/* Of which program a file speaks, without loading it: empty if that cannot be said. */
void declared_name(const char *path, const struct declared_text *t, char ret[AGENT_NAME_MAX + 1]);
/* Does @path lie in one of the folders that are looked at? Then whatever was loaded from it was declared. */
bool declared_is_path(const char *path);
bool declared_is_utf8(const char *path);

/* declared_load.c */
void declared_load(struct loaderd *d, struct declared *row, const struct declared_text *t);
/* Unloads @e, and then loads what the file says by then. */
void declared_replace(struct loaderd *d, struct declared *row, struct entry *e);

#endif
