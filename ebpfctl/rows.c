/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "rows.h"

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

bool row_is_of(const struct row *r, const char *kind)
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
		if (!row_is_of(&r->rows[i], kind))
			continue;
		json_open_object(j, NULL);
		for (size_t k = 0; k < r->rows[i].n; k++)
			if (!kind || strcmp(r->rows[i].cells[k].key, "kind"))
				cell_json(&r->rows[i].cells[k], j);
		json_close_object(j);
	}
	json_close_array(j);
}
