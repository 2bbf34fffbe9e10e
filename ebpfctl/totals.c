/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger's sum, when a program goes: what was delivered, and every loss by its reason. */
#include <inttypes.h>
#include <string.h>

#include "totals.h"

/* What is no loss to its user is not here: `filtered` is what a processor was written for, `skipped` a live view's. */
static const struct reason {
	const char *kind, *key;
} reasons[] = {
	{ "channel", "ring_full" }, { "channel", "nmi" }, { "channel", "lost" }, { "event", "decode" },
	{ "event", "so_error" }, { "event", "so_crash" }, { "event", "so_timeout" }, { "event", "oversize" },
	{ "event", "spool_full" },
};
static const char *const sink_reasons[] = { "rejected", "disk_full", "expired", "damaged" };

static bool is_of(const struct row *r, const char *program, const char *kind)
{
	return row_is_of(r, kind) && !strcmp(row_str(r, "program"), program);
}

static int64_t number(const struct row *r, const char *key)
{
	int64_t n;

	return row_number(r, key, &n) ? n : 0;
}

static int64_t sum(const struct rows *r, const char *program, const char *kind, const char *key)
{
	int64_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (is_of(&r->rows[i], program, kind))
			n += number(&r->rows[i], key);
	return n;
}

/* An object of others need not count. */
static bool counts_all(const struct rows *r, const char *program)
{
	int64_t n;

	for (size_t i = 0; i < r->n; i++)
		if (is_of(&r->rows[i], program, "channel") && !row_number(&r->rows[i], "ring_full", &n))
			return false;
	return true;
}

static void say_lost(FILE *f, const struct ledger *l, const char *program)
{
	int64_t n[ARRAY_SIZE(reasons)], all = 0;
	const char *between = " (";
	size_t kinds = 0;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		n[i] = sum(&l->channeld, program, reasons[i].kind, reasons[i].key);
		all += n[i];
		kinds += n[i] != 0;
	}
	if (!all)
		return;
	fprintf(f, ", %" PRId64 " lost", all);
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!n[i])
			continue;
		fputs(between, f);
		between = ", ";
		if (kinds > 1)
			fprintf(f, "%" PRId64 " ", n[i]);
		fputs(reasons[i].key, f);
	}
	fputc(')', f);
}

/* Lines that a sink has not got yet: the same ones for all sinks, mostly. */
static int64_t not_written(const struct ledger *l, const char *program)
{
	int64_t most = 0;

	for (size_t i = 0; i < l->sinkd.n; i++)
		if (is_of(&l->sinkd.rows[i], program, "sink"))
			most = MAX(most, number(&l->sinkd.rows[i], "pending"));
	return most;
}

static void say_sinks(FILE *f, const struct ledger *l, const char *program)
{
	for (size_t i = 0; i < l->sinkd.n; i++) {
		const struct row *r = &l->sinkd.rows[i];

		for (size_t k = 0; is_of(r, program, "sink") && k < ARRAY_SIZE(sink_reasons); k++)
			if (number(r, sink_reasons[k]))
				fprintf(f, "; sink %s lost %" PRId64 " (%s)", row_str(r, "sink"),
					number(r, sink_reasons[k]), sink_reasons[k]);
	}
}

char *totals_text(const struct ledger *l, const char *program)
{
	int64_t delivered, filtered, lines, left;
	char *text = NULL;
	bool any = false;
	size_t len;
	FILE *f;

	for (size_t i = 0; i < l->channeld.n; i++)
		any |= is_of(&l->channeld.rows[i], program, "channel");
	f = any ? open_memstream(&text, &len) : NULL;
	if (!f)
		return NULL;
	lines = not_written(l, program);
	left = lines + sum(&l->channeld, program, "channel", "pending");
	filtered = sum(&l->channeld, program, "event", "filtered");
	delivered = MAX(sum(&l->channeld, program, "event", "spooled") - lines, (int64_t)0);
	fprintf(f, "%s: %s%" PRId64 " event%s delivered", program, left ? "about " : "", delivered,
		delivered == 1 ? "" : "s");
	if (filtered)
		fprintf(f, ", %" PRId64 " filtered", filtered);
	say_lost(f, l, program);
	if (left)
		fprintf(f, ", %" PRId64 " not", left);
	say_sinks(f, l, program);
	if (!counts_all(&l->channeld, program))
		fprintf(f, "; losses in the kernel unknown: its object does not count them");
	fclose(f);
	return text;
}

void totals_say(const struct ledger *l)
{
	const char *last = "";

	/* The rows of a program stand together. */
	for (size_t i = 0; i < l->channeld.n; i++) {
		const char *program = row_str(&l->channeld.rows[i], "program");
		cleanup(freep) char *text = NULL;

		if (!strcmp(program, last))
			continue;
		last = program;
		text = totals_text(l, program);
		if (text)
			fprintf(stderr, "%s\n", text);
	}
	for (size_t i = 0; i < l->n_off; i++)
		ctl_error("the ledger is off: %s", l->off[i]);
}
