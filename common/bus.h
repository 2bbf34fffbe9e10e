/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serving D-Bus: who may, how errors look, and rows. */
#ifndef EBPF_AGENT_BUS_H
#define EBPF_AGENT_BUS_H

#include <systemd/sd-bus.h>
#include <uv.h>

#include "diag.h"

/* sd-bus in a libuv loop: pumps from a prepare handle as well as from the fd, since queued messages do not make an fd
 * readable. @on_closed: the connection is gone. */
struct bus_loop;
int bus_loop_new(uv_loop_t *loop, sd_bus *bus, void (*on_closed)(void *), void *arg, struct bus_loop **ret);
void bus_loop_free(struct bus_loop *b);	/* handles close asynchronously; the bus is unreferenced */

/* Connects to $DBUS_SYSTEM_BUS_ADDRESS or the system bus. */
int bus_connect(sd_bus **ret);

/* May the sender of @m change things? Root, members of the group ebpf-agent, and the agent's own uid and root in a
 * private instance. 0, or the error to return (already set). */
int bus_check_may_change(sd_bus_message *m, sd_bus_error *error);

/* Sets @error to @name with the diagnosis' text (its warnings are not part of it) or a plain text. Returns a negative
 * errno for the handler. */
int bus_fail(sd_bus_error *error, const char *name, const char *fmt, ...) printf_like(3, 4);

/* The last argument of every method, a{sv}. @known: reads the variant of option @key, whose content is of @type, and
 * returns 1; 0: it knows no such option; or what bus_fail() returns. NULL: the method has no options. Whatever nobody
 * knows is refused by name. */
typedef int bus_take_option(sd_bus_message *m, const char *key, const char *type, void *arg, sd_bus_error *error);
int bus_read_options(sd_bus_message *m, bus_take_option *known, void *arg, sd_bus_error *error);

/* A text on the bus must be UTF-8; names from outside, and one that was cut in the middle, may not be: what is none
 * becomes '?'. */
void bus_make_utf8(char *text);
/* Appends @text (NULL: "") as "s", made UTF-8. */
int bus_append_text(sd_bus_message *m, const char *text);

/* Answers are rows, "aa{sv}", so that one client function prints them all as a table or as JSON. Use: open a reply,
 * for each row bus_row_begin(), bus_row_*(), bus_row_end(), then bus_rows_send(). Errors stick, and bus_rows_send()
 * returns them. */
struct bus_rows {
	sd_bus_message *reply;
	int err;
};
void bus_rows_begin(struct bus_rows *r, sd_bus_message *call);
void bus_row_begin(struct bus_rows *r);
void bus_row_str(struct bus_rows *r, const char *key, const char *value);
void bus_row_strf(struct bus_rows *r, const char *key, const char *fmt, ...) printf_like(3, 4);
void bus_row_u64(struct bus_rows *r, const char *key, uint64_t value);
void bus_row_bool(struct bus_rows *r, const char *key, bool value);
void bus_row_end(struct bus_rows *r);
int bus_rows_send(struct bus_rows *r);	/* frees the reply */

#endif
