/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger as metrics: OpenMetrics text, for whoever scrapes it or keeps it in a file (node_exporter's textfile
 * collector). */
#include <inttypes.h>
#include <string.h>

#include "../abi/spool.h"
#include "ledger.h"

enum type { COUNTER, GAUGE };

/* A row per sample; rows of one family stand together, and only the first has its help. */
static const struct metric {
	const char *kind, *key;		/* the row and cell of the ledger */
	enum type type;
	const char *family, *help;	/* without "ebpf_agent_" and, of counters, "_total" */
	bool reason;			/* the key is a label */
} metrics[] = {
	{ "channel", "produced", COUNTER, "channel_produced", "Events that a program made, whatever became of them" },
	{ "channel", "drained", COUNTER, "channel_drained", "Events taken out of the kernel" },
	{ "channel", "pending", GAUGE, "channel_pending", "Events in the kernel that nobody has taken out yet" },
	{ "channel", "discarded", COUNTER, "channel_discarded", "Records that the program itself gave up again" },
	{ "channel", "ring_full", COUNTER, "channel_dropped", "Events that never got out of the kernel", true },
	{ "channel", "nmi", COUNTER, "channel_dropped", NULL, true },
	{ "channel", "lost", COUNTER, "channel_dropped", NULL, true },
	{ "channel", "live", GAUGE, "channel_live", "1 if it moved while it was read: its numbers need not add up" },

	{ "event", "drained", COUNTER, "event_drained", "Events that were to be made into results" },
	{ "event", "ok", COUNTER, "event_ok", "Events that gave results" },
#define X(upper, lower, help) { "event", #lower, COUNTER, "event_dropped", \
				SPOOL_DROP_##upper ? NULL : "Events that gave no result", true },
	SPOOL_DROP_LIST(X)
#undef X
	{ "event", "results", COUNTER, "event_results", "Results of events" },
	{ "event", "spooled", COUNTER, "event_spooled", "Results on their way to the sinks" },
	{ "event", "spool_full", COUNTER, "event_results_dropped", "Results that did not get into the spool", true },
	{ "event", "repaired", COUNTER, "event_repaired", "Results in which invalid UTF-8 was replaced" },

	{ "sink", "routed", COUNTER, "sink_routed", "Results meant for this sink" },
	{ "sink", "acked", COUNTER, "sink_acked", "Results delivered" },
	{ "sink", "pending", GAUGE, "sink_pending", "Results that this sink has not got yet" },
#define X(upper, lower, help) { "sink", #lower, COUNTER, "sink_dropped", \
				SINK_DROP_##upper ? NULL : "Results that this sink did not deliver", true },
	SINK_DROP_LIST(X)
#undef X
	{ "sink", "bytes", COUNTER, "sink_bytes", "Bytes delivered" },
	{ "sink", "resent", COUNTER, "sink_resent", "Results that may be there twice" },

	{ "prog", "missed", COUNTER, "prog_missed", "Times that the kernel passed its hook without calling it" },
};
static const char *const labels[] = { "program", "channel", "event", "sink", "item", "prog" };

static void print_text(FILE *f, const char *s)
{
	for (; *s; s++)
		if (*s == '\n')
			fputs("\\n", f);
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else
			fputc(*s, f);
}

/* False: it says "unknown", or nothing of the kind. */
static bool value_of(const struct row *r, const struct metric *m, int64_t *ret)
{
	const struct cell *c = row_get(r, m->key);

	if (!row_is_of(r, m->kind) || !c)
		return false;
	if (c->type == CELL_BOOL) {
		*ret = c->b;
		return true;
	}
	return row_number(r, m->key, ret);
}

static bool same_labels(const struct row *a, const struct row *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		if (strcmp(row_str(a, labels[i]), row_str(b, labels[i])))
			return false;
	return true;
}

/* Rows that their labels do not tell apart (two events of one name) are one sample. */
static bool sum_of(const struct rows *rows, size_t at, const struct metric *m, int64_t *ret)
{
	int64_t value;

	if (!value_of(&rows->rows[at], m, ret))
		return false;
	for (size_t i = 0; i < rows->n; i++) {
		if (i == at || !value_of(&rows->rows[i], m, &value) || !same_labels(&rows->rows[i], &rows->rows[at]))
			continue;
		if (i < at)
			return false;	/* was that one's */
		*ret += value;
	}
	return true;
}

static void print_sample(FILE *f, const struct metric *m, const struct row *r, int64_t value)
{
	const char *before = "{";

	fprintf(f, "ebpf_agent_%s%s", m->family, m->type == COUNTER ? "_total" : "");
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		if (!row_str(r, labels[i])[0])
			continue;
		fprintf(f, "%s%s=\"", before, labels[i]);
		print_text(f, row_str(r, labels[i]));
		fputc('"', f);
		before = ",";
	}
	if (m->reason)
		fprintf(f, "%sreason=\"%s\"", before, m->key);
	fprintf(f, "} %" PRId64 "\n", value);
}

static void print_family(FILE *f, const char *family, enum type type, const char *help)
{
	fprintf(f, "# HELP ebpf_agent_%s %s.\n# TYPE ebpf_agent_%s %s\n", family, help, family,
		type == COUNTER ? "counter" : "gauge");
}

void ledger_metrics(const struct ledger *l, FILE *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		const struct metric *m = &metrics[i];
		const struct rows *rows = !strcmp(m->kind, "sink") ? &l->sinkd :
					  !strcmp(m->kind, "prog") ? &l->loaderd : &l->channeld;
		int64_t value;

		if (m->help)
			print_family(f, m->family, m->type, m->help);
		for (size_t k = 0; k < rows->n; k++)
			if (sum_of(rows, k, m, &value))
				print_sample(f, m, &rows->rows[k], value);
	}
	print_family(f, "ledger_off", GAUGE, "Equations of the ledger that do not hold");
	fprintf(f, "ebpf_agent_ledger_off %zu\n", l->n_off);
	print_family(f, "ledger_unknown", GAUGE, "Equations of the ledger that say nothing: something is not counted");
	fprintf(f, "ebpf_agent_ledger_unknown %zu\n# EOF\n", l->n_unknown);
}
