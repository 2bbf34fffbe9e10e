/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "../abi/names.h"

/* ---- sd-bus in a loop ---------------------------------------------------------------------------------------- */

#define BATCH_MESSAGES 64	/* then the rest of the loop has its turn */

struct bus_loop {
	sd_bus *bus;
	uv_poll_t poll;
	uv_prepare_t prepare;
	uv_timer_t timer;
	void (*on_closed)(void *);
	void *arg;
	int events;	/* that the poll handle waits for */
	int open;	/* handles */
	bool closing;
};

static void on_handle_closed(uv_handle_t *h)
{
	struct bus_loop *b = h->data;

	if (--b->open > 0)
		return;
	sd_bus_close_unref(b->bus);
	free(b);
}

void bus_loop_free(struct bus_loop *b)
{
	if (!b || b->closing)
		return;
	b->closing = true;
	uv_close((uv_handle_t *)&b->poll, on_handle_closed);
	uv_close((uv_handle_t *)&b->prepare, on_handle_closed);
	uv_close((uv_handle_t *)&b->timer, on_handle_closed);
}

static void lost(struct bus_loop *b)
{
	uv_poll_stop(&b->poll);
	uv_prepare_stop(&b->prepare);
	uv_timer_stop(&b->timer);
	if (b->on_closed)
		b->on_closed(b->arg);	/* may free @b */
}

static void on_timer(uv_timer_t *t)
{
	(void)t;	/* the prepare handle does the work */
}

static void on_poll(uv_poll_t *p, int status, int events)
{
	/* A bad descriptor; a bus that hung up is readable. */
	if (status < 0)
		lost(p->data);
	(void)events;
}

static uint64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ULL + t.tv_nsec / 1000;
}

static int arm_timer(struct bus_loop *b, bool more)
{
	uint64_t until = UINT64_MAX, now = now_usec();
	int err;

	if (more)
		return uv_timer_start(&b->timer, on_timer, 0, 0);
	err = sd_bus_get_timeout(b->bus, &until);
	if (err < 0)
		return err;
	if (until == UINT64_MAX)
		return uv_timer_stop(&b->timer);
	return uv_timer_start(&b->timer, on_timer, until > now ? (until - now + 999) / 1000 : 0, 0);
}

static int arm(struct bus_loop *b, bool more)
{
	int wanted = sd_bus_get_events(b->bus), events, err = 0;

	if (wanted < 0)
		return wanted;
	events = (wanted & POLLIN ? UV_READABLE : 0) | (wanted & POLLOUT ? UV_WRITABLE : 0);
	if (events != b->events)
		err = events ? uv_poll_start(&b->poll, events, on_poll) : uv_poll_stop(&b->poll);
	b->events = events;
	return err < 0 ? err : arm_timer(b, more);
}

/* Before each sleep: messages that are queued already do not make the descriptor readable. */
static void on_prepare(uv_prepare_t *p)
{
	struct bus_loop *b = p->data;
	int r = 1;

	for (int i = 0; i < BATCH_MESSAGES && r > 0; i++) {
		r = sd_bus_process(b->bus, NULL);
		if (b->closing)
			return;	/* by what a handler did; it is freed only in the close callbacks */
	}
	if (r < 0 || arm(b, r > 0) < 0)
		lost(b);
}

int bus_loop_new(uv_loop_t *loop, sd_bus *bus, void (*on_closed)(void *), void *arg, struct bus_loop **ret)
{
	int fd = sd_bus_get_fd(bus), err;
	struct bus_loop *b;

	if (fd < 0)
		return fd;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	*b = (struct bus_loop){ .bus = bus, .on_closed = on_closed, .arg = arg, .open = 3 };
	err = uv_poll_init(loop, &b->poll, fd);
	if (err < 0) {
		free(b);
		return err;
	}
	uv_prepare_init(loop, &b->prepare);
	uv_timer_init(loop, &b->timer);
	b->poll.data = b->prepare.data = b->timer.data = b;
	uv_prepare_start(&b->prepare, on_prepare);
	*ret = b;
	return 0;
}

int bus_connect(sd_bus **ret)
{
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS");
	sd_bus *bus = NULL;
	int err = sd_bus_new(&bus);

	if (err < 0)
		return err;
	err = sd_bus_set_address(bus, address && *address ? address : "unix:path=/run/dbus/system_bus_socket");
	if (err >= 0)
		err = sd_bus_set_bus_client(bus, 1);
	if (err >= 0)
		err = sd_bus_start(bus);
	if (err < 0) {
		sd_bus_unref(bus);
		return err;
	}
	*ret = bus;
	return 0;
}

/* ---- who may ------------------------------------------------------------------------------------------------- */

/* D-Bus Specification, GetConnectionCredentials: what the bus saw when the client connected. What /proc says of a pid
 * may be another process's by now. */
struct sender {
	uint32_t uid;
	bool has_uid, in_group;
};

static int read_groups(sd_bus_message *m, gid_t group, bool *ret_in)
{
	const void *gids;
	size_t size;
	int err = sd_bus_message_enter_container(m, 'v', "au");

	if (err < 0)
		return err;
	err = sd_bus_message_read_array(m, 'u', &gids, &size);
	if (err < 0)
		return err;
	for (size_t i = 0; i < size / sizeof(uint32_t); i++)
		*ret_in |= ((const uint32_t *)gids)[i] == group;
	return sd_bus_message_exit_container(m);
}

static int read_sender(sd_bus_message *m, gid_t group, struct sender *ret)
{
	const char *key;
	int err = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (err >= 0 && (err = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		err = sd_bus_message_read(m, "s", &key);
		if (err >= 0 && strcmp(key, "UnixUserID") == 0) {
			err = sd_bus_message_read(m, "v", "u", &ret->uid);
			ret->has_uid = err >= 0;
		} else if (err >= 0 && strcmp(key, "UnixGroupIDs") == 0) {
			err = read_groups(m, group, &ret->in_group);
		} else if (err >= 0) {
			err = sd_bus_message_skip(m, "v");
		}
		if (err >= 0)
			err = sd_bus_message_exit_container(m);
	}
	return err;
}

int bus_check_may_change(sd_bus_message *m, sd_bus_error *error)
{
	sd_bus_message *answer = NULL;
	struct sender s = { 0 };
	int err = sd_bus_call_method(sd_bus_message_get_bus(m), "org.freedesktop.DBus", "/org/freedesktop/DBus",
				     "org.freedesktop.DBus", "GetConnectionCredentials", error, &answer, "s",
				     sd_bus_message_get_sender(m));

	if (err >= 0)
		err = read_sender(answer, getegid(), &s);
	sd_bus_message_unref(answer);
	if (err < 0)
		return err;
	if (s.has_uid && (s.uid == 0 || s.uid == geteuid() || s.in_group))
		return 0;
	return bus_fail(error, AGENT_ERR_DENIED, "only root and members of the group %s may do this", AGENT_GROUP);
}

int bus_fail(sd_bus_error *error, const char *name, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	va_list ap;
	int err;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bus_make_utf8(text);
	err = sd_bus_error_set(error, name, text);
	return err < 0 ? err : -EIO;
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

static bool went_well(struct bus_rows *r, int err)
{
	if (r->err == 0 && err < 0)
		r->err = err;
	return r->err == 0;
}

void bus_rows_begin(struct bus_rows *r, sd_bus_message *call)
{
	*r = (struct bus_rows){ 0 };
	if (went_well(r, sd_bus_message_new_method_return(call, &r->reply)))
		went_well(r, sd_bus_message_open_container(r->reply, 'a', "a{sv}"));
}

void bus_row_begin(struct bus_rows *r)
{
	if (r->err == 0)
		went_well(r, sd_bus_message_open_container(r->reply, 'a', "{sv}"));
}

void bus_row_str(struct bus_rows *r, const char *key, const char *value)
{
	if (r->err == 0)
		went_well(r, sd_bus_message_append(r->reply, "{sv}", key, "s", value ?: ""));
}

void bus_row_strf(struct bus_rows *r, const char *key, const char *fmt, ...)
{
	cleanup(freep) char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;	/* undefined after a failure */
	if (went_well(r, n < 0 ? -ENOMEM : 0))
		bus_row_str(r, key, text);
}

void bus_row_u64(struct bus_rows *r, const char *key, uint64_t value)
{
	if (r->err == 0)
		went_well(r, sd_bus_message_append(r->reply, "{sv}", key, "t", value));
}

void bus_row_bool(struct bus_rows *r, const char *key, bool value)
{
	if (r->err == 0)
		went_well(r, sd_bus_message_append(r->reply, "{sv}", key, "b", (int)value));
}

void bus_row_end(struct bus_rows *r)
{
	if (r->err == 0)
		went_well(r, sd_bus_message_close_container(r->reply));
}

int bus_rows_send(struct bus_rows *r)
{
	if (r->err == 0 && went_well(r, sd_bus_message_close_container(r->reply)))
		went_well(r, sd_bus_send(NULL, r->reply, NULL));
	r->reply = sd_bus_message_unref(r->reply);
	return r->err < 0 ? r->err : 1;
}
