/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger: what channeld and sinkd counted, merged, and held against the equations. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ledger.h"
#include "text.h"

#define TRIES    3	/* before something is said to be off: it may have been caught between two counters */
#define AGAIN_MS 50
#define PATIENCE_MS 3000	/* with loaderd, which the equations do not need */

static const struct column channel_columns[] = {
	{ "program", "PROGRAM" }, { "channel", "CHANNEL" }, { "produced", "PRODUCED" }, { "drained", "= DRAINED" },
	{ "pending", "+ PENDING" }, { "ring_full", "+ RING_FULL" }, { "nmi", "+ NMI" }, { "lost", "+ LOST" },
	{ "discarded", "?+ DISCARDED" }, { "balance", "OFF BY" }, { NULL },
};
static const struct column event_columns[] = {
	{ "program", "PROGRAM" }, { "channel", "CHANNEL" }, { "event", "EVENT" }, { "drained", "DRAINED" },
	{ "ok", "= OK" }, { "decode", "?+ DECODE" }, { "so_error", "?+ SO_ERROR" }, { "so_crash", "?+ SO_CRASH" },
	{ "so_timeout", "?+ SO_TIMEOUT" }, { "filtered", "?+ FILTERED" }, { "oversize", "?+ OVERSIZE" },
	{ "results", "RESULTS" }, { "spooled", "= SPOOLED" }, { "spool_full", "+ SPOOL_FULL" }, { NULL },
};
static const struct column sink_columns[] = {
	{ "program", "PROGRAM" }, { "sink", "SINK" }, { "state", "?STATE" }, { "routed", "ROUTED" },
	{ "acked", "= ACKED" }, { "pending", "+ PENDING" }, { "rejected", "+ REJECTED" },
	{ "disk_full", "+ DISK_FULL" }, { "expired", "+ EXPIRED" },
	{ "damaged", "?+ DAMAGED" }, { "skipped", "?+ SKIPPED" }, { "bytes", "BYTES" }, { "resent", "?(RESENT)" },
	{ NULL },
};
static const struct column prog_columns[] = {
	{ "program", "PROGRAM" }, { "item", "ITEM" }, { "prog", "PROG" }, { "missed", "MISSED" }, { NULL },
};

static const struct equation {
	const char *kind, *left, *right[10];
} equations[] = {
	{ "channel", "produced", { "drained", "pending", "ring_full", "nmi", "lost", "discarded" } },
	{ "event", "drained", { "ok", "decode", "so_error", "so_crash", "so_timeout", "filtered", "oversize" } },
	{ "event", "results", { "spooled", "spool_full" } },
	{ "sink", "routed", { "acked", "pending", "rejected", "disk_full", "expired", "damaged", "skipped" } },
};

static void off(struct ledger *l, const struct row *r, const char *fmt, ...) printf_like(3, 4);
static void off(struct ledger *l, const struct row *r, const char *fmt, ...)
{
	const char *kind = row_str(r, "kind"), *channel = row_str(r, "channel");
	const char *last = row_str(r, !strcmp(kind, "sink") ? "sink" : "event");
	cleanup(freep) char *text = text_of(fmt);

	l->off = realloc(l->off, (l->n_off + 1) * sizeof(char *));
	if (!l->off)
		abort();
	l->off[l->n_off++] = text_printf("%s %s%s%s%s%s: %s", kind, row_str(r, "program"), channel[0] ? "." : "",
					 channel, last[0] ? "." : "", last, text);
}

/* Moved while it was read: its numbers are of different moments. */
static bool row_is_live(const struct row *r)
{
	const struct cell *live = row_get(r, "live");

	return live && live->type == CELL_BOOL && live->b;
}

static void check_equation(struct ledger *l, const struct equation *e, const struct row *r)
{
	int64_t left, sum = 0, value;
	char text[256] = "";

	if (!row_is_of(r, e->kind) || row_is_live(r))
		return;
	if (!row_number(r, e->left, &left)) {
		l->n_unknown++;
		return;
	}
	for (const char *const *key = e->right; *key; key++) {
		size_t len = strlen(text);

		if (!row_get(r, *key))
			continue;
		if (!row_number(r, *key, &value)) {
			l->n_unknown++;
			return;
		}
		sum += value;
		if (value || key == e->right)
			snprintf(text + len, sizeof(text) - len, "%s%" PRId64 " %s", len ? " + " : "", value, *key);
	}
	if (left != sum)
		off(l, r, "%" PRId64 " %s, but %s: off by %" PRId64, left, e->left, text, left - sum);
}

/* Every record taken out of a channel goes through each of its routes. */
static void check_routes(struct ledger *l, const struct rows *channeld)
{
	for (size_t i = 0; i < channeld->n; i++) {
		const struct row *e = &channeld->rows[i];

		for (size_t k = 0; k < channeld->n; k++) {
			const struct row *c = &channeld->rows[k];
			int64_t of_channel, of_event;

			if (!row_is_of(e, "event") || !row_is_of(c, "channel") ||
			    strcmp(row_str(e, "program"), row_str(c, "program")) ||
			    strcmp(row_str(e, "channel"), row_str(c, "channel")) ||
			    row_is_live(c) || !row_number(e, "drained", &of_event) ||
			    !row_number(c, "drained", &of_channel))
				continue;
			if (of_event != of_channel)
				off(l, e, "%" PRId64 " drained, but the channel has %" PRId64, of_event, of_channel);
		}
	}
}

void ledger_check(struct ledger *l, const struct rows *channeld, const struct rows *sinkd)
{
	for (size_t e = 0; e < ARRAY_SIZE(equations); e++) {
		for (size_t i = 0; i < channeld->n; i++)
			check_equation(l, &equations[e], &channeld->rows[i]);
		for (size_t i = 0; i < sinkd->n; i++)
			check_equation(l, &equations[e], &sinkd->rows[i]);
	}
	check_routes(l, channeld);
}

void ledger_fini(struct ledger *l)
{
	for (size_t i = 0; i < l->n_off; i++)
		free(l->off[i]);
	free(l->off);
	rows_fini(&l->channeld);
	rows_fini(&l->sinkd);
	rows_fini(&l->loaderd);
	*l = (struct ledger){};
}

static void heading(const struct ctl *c, const char *text)
{
	printf("%s%s%s\n", ctl_paint(c, PAINT_DIM), text, ctl_paint(c, PAINT_OFF));
}

static bool is_live(const struct rows *r)
{
	int64_t n;

	for (size_t i = 0; i < r->n; i++)
		if ((row_number(&r->rows[i], "pending", &n) && n) || row_is_live(&r->rows[i]))
			return true;
	return false;
}

static void print_text(const struct ctl *c, const struct ledger *l)
{
	const struct rows *channeld = &l->channeld, *sinkd = &l->sinkd;

	if (!channeld->n && !sinkd->n) {
		puts("nothing is loaded");
		return;
	}
	heading(c, "channels");
	rows_table(channeld, "channel", channel_columns, c->color, NULL);
	heading(c, "\nevents");
	rows_table(channeld, "event", event_columns, c->color, NULL);
	heading(c, "\nsinks");
	rows_table(sinkd, "sink", sink_columns, c->color, NULL);
	if (l->loaderd.n) {
		heading(c, "\nnever shown by the kernel");
		rows_table(&l->loaderd, "prog", prog_columns, c->color, NULL);
	}
	putchar('\n');
	for (size_t i = 0; i < l->n_off; i++) {
		printf("%soff: ", ctl_paint(c, PAINT_RED));
		print_plain(stdout, l->off[i]);
		puts(ctl_paint(c, PAINT_OFF));
	}
	fputs(l->n_off ? "not balanced" : "balanced", stdout);
	if (!l->n_off && (is_live(channeld) || is_live(sinkd)))
		fputs(", events under way", stdout);
	if (l->n_unknown)
		printf(", but for %zu row%s with something unknown", l->n_unknown, l->n_unknown == 1 ? "" : "s");
	putchar('\n');
}

static int print_json(const struct ledger *l)
{
	cleanup(json_fini) struct json j = {};
	cleanup(freep) char *text = NULL;

	json_open_object(&j, NULL);
	rows_json(&l->channeld, "channel", &j, "channels");
	rows_json(&l->channeld, "event", &j, "events");
	rows_json(&l->sinkd, "sink", &j, "sinks");
	rows_json(&l->loaderd, "prog", &j, "progs");
	json_bool(&j, "balanced", !l->n_off);
	json_u64(&j, "unknown", l->n_unknown);
	json_bool(&j, "live", is_live(&l->channeld) || is_live(&l->sinkd));
	json_open_array(&j, "off");
	for (size_t i = 0; i < l->n_off; i++)
		json_str(&j, NULL, l->off[i]);
	json_close_array(&j);
	json_close_object(&j);
	text = json_finish(&j, NULL);
	if (!text)
		return ctl_error("not enough memory");
	puts(text);
	return CTL_DONE;
}

static int ask(struct client *c, const char *daemon, const char *program, struct rows *ret)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;

	if (client_ask(c, ctl_daemon_find(daemon), "Ledger", program, &reply) < 0)
		return ctl_error("%s", c->error);
	if (rows_read(reply, ret) < 0)
		return ctl_error("%s's answer has an unexpected form", daemon);
	return CTL_DONE;
}

int ledger_ask(struct client *c, const char *program, struct ledger *ret)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000L };

	for (int i = 0; i < TRIES; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		ledger_fini(ret);
		if (ask(c, "channeld", program, &ret->channeld) || ask(c, "sinkd", program, &ret->sinkd))
			return CTL_FAILED;
		ledger_check(ret, &ret->channeld, &ret->sinkd);
		if (!ret->n_off)
			break;
	}
	return CTL_DONE;
}

/* Whoever asks while loaderd is away gets all the rest. */
static void ask_missed(struct client *c, const char *program, struct ledger *l)
{
	cleanup(message_unrefp) DBusMessage *reply = NULL;

	if (client_ask_within(c, ctl_daemon_find("loaderd"), "Missed", program, PATIENCE_MS, &reply) < 0)
		ctl_warning(c->error);
	else if (rows_read(reply, &l->loaderd) < 0)
		ctl_warning("loaderd's answer has an unexpected form");
}

int verb_ledger(const struct ctl *c, int argc, char **argv)
{
	const char *program = argc ? argv[0] : "";
	cleanup(client_close) struct client client = {};
	cleanup(ledger_fini) struct ledger l = {};

	if (!dbus_validate_utf8(program, NULL))
		return ctl_error(CTL_NO_PROGRAM, program);
	if (client_open(&client, c) < 0)
		return ctl_error("%s", client.error);
	if (ledger_ask(&client, program, &l))
		return CTL_FAILED;
	ask_missed(&client, program, &l);
	if (c->openmetrics)
		ledger_metrics(&l, stdout);
	else if (!c->json)
		print_text(c, &l);
	else if (print_json(&l))
		return CTL_FAILED;
	return c->strict && l.n_off ? CTL_FAILED : CTL_DONE;
}
