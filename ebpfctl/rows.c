/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "rows.h"

#define COLUMNS_MAX 24
#define CELL_TEXT 512

static bool read_number(DBusMessageIter *v, int type, struct cell *c)
{
	union {
		dbus_bool_t b;
		unsigned char y;
		dbus_int16_t n;
		dbus_uint16_t q;
		dbus_int32_t i;
		dbus_uint32_t u;
		int64_t x;
		double d;
	} value;

	dbus_message_iter_get_basic(v, &value);
	switch (type) {
	case DBUS_TYPE_BOOLEAN: c->type = CELL_BOOL; c->b = value.b; return true;
	case DBUS_TYPE_BYTE: c->type = CELL_U64; c->u64 = value.y; return true;
	case DBUS_TYPE_UINT16: c->type = CELL_U64; c->u64 = value.q; return true;
	case DBUS_TYPE_UINT32: c->type = CELL_U64; c->u64 = value.u; return true;
	case DBUS_TYPE_UINT64: c->type = CELL_U64; c->u64 = (uint64_t)value.x; return true;
	case DBUS_TYPE_INT16: c->type = CELL_S64; c->s64 = value.n; return true;
	case DBUS_TYPE_INT32: c->type = CELL_S64; c->s64 = value.i; return true;
	case DBUS_TYPE_INT64: c->type = CELL_S64; c->s64 = value.x; return true;
	case DBUS_TYPE_DOUBLE: c->type = CELL_DOUBLE; c->d = value.d; return true;
	}
	return false;
}

/* False: a type that cells do not have. */
static bool read_cell(DBusMessageIter *entry, struct cell *ret)
{
	DBusMessageIter in, v;
	int type;

	dbus_message_iter_recurse(entry, &in);
	dbus_message_iter_get_basic(&in, &ret->key);
	dbus_message_iter_next(&in);
	dbus_message_iter_recurse(&in, &v);
	type = dbus_message_iter_get_arg_type(&v);
	if (type == DBUS_TYPE_STRING || type == DBUS_TYPE_OBJECT_PATH || type == DBUS_TYPE_SIGNATURE) {
		ret->type = CELL_STR;
		dbus_message_iter_get_basic(&v, &ret->str);
		return true;
	}
	return dbus_type_is_basic(type) && type != DBUS_TYPE_UNIX_FD && read_number(&v, type, ret);
}

static int read_row(DBusMessageIter *dict, struct row *ret)
{
	DBusMessageIter it;
	size_t room = (size_t)MAX(dbus_message_iter_get_element_count(dict), 0);

	ret->n = 0;
	ret->cells = calloc(room + 1, sizeof(*ret->cells));
	if (!ret->cells)
		return -ENOMEM;
	dbus_message_iter_recurse(dict, &it);
	while (dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_DICT_ENTRY && ret->n < room) {
		ret->n += read_cell(&it, &ret->cells[ret->n]);
		dbus_message_iter_next(&it);
	}
	return 0;
}

int rows_read(DBusMessage *reply, struct rows *ret)
{
	DBusMessageIter args, it;
	struct rows r = {};
	size_t room;

	if (strncmp(dbus_message_get_signature(reply), "aa{sv}", 6) || !dbus_message_iter_init(reply, &args))
		return -EBADMSG;
	room = (size_t)MAX(dbus_message_iter_get_element_count(&args), 0);
	r.rows = calloc(room + 1, sizeof(*r.rows));
	if (!r.rows)
		return -ENOMEM;
	r.message = dbus_message_ref(reply);
	dbus_message_iter_recurse(&args, &it);
	for (; dbus_message_iter_get_arg_type(&it) == DBUS_TYPE_ARRAY && r.n < room; dbus_message_iter_next(&it))
		if (read_row(&it, &r.rows[r.n++]) < 0) {
			rows_fini(&r);
			return -ENOMEM;
		}
	*ret = r;
	return 0;
}

void rows_fini(struct rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->rows[i].cells);
	free(r->rows);
	if (r->message)
		dbus_message_unref(r->message);
	*r = (struct rows){};
}

const struct cell *row_get(const struct row *r, const char *key)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->cells[i].key, key))
			return &r->cells[i];
	return NULL;
}

const char *row_str(const struct row *r, const char *key)
{
	const struct cell *c = row_get(r, key);

	return c && c->type == CELL_STR ? c->str : "";
}

bool row_number(const struct row *r, const char *key, int64_t *ret)
{
	const struct cell *c = row_get(r, key);

	if (!c || (c->type != CELL_U64 && c->type != CELL_S64))
		return false;
	*ret = c->s64;
	return true;
}

static bool of_kind(const struct row *r, const char *kind)
{
	return !kind || !strcmp(row_str(r, "kind"), kind);
}

static void cell_json(const struct cell *c, struct json *j)
{
	switch (c->type) {
	case CELL_STR: json_str(j, c->key, c->str); break;
	case CELL_U64: json_u64(j, c->key, c->u64); break;
	case CELL_S64: json_s64(j, c->key, c->s64); break;
	case CELL_BOOL: json_bool(j, c->key, c->b); break;
	case CELL_DOUBLE: json_double(j, c->key, c->d); break;
	}
}

void rows_json(const struct rows *r, const char *kind, struct json *j, const char *key)
{
	json_open_array(j, key);
	for (size_t i = 0; i < r->n; i++) {
		if (!of_kind(&r->rows[i], kind))
			continue;
		json_open_object(j, NULL);
		for (size_t k = 0; k < r->rows[i].n; k++)
			if (!kind || strcmp(r->rows[i].cells[k].key, "kind"))
				cell_json(&r->rows[i].cells[k], j);
		json_close_object(j);
	}
	json_close_array(j);
}

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

		if (!c || !of_kind(&r->rows[i], kind))
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

		if (!of_kind(&r->rows[i], kind))
			continue;
		fputs(red ? "\033[31m" : "", stdout);
		print_row(&r->rows[i], cols, n);
		puts(red ? "\033[0m" : "");
	}
}

void print_plain(FILE *f, const char *s)
{
	/* C1 controls are two bytes in UTF-8: C2 80 … C2 9F. */
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];

		if (c < ' ' || c == 0x7f)
			fputc('?', f);
		else if (c == 0xc2 && next >= 0x80 && next < 0xa0)
			fputc('?', f), s++;
		else
			fputc(c, f);
	}
}
