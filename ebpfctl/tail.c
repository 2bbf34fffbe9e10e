/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live view: a socket of lines from sinkd, which may lose some and says how many. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "event.h"
#include "lines.h"

#define RETRY_MS 200

struct tail {
	const struct ctl *ctl;
	const char *program;
	struct client client;
	struct event_style style;
	struct buf out;
	struct lines lines;
};

static int open_tail(struct tail *t, int *ret)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;

	int err = client_ask(&t->client, ctl_daemon_find("sinkd"), "Tail", t->program, &reply);

	if (err < 0)
		return err;
	if (!dbus_message_get_args(reply, NULL, DBUS_TYPE_UNIX_FD, ret, DBUS_TYPE_INVALID))
		return -EBADMSG;
	return 0;
}

static void take_line(struct tail *t, const char *line, size_t len)
{
	static const char skipped[] = "{\"tail_skipped\":";

	if (len > sizeof(skipped) && !memcmp(line, skipped, sizeof(skipped) - 1))
		fprintf(stderr, "ebpfctl: %ld events were not shown: this view was too slow\n",
			strtol(line + sizeof(skipped) - 1, NULL, 10));
	else if (t->ctl->json)
		buf_add(&t->out, line, len);
	else
		event_text(&t->style, line, len, &t->out);
}

/* 0, or -EPIPE: nobody reads our stdout any more. */
static int flush_out(struct tail *t)
{
	size_t done = 0;

	while (done < t->out.len) {
		ssize_t n = write(1, t->out.s + done, t->out.len - done);

		if (n < 0 && errno == EINTR && !*t->client.stop)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	t->out.len = 0;
	return 0;
}

/* Until sinkd closes its end (0), or we are to stop (-EINTR), or stdout is gone (-errno). */
static int follow(struct tail *t, int fd)
{
	t->lines.start = t->lines.end = 0;
	t->lines.skipping = false;
	while (!*t->client.stop) {
		ssize_t n = lines_read(&t->lines, fd);
		const char *line;
		size_t len;
		int err;

		if (n == 0 || (n < 0 && n != -EINTR))
			return 0;
		while ((line = lines_next(&t->lines, &len)))
			take_line(t, line, len);
		err = flush_out(t);
		if (err < 0)
			return err;
	}
	return -EINTR;
}

/* sinkd is away: ask until it is back. False: the bus is gone too, or told to stop. */
static bool wait_for_sinkd(struct tail *t, int *ret_fd)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	bool told = false;

	while (!*t->client.stop && dbus_connection_get_is_connected(t->client.conn)) {
		if (open_tail(t, ret_fd) == 0) {
			if (told)
				fprintf(stderr, "ebpfctl: sinkd is back\n");
			return true;
		}
		if (!told)
			fprintf(stderr, "ebpfctl: sinkd is away, waiting for it\n");
		told = true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int run_tail(struct tail *t)
{
	int fd, err;

	err = open_tail(t, &fd);
	if (err == -EINTR)
		return CTL_DONE;
	if (err < 0)
		return ctl_error("%s", t->client.error ?: "sinkd's answer has an unexpected form");
	for (;;) {
		err = follow(t, fd);
		close(fd);
		if (err == -EINTR || err == -EPIPE)
			return CTL_DONE;
		if (err < 0)
			return ctl_error("stdout: %s", strerror(-err));
		if (!wait_for_sinkd(t, &fd))
			return *t->client.stop ? CTL_DONE : ctl_error("the bus is gone: the agent was stopped");
	}
}

int verb_tail(const struct ctl *c, int argc, char **argv)
{
	struct tail *t = calloc(1, sizeof(*t));
	int status;

	if (!t)
		return ctl_error("not enough memory");
	t->ctl = c;
	t->program = argc ? argv[0] : "";
	t->style.color = c->color;
	if (!dbus_validate_utf8(t->program, NULL)) {
		status = ctl_error(CTL_NO_PROGRAM, t->program);
	} else if (client_open(&t->client, c) < 0) {
		status = ctl_error("%s", t->client.error);
	} else {
		t->client.stop = client_catch_signals();
		status = run_tail(t);
	}
	client_close(&t->client);
	buf_fini(&t->out);
	free(t);
	return status;
}
