/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spoolcat [--check | --keys] [--all] [--from POSITION] SPOOL
 *
 * What a spool holds: its commit and its cursors on stderr, its records' lines on stdout. From the slowest cursor on,
 * with --all everything that is still whole; --check prints no lines, but checks every CRC, that ids grow within each
 * route, and that the counters agree with each other and with the records; --keys puts its record's key before each
 * line. Exit status 0, 1 (damaged, or something does not add up), 2 (usage). */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "../../common/spool.h"

struct totals {
	uint64_t records, bytes, wrong;
	struct spool_rec last[SPOOL_MAX_ROUTES];	/* by route: the record seen last; len 0: none */
	uint64_t routes[SPOOL_MAX_ROUTES];
	bool mixed;		/* records of other generations of the manifest: their routes were others */
};

static int complain(struct totals *t, const char *what, uint64_t at)
{
	if (t->wrong++ < 20)
		fprintf(stderr, "wrong: %s at %" PRIu64 "\n", what, at);
	return 1;
}

/* ---- what it says of itself -------------------------------------------------------------------------------------- */

static void print_commit(const struct spool_commit *c, uint64_t tail, uint64_t data_size)
{
	fprintf(stderr, "head=%" PRIu64 " tail=%" PRIu64 " size=%" PRIu64 " records=%" PRIu64
		" generation=%u flags=%u\n", c->head, tail, data_size, c->records, c->generation, c->flags);
	for (int i = 0; i < c->n_sources; i++) {
		const struct spool_source *r = &c->sources[i];

		fprintf(stderr, "source id=%u channel=%u next=%" PRIu64 " drained=%" PRIu64 " bytes=%" PRIu64
			" discarded=%" PRIu64 " lost=%" PRIu64 "\n",
			r->id, r->channel, r->next, r->drained, r->drained_bytes, r->discarded, r->lost);
	}
	for (int i = 0; i < c->n_routes; i++) {
		const struct spool_route *r = &c->routes[i];

		fprintf(stderr, "route channel=%u event=%u ok=%" PRIu64 " results=%" PRIu64 " spooled=%" PRIu64
			" spool_full=%" PRIu64 " bytes=%" PRIu64 " repaired=%" PRIu64,
			r->channel, r->event, r->ok, r->results, r->spooled, r->spool_full, r->bytes, r->repaired);
#define X(upper, lower, help) fprintf(stderr, " " #lower "=%" PRIu64, r->dropped[SPOOL_DROP_##upper]);
		SPOOL_DROP_LIST(X)
#undef X
		fprintf(stderr, "\n");
	}
}

/* Returns the slowest cursor's position, or @none. */
static uint64_t print_cursors(const struct spool_reader *r, uint64_t none)
{
	uint64_t slowest = UINT64_MAX;

	for (int i = 0; i < SPOOL_MAX_CURSORS; i++) {
		struct spool_cursor c;
		char name[48];
		int err = spool_cursor_read(r, i, name, &c);

		if (err == -ENOENT)
			continue;
		if (err < 0) {
			fprintf(stderr, "cursor %d: damaged\n", i);
			continue;
		}
		fprintf(stderr, "cursor %s pos=%" PRIu64 " acked=%" PRIu64 " unrouted=%" PRIu64 " bytes=%" PRIu64, name,
			c.pos, c.acked, c.unrouted, c.bytes);
#define X(upper, lower, help) fprintf(stderr, " " #lower "=%" PRIu64, c.dropped[SINK_DROP_##upper]);
		SINK_DROP_LIST(X)
#undef X
		fprintf(stderr, "\n");
		slowest = MIN(slowest, c.pos);
	}
	return slowest == UINT64_MAX ? none : slowest;
}

/* ---- whether it is true ------------------------------------------------------------------------------------------ */

static bool id_after(const struct spool_rec *a, const struct spool_rec *b)
{
	if (a->source_pos != b->source_pos)
		return a->source_pos > b->source_pos;
	if (a->event != b->event)
		return a->event > b->event;
	return a->result > b->result;
}

static void check_record(struct totals *t, const struct spool_commit *c, const struct spool_rec *rec)
{
	struct spool_rec *last = &t->last[rec->route];

	if (last->len && last->source == rec->source && last->generation == rec->generation && !id_after(rec, last))
		complain(t, "an id that does not grow", rec->pos);
	*last = *rec;
	for (int i = 0; i < c->n_sources; i++)
		if (c->sources[i].id == rec->source && rec->source_pos >= c->sources[i].next)
			complain(t, "a record from beyond its source's position", rec->pos);
	if (rec->route >= c->n_routes)
		complain(t, "a route that the commit does not have", rec->pos);
	t->routes[rec->route]++;
	t->mixed |= rec->generation != c->generation;
}

/* @whole: every record since the spool was made was read, and under this manifest. */
static void check_counters(struct totals *t, const struct spool_commit *c, bool whole)
{
	uint64_t spooled = 0;

	for (int i = 0; i < c->n_routes; i++) {
		const struct spool_route *r = &c->routes[i];

		spooled += r->spooled;
		if (r->results != r->spooled + r->spool_full)
			complain(t, "results != spooled + spool_full, route", i);
		if ((!t->mixed && t->routes[i] > r->spooled) || (whole && t->routes[i] != r->spooled))
			complain(t, "not as many records as spooled, route", i);
	}
	if (whole && spooled != c->records)
		complain(t, "spooled of all routes is not the number of records", spooled);
	if (t->records > c->records || (whole && t->records != c->records))
		complain(t, "not as many records as the commit says", t->records);
	/* A channel may have several routes; each of its events counts in each of them. */
	for (int i = 0; i < c->n_routes; i++) {
		const struct spool_route *r = &c->routes[i];
		uint64_t done = r->ok, drained = 0;

		for (int d = 0; d < SPOOL_N_DROPS; d++)
			done += r->dropped[d];
		for (int k = 0; k < c->n_sources; k++)
			drained += r->channel == c->sources[k].channel ? c->sources[k].drained : 0;
		if (done != drained)
			complain(t, "drained != ok + dropped, route", i);
	}
}

enum what { LINES, LINES_WITH_KEYS, CHECK };

static int walk(const struct spool_reader *r, const struct spool_commit *c, uint64_t pos, enum what what,
		struct totals *t)
{
	while (pos < c->head) {
		struct spool_rec rec;
		const char *line;

		if (spool_read(r, pos, c->head, &rec, &line) < 0)
			return complain(t, "a damaged record", pos);
		if (what == CHECK)
			check_record(t, c, &rec);
		else if (what == LINES_WITH_KEYS)
			printf("%" PRIu64 " %.*s\n", rec.key, (int)rec.line_len, line);
		else
			printf("%.*s\n", (int)rec.line_len, line);
		t->records++;
		t->bytes += rec.line_len;
		pos += rec.len;
	}
	return 0;
}

static int run(const char *path, enum what what, bool all, uint64_t from)
{
	struct spool_reader r = {};
	struct spool_commit c = {};
	struct totals t = {};
	uint64_t tail, pos;
	int err = spool_reader_open(&r, path, true);

	if (err < 0) {
		fprintf(stderr, "%s: %s\n", path,
			err == -EBADMSG ? "no spool of this boot, or damaged" : strerror(-err));
		return 1;
	}
	tail = __atomic_load_n(&r.head->tail, __ATOMIC_SEQ_CST);
	err = spool_read_commit(&r, &c);
	if (err < 0 && err != -ENODATA) {
		fprintf(stderr, "%s: its commit is damaged\n", path);
		spool_reader_close(&r);
		return 1;
	}
	print_commit(&c, tail, r.data_size);
	pos = print_cursors(&r, tail);
	if (all)
		pos = tail;
	if (from != UINT64_MAX)
		pos = from;
	walk(&r, &c, pos, what, &t);
	if (what == CHECK && !t.wrong)
		check_counters(&t, &c, pos == 0 && !t.mixed);
	fprintf(stderr, "%" PRIu64 " records, %" PRIu64 " bytes of lines%s, %" PRIu64 " wrong\n", t.records, t.bytes,
		what == CHECK ? " checked" : "", t.wrong);
	spool_reader_close(&r);
	return t.wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },
		{ "keys", no_argument, NULL, 'k' },
		{ "all", no_argument, NULL, 'a' },
		{ "from", required_argument, NULL, 'f' },
		{},
	};
	uint64_t from = UINT64_MAX;
	enum what what = LINES;
	bool all = false;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (o) {
		case 'c':
			what = CHECK;
			break;
		case 'k':
			what = LINES_WITH_KEYS;
			break;
		case 'a':
			all = true;
			break;
		case 'f':
			from = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1) {
		fprintf(stderr, "usage: spoolcat [--check | --keys] [--all] [--from POSITION] SPOOL\n");
		return 2;
	}
	return run(argv[optind], what, all, from);
}
