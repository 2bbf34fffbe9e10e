/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layouts.h"

#include <errno.h>

#include "../../channeld/route.h"
#include "../../common/program.h"
#include "../common/spooldir.h"

struct event {
	uint64_t ts_ns;
	uint32_t pid;
	char name[12];
	char text[];
};

static struct layout_field fields[] = {
	FIELD("ts_ns", UINT, 0, 8), FIELD("pid", UINT, 8, 4), FIELD("name", TEXT, 12, 12),
	FIELD("text", TEXT, 24, 0, .trailing = true),
};
static struct manifest_channel channel = {
	.name = "c",
	.type = CHANNEL_RING_BUFFER,
	.map_id = 9,
	.has_layout = true,
	.ts_offset = 0,
	.pid_offset = 8,
	.ts_bytes = 8,
	.pid_bytes = 4,
	.layout = { "event",
		    24,
		    "fields",
		    { .name = "", .kind = LAYOUT_STRUCT, .bits = 192, .fields = { fields, 4 } } },
};
static struct manifest_route route;
static const struct manifest manifest = {
	.program = "p", .generation = 7, .channels = { &channel, 1 }, .routes = { &route, 1 }
};
static const struct when when = { .drain_ns = 5000000000, .wall_offset_ns = 1000000000000000000 };

static struct envelope_clock second;
static struct spool_writer spool;
static struct spool_source source_row = { .id = 9 };
static struct source source = { .row = &source_row, .id_text = "9-", .id_len = 2 };
static struct route r;

static int begin(void **state)
{
	struct route_names names = { "h", "p", 0xabc };

	(void)state;
	route = (struct manifest_route){ .event = 2, .event_name = "event", .key_offset = -1 };
	if (spool_writer_open(&spool, spooldir_path("p.spool"), "p", SPOOL_MIN_SIZE, NULL) < 0)
		return -1;
	return route_init(&r, &manifest, 0, &names, &second, NULL);
}

static int end(void **state)
{
	(void)state;
	route_fini(&r);
	spool_writer_close(&spool);
	spooldir_clear();
	return 0;
}

/* A record with @n bytes of text behind the fixed part. */
static struct record record(const char *name, int c, uint32_t n)
{
	static union {
		struct event ev;
		char room[200000 + PLAN_SLACK];
	} u;

	u.ev.ts_ns = 123;
	u.ev.pid = 42;
	memset(u.ev.name, 0, sizeof(u.ev.name));
	memcpy(u.ev.name, name, strlen(name));
	memset(u.ev.text, c, n);
	return (struct record){ .data = &u, .len = 24 + n, .pos = 0x80, .source = &source };
}

static void last_record(struct spool_rec *ret, char *line)
{
	static struct spool_commit c;
	struct spool_reader reader = {};
	const char *text;
	uint64_t pos;

	spool_commit(&spool);
	assert_int_equal(spool_reader_open(&reader, spooldir_path("p.spool"), true), 0);
	assert_int_equal(spool_read_commit(&reader, &c), 0);
	for (pos = 0; pos < c.head; pos += ret->len)
		assert_int_equal(spool_read(&reader, pos, c.head, ret, &text), 0);
	memcpy(line, text, ret->line_len);
	line[ret->line_len] = 0;
	spool_reader_close(&reader);
}

static void a_record_says_who_when_and_which(void **state)
{
	struct record rr = record("alpha", 'x', 3);
	struct spool_rec rec = {};
	static char line[SPOOL_REC_MAX];
	struct outcome o;

	(void)state;
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	assert_int_equal(o.drop, SPOOL_N_DROPS);
	last_record(&rec, line);
	assert_int_equal(rec.pid, 42);
	assert_int_equal(rec.key, 42);
	assert_int_equal(rec.time_ns, 1000000000000000123);
	assert_int_equal(rec.source, 9);
	assert_int_equal(rec.source_pos, 0x80);
	assert_int_equal(rec.event, 2);
	assert_int_equal(rec.generation, 7);
	assert_int_equal(o.bytes, strlen(line));
	assert_string_equal(line, "{\"ts\":\"2001-09-09T01:46:40.000000123Z\",\"ts_source\":\"kernel\",\"host\":"
				  "\"h\",\"program\":\"p\","
				  "\"channel\":\"c\",\"event\":\"event\",\"id\":\"abc-9-80-2-0\",\"tags\":{},"
				  "\"data\":{\"ts_ns\":123,\"pid\":42,\"name\":\"alpha\",\"text\":\"xxx\"}}");
}

static void without_a_time_of_its_own_the_drain_counts(void **state)
{
	struct record rr = record("a", 'x', 1);
	struct spool_rec rec = {};
	static char line[SPOOL_REC_MAX];
	struct outcome o;

	(void)state;
	channel.ts_offset = -1;
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	channel.ts_offset = 0;
	last_record(&rec, line);
	assert_int_equal(rec.time_ns, 1000000005000000000);
	assert_non_null(strstr(line, "\"ts_source\":\"drain\""));
}

static uint64_t key_of(const char *name)
{
	struct record rr = record(name, 'x', 0);
	struct outcome o;

	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	return r.rec.key;
}

static void equal_texts_have_equal_keys(void **state)
{
	(void)state;
	route.key_offset = 12;
	route.key_bytes = 12;
	assert_int_equal(key_of("alpha"), key_of("alpha"));
	assert_int_not_equal(key_of("alpha"), key_of("beta"));
}

static void what_does_not_fit_its_layout_is_counted(void **state)
{
	struct record rr = record("a", 'x', 0);
	struct spool_route row = {};
	struct outcome o;

	(void)state;
	rr.len = 23;
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	route_count(&row, &o);
	assert_int_equal(row.dropped[SPOOL_DROP_DECODE], 1);
	assert_int_equal(row.ok + row.spooled, 0);
	assert_int_equal(spool.next.head, 0);
}

static void a_line_is_oversize_only_if_it_really_is(void **state)
{
	struct record rr = record("a", 'x', 60000);	/* its bound is six times that */
	struct outcome o;

	(void)state;
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	assert_int_equal(o.drop, SPOOL_N_DROPS);
	assert_true(o.bytes > 60000);
	rr = record("a", 1, 12000);		/* six bytes for each: "\u0001" */
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	assert_int_equal(o.drop, SPOOL_DROP_OVERSIZE);
	rr = record("a", 'x', 65400);		/* the data alone would fit; the envelope does not */
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	assert_int_equal(o.drop, SPOOL_DROP_OVERSIZE);
	rr = record("a", 'x', 199000);
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	assert_int_equal(o.drop, SPOOL_DROP_OVERSIZE);
}

static void a_full_spool_changes_nothing(void **state)
{
	struct record rr = record("a", 'x', 50000);
	struct outcome o;
	uint64_t head;
	int err;

	(void)state;
	do {
		head = spool.next.head;
		err = route_write(&r, &spool, &when, &rr, NULL, true, &o);
	} while (err == 0);
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(spool.next.head, head);
	assert_true(head > SPOOL_MIN_SIZE - 2 * SPOOL_REC_MAX);
}

static void answers_are_taken_as_they_are(void **state)
{
	struct record rr = record("a", 'x', 0);
	struct answer a = { .drop = SPOOL_N_DROPS, .text = "[1,2]", .len = 5 };
	struct spool_route row = {};
	struct spool_rec rec = {};
	static char line[SPOOL_REC_MAX];
	struct outcome o;

	(void)state;
	assert_int_equal(route_write(&r, &spool, &when, &rr, &a, true, &o), 0);
	route_count(&row, &o);
	last_record(&rec, line);
	assert_non_null(strstr(line, "\"data\":[1,2]}"));
	a.drop = SPOOL_DROP_SO_CRASH;
	assert_int_equal(route_write(&r, &spool, &when, &rr, &a, true, &o), 0);
	route_count(&row, &o);
	assert_int_equal(row.ok, 1);
	assert_int_equal(row.results, 1);
	assert_int_equal(row.spooled, 1);
	assert_int_equal(row.dropped[SPOOL_DROP_SO_CRASH], 1);
}

static void several_results_have_numbers_and_kinds(void **state)
{
	struct record rr = record("a", 'x', 0);
	const char text[] = "{\"n\":1}\n@{\"name\":\"m\"}\n[]";
	struct answer a = { .drop = SPOOL_N_DROPS, .text = text, .len = sizeof(text) - 1 };
	struct spool_route row = {};
	struct spool_rec rec = {};
	static char line[SPOOL_REC_MAX];
	struct outcome o;

	(void)state;
	assert_int_equal(route_write(&r, &spool, &when, &rr, &a, true, &o), 0);
	route_count(&row, &o);
	assert_int_equal(row.ok, 1);
	assert_int_equal(row.results, 3);
	assert_int_equal(row.spooled, 3);
	last_record(&rec, line);
	assert_int_equal(rec.result, 2);
	assert_int_equal(rec.kind, SPOOL_KIND_JSON);
	assert_non_null(strstr(line, "\"id\":\"abc-9-80-2-2\",\"tags\":{},\"data\":[]}"));
	a.len = strlen("{\"n\":1}\n@{\"name\":\"m\"}");
	assert_int_equal(route_write(&r, &spool, &when, &rr, &a, true, &o), 0);
	last_record(&rec, line);
	assert_int_equal(rec.result, 1);
	assert_int_equal(rec.kind, SPOOL_KIND_SAMPLE);
	assert_non_null(strstr(line, "\"data\":{\"name\":\"m\"}}"));
}

static void what_shall_not_wait_is_counted(void **state)
{
	struct record rr = record("a", 'x', 50000);
	struct spool_route row = {};
	struct outcome o;

	(void)state;
	do {
		assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, false, &o), 0);
		route_count(&row, &o);
	} while (o.spooled);
	assert_int_equal(row.spool_full, 1);
	assert_int_equal(row.results, row.spooled + row.spool_full);
}

static void repaired_text_is_counted(void **state)
{
	struct record rr = record("caf\xc3", 'x', 0);
	struct spool_route row = {};
	struct outcome o;

	(void)state;
	assert_int_equal(route_write(&r, &spool, &when, &rr, NULL, true, &o), 0);
	route_count(&row, &o);
	assert_int_equal(row.repaired, 1);
	assert_int_equal(row.ok, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_says_who_when_and_which),
		TEST(without_a_time_of_its_own_the_drain_counts),
		TEST(equal_texts_have_equal_keys),
		TEST(what_does_not_fit_its_layout_is_counted),
		TEST(a_line_is_oversize_only_if_it_really_is),
		TEST(a_full_spool_changes_nothing),
		TEST(answers_are_taken_as_they_are),
		TEST(several_results_have_numbers_and_kinds),
		TEST(what_shall_not_wait_is_counted),
		TEST(repaired_text_is_counted),
	};

	return spooldir_run(tests, NULL);
}
