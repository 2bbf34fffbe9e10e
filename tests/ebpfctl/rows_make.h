/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers as a daemon would send them: rows out of text, "kind=channel program=exec drained=3"; words that are
 * numbers are sent as numbers, and "true" as a boolean. */
#ifndef EBPF_AGENT_TEST_ROWS_MAKE_H
#define EBPF_AGENT_TEST_ROWS_MAKE_H

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "ebpfctl/rows.h"

static void make_cell(DBusMessageIter *row, const char *key, const char *value)
{
	DBusMessageIter entry, variant;
	dbus_uint64_t number = strtoull(value, NULL, 10);
	dbus_bool_t is_true = !strcmp(value, "true");
	bool is_number = isdigit((unsigned char)value[0]) && !value[strspn(value, "0123456789")];

	dbus_message_iter_open_container(row, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
	dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key);
	dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, is_true ? "b" : is_number ? "t" : "s", &variant);
	if (is_true)
		dbus_message_iter_append_basic(&variant, DBUS_TYPE_BOOLEAN, &is_true);
	else if (is_number)
		dbus_message_iter_append_basic(&variant, DBUS_TYPE_UINT64, &number);
	else
		dbus_message_iter_append_basic(&variant, DBUS_TYPE_STRING, &value);
	dbus_message_iter_close_container(&entry, &variant);
	dbus_message_iter_close_container(row, &entry);
}

static void make_row(DBusMessageIter *rows, const char *text)
{
	char copy[512], *save = NULL;
	DBusMessageIter row;

	snprintf(copy, sizeof(copy), "%s", text);
	dbus_message_iter_open_container(rows, DBUS_TYPE_ARRAY, "{sv}", &row);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(word, '=');

		*eq = '\0';
		make_cell(&row, word, eq + 1);
	}
	dbus_message_iter_close_container(rows, &row);
}

/* @texts ends with NULL. */
static struct rows make_rows(const char *const *texts)
{
	DBusMessage *m = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
	DBusMessageIter args, rows;
	struct rows ret = {};

	dbus_message_iter_init_append(m, &args);
	dbus_message_iter_open_container(&args, DBUS_TYPE_ARRAY, "a{sv}", &rows);
	for (; *texts; texts++)
		make_row(&rows, *texts);
	dbus_message_iter_close_container(&args, &rows);
	assert_int_equal(rows_read(m, &ret), 0);
	dbus_message_unref(m);
	return ret;
}

#endif
