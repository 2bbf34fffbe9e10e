/* SPDX-License-Identifier: GPL-2.0-or-later */
/* org.ebpfagent.sink1 */
#include <errno.h>
#include <string.h>

#include "../common/bus.h"
#include "sink_file.h"

static void sink_row(struct bus_rows *rows, const struct sink *s, const struct sink_ledger *l, int state)
{
	bus_row_begin(rows);
	bus_row_str(rows, "kind", "sink");
	bus_row_str(rows, "program", s->stream->program);
	bus_row_str(rows, "sink", s->name);
	bus_row_u64(rows, "routed", l->routed);
	bus_row_u64(rows, "acked", s->at.acked);
	bus_row_u64(rows, "pending", l->pending);
#define X(upper, lower, help) bus_row_u64(rows, #lower, s->at.dropped[SINK_DROP_##upper]);
	SINK_DROP_LIST(X)
#undef X
	bus_row_u64(rows, "bytes", s->at.bytes);
	if (s->type->send)
		bus_row_u64(rows, "resent", s->at.resent);
	if (s->type == &sink_file)
		bus_row_str(rows, "path", ((const struct file_options *)s->options)->path);
	if (s->failed)
		bus_row_str(rows, "state", s->error);
	else if (state == -ENODATA || s->cursor < 0)
		bus_row_str(rows, "state", s->stream->said_bad ? "the spool is damaged" : "ok");
	else
		bus_row_str(rows, "state", state < 0 ? "the spool is damaged" : "ok");
	bus_row_end(rows);
}

static void stream_rows(struct bus_rows *rows, struct stream *st)
{
	struct sink_ledger l[SPOOL_MAX_CURSORS] = {};
	int state = stream_ledger(st, l);

	for (size_t i = 0; i < st->n_sinks; i++)
		sink_row(rows, st->sinks[i], &l[i], state);
}

/* "s" program, then options, of which there are none yet. */
static int read_program(sd_bus_message *m, struct sinkd *sk, const char **ret, sd_bus_error *error)
{
	int r = sd_bus_message_read(m, "s", ret);

	if (r >= 0)
		r = bus_read_options(m, NULL, NULL, error);
	if (r < 0)
		return r;
	if ((*ret)[0] && !sinkd_find(sk, *ret)) {
		sinkd_look(sk);		/* it may have come this very moment */
		if (!sinkd_find(sk, *ret))
			return bus_fail(error, AGENT_ERR_NOT_FOUND, "no program '%s' is loaded", *ret);
	}
	return 0;
}

static int method_ledger(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct sinkd *sk = userdata;
	struct bus_rows rows;
	const char *program;
	int r = read_program(m, sk, &program, error);

	if (r < 0)
		return r;
	bus_rows_begin(&rows, m);
	for (struct stream *st = sk->streams; st; st = st->next)
		if (!program[0] || !strcmp(st->program, program))
			stream_rows(&rows, st);
	return bus_rows_send(&rows);
}

/* Lines hold what processes were started with, and more: not for everybody. */
static int method_tail(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct sinkd *sk = userdata;
	cleanup(closep) int fd = -1;
	const char *program;
	int r = bus_check_may_change(m, error);

	if (r < 0)
		return r;
	r = read_program(m, sk, &program, error);
	if (r < 0)
		return r;
	r = tail_new(sk, program, &fd);
	if (r == -EMFILE)
		return bus_fail(error, AGENT_ERR_LIMIT,
				"%zu read along already: tail: clients in sinkd.yaml", sk->n_tails);
	if (r < 0)
		return bus_fail(error, SD_BUS_ERROR_FAILED, "cannot open a stream: %s", strerror(-r));
	return sd_bus_reply_method_return(m, "h", fd);
}

const sd_bus_vtable sinkd_methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Ledger", SD_BUS_ARGS("s", program, "a{sv}", options), SD_BUS_RESULT("aa{sv}", rows),
				method_ledger, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Tail", SD_BUS_ARGS("s", program, "a{sv}", options), SD_BUS_RESULT("h", stream),
				method_tail, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};
