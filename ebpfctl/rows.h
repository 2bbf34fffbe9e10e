/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of the daemons are rows, aa{sv}: printed here as a table or as JSON, whatever they are about. */
#ifndef EBPF_AGENT_ROWS_H
#define EBPF_AGENT_ROWS_H

#include "../common/json.h"
#include "client.h"

enum cell_type { CELL_STR, CELL_U64, CELL_S64, CELL_BOOL, CELL_DOUBLE };

struct cell {
	const char *key;	/* lies in the message, as strings do */
	enum cell_type type;
	union {
		const char *str;
		uint64_t u64;
		int64_t s64;
		bool b;
		double d;
	};
};

struct row {
	struct cell *cells;
	size_t n;
};

struct rows {
	DBusMessage *message;	/* a reference of ours */
	struct row *rows;
	size_t n;
};

/* Reads the first argument of @reply. Values of types that rows do not have are left out. 0, -EBADMSG: not aa{sv}. */
int rows_read(DBusMessage *reply, struct rows *ret);
/* Accepts a zeroed one. */
void rows_fini(struct rows *r);

/* NULL: the row has no such cell. */
const struct cell *row_get(const struct row *r, const char *key);
/* "" if there is no such string. */
const char *row_str(const struct row *r, const char *key);
/* False: no such cell, or it holds no number (such as "unknown"). */
bool row_number(const struct row *r, const char *key, int64_t *ret);
/* Is its `kind` @kind? NULL: any. */
bool row_is_of(const struct row *r, const char *kind);
/* All rows of @kind, as an array of objects. */
void rows_json(const struct rows *r, const char *kind, struct json *j, const char *key);

struct column {
	const char *key, *title;
};
/* rows_table.c: the same rows as an aligned table with a heading; numbers to the right. Ends with a NULL key. Columns
 * in which every cell is absent, or zero in a column whose title begins with '?', are left out. @bad (may be NULL): is
 * this row to be shown in red? */
void rows_table(const struct rows *r, const char *kind, const struct column *columns, bool color,
		bool (*bad)(const struct row *));

/* Text from outside, for terminals: what could move the cursor or change colours becomes '?'. */
void print_plain(FILE *f, const char *s);

#endif
