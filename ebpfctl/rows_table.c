/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows as a table for people. */
#include <inttypes.h>
#include <string.h>

#include "rows.h"
#include "text.h"

#define COLUMNS_MAX 24
#define CELL_TEXT 512

/* Returns the columns that the text takes. */
static size_t cell_text(const struct row *r, const char *key, char ret[CELL_TEXT])
{
	const struct cell *c = row_get(r, key);
	size_t width = 0;

	if (!c)
		snprintf(ret, CELL_TEXT, "-");
	else if (c->type == CELL_STR)
		snprintf(ret, CELL_TEXT, "%s", c->str[0] ? c->str : "-");
	else if (c->type == CELL_BOOL)
		snprintf(ret, CELL_TEXT, "%s", c->b ? "yes" : "no");
	else if (c->type == CELL_DOUBLE)
		snprintf(ret, CELL_TEXT, "%g", c->d);
	else if (c->type == CELL_U64)
		snprintf(ret, CELL_TEXT, "%" PRIu64, c->u64);
	else
		snprintf(ret, CELL_TEXT, "%" PRId64, c->s64);
	for (const char *p = ret; *p; p++)
		width += ((unsigned char)*p & 0xc0) != 0x80;
	return width;
}

struct layout_col {
	const char *key, *title;
	size_t width;
	bool right, shown;
};

static void measure(const struct rows *r, const char *kind, const struct column *def, struct layout_col *ret)
{
	bool only_if_set = def->title[0] == '?';
	char text[CELL_TEXT];

	*ret = (struct layout_col){ .key = def->key, .title = def->title + only_if_set, .right = true };
	ret->width = strlen(ret->title);
	for (size_t i = 0; i < r->n; i++) {
		const struct cell *c = row_get(&r->rows[i], def->key);
		int64_t number;

		if (!c || !row_is_of(&r->rows[i], kind))
			continue;
		ret->right = ret->right && (c->type != CELL_STR || !strcmp(c->str, "unknown") ||
					    !c->str[strspn(c->str, "-0123456789")]);
		ret->shown = ret->shown || !only_if_set ||
			(row_number(&r->rows[i], def->key, &number) ? number != 0 : c->type != CELL_STR || c->str[0]);
		ret->width = MAX(ret->width, cell_text(&r->rows[i], def->key, text));
	}
}

static void print_cell(const char *text, size_t width, const struct layout_col *col, bool last)
{
	int pad = (int)(col->width - width);

	if (col->right)
		printf("%*s", pad, "");
	print_plain(stdout, text);
	if (!last)
		printf("%*s", col->right ? 2 : pad + 2, "");
}

static void print_row(const struct row *r, const struct layout_col *cols, size_t n)
{
	char text[CELL_TEXT];

	for (size_t i = 0; i < n; i++) {
		size_t width = cell_text(r, cols[i].key, text);

		print_cell(text, width, &cols[i], i + 1 == n);
	}
}

void rows_table(const struct rows *r, const char *kind, const struct column *columns, bool color,
		bool (*bad)(const struct row *))
{
	struct layout_col cols[COLUMNS_MAX];
	size_t n = 0;

	for (; columns->key && n < COLUMNS_MAX; columns++) {
		measure(r, kind, columns, &cols[n]);
		n += cols[n].shown;
	}
	if (!n)
		return;
	fputs(color ? "\033[1m" : "", stdout);
	for (size_t i = 0; i < n; i++)
		print_cell(cols[i].title, strlen(cols[i].title), &cols[i], i + 1 == n);
	puts(color ? "\033[0m" : "");
	for (size_t i = 0; i < r->n; i++) {
		bool red = color && bad && bad(&r->rows[i]);

		if (!row_is_of(&r->rows[i], kind))
			continue;
		fputs(red ? "\033[31m" : "", stdout);
		print_row(&r->rows[i], cols, n);
		puts(red ? "\033[0m" : "");
	}
}

void print_plain(FILE *f, const char *s)
{
	const char *end = s + strlen(s);

	while (s < end) {
		size_t n = text_control(s, end);

		fputc(n ? '?' : *s, f);
		s += MAX(n, 1u);
	}
}
