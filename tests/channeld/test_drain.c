/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layouts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../channeld/drain.h"
#include "../../channeld/ring.h"
#include "../../common/program.h"
#include "../common/killtest.h"
#include "../tools/ringfill.h"

#define ROUTES 8

static struct layout_field small[] = { FIELD("number", UINT, 8, 8) };
static struct layout_field big[LAYOUT_FIELDS_MAX - 1];
static char names[LAYOUT_FIELDS_MAX][100];

static struct manifest_channel channel = {
	.name = "events",
	.type = CHANNEL_RING_BUFFER,
	.has_layout = true,
	.ts_offset = 0,
	.pid_offset = -1,
	.ts_bytes = 8,
	.layout = { "event", 64, "fields", { .name = "", .kind = LAYOUT_STRUCT, .bits = 512 } },
};
static struct manifest_route routes[ROUTES];
static struct manifest manifest = {
	.program = "p", .generation = 1, .channels = { &channel, 1 }, .routes = { routes, 0 }
};

static struct bpf_object *object;
static struct envelope_clock second;
static struct drain d;
static struct spool_reader reader;
static int cursor;
static unsigned waits, bells;
static const char *why_not;

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static void fill(uint64_t n)
{
	struct ringfill_args a = { .n = n };
	LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = &a, .ctx_size_in = sizeof(a));	/* comes back in place */
	int prog = bpf_program__fd(bpf_object__find_program_by_name(object, "ringfill"));

	assert_int_equal(bpf_prog_test_run_opts(prog, &o), 0);
	assert_int_equal(a.full, 0);
}

/* The reader: takes what was committed, and counts it by route. */
static void take_all(uint64_t ret[ROUTES])
{
	static struct spool_commit c;
	struct spool_cursor at;
	struct spool_rec rec;
	const char *line;
	char name[48];

	assert_int_equal(spool_cursor_read(&reader, cursor, name, &at), 0);
	assert_int_equal(spool_read_commit(&reader, &c), 0);
	for (; at.pos < c.head; at.pos += rec.len) {
		assert_int_equal(spool_read(&reader, at.pos, c.head, &rec, &line), 0);
		assert_int_equal(rec.event, 10 + rec.route);
		ret[rec.route]++;
	}
	spool_cursor_write(&reader, cursor, &at);
}

static uint64_t taken[ROUTES];

static void wait_for_room(void *arg)
{
	(void)arg;
	waits++;
	take_all(taken);
}

static void ring_doorbell(void *arg)
{
	(void)arg;
	bells++;
}

static int load(void)
{
	char file[PATH_MAX];

	libbpf_set_print(quiet);
	snprintf(file, sizeof(file), "%s/tests/bpf/ringfill.bpf.o", getenv("BUILD") ?: "build");
	object = bpf_object__open(file);
	if (!object)
		return -1;
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "events"), 64 << 10);
	return bpf_object__load(object);
}

/* @n routes from the one ring into a spool of the smallest size. */
static void begin(size_t n, struct layout_field *fields, size_t n_fields)
{
	struct route_names id = { "h", "p", 1 };
	struct transport_context t = { .manifest = &manifest, .spool = &d.spool, .epoll = -1 };

	if (why_not) {
		print_message("# skipped: %s\n", why_not);
		skip();
	}
	d = (struct drain){
		.wait_for_room = wait_for_room, .ring_doorbell = ring_doorbell, .n_channels = 1, .n_routes = n
	};
	memset(taken, 0, sizeof(taken));
	waits = bells = 0;
	channel.layout.root.fields = (struct conf_list){ fields, n_fields };
	manifest.routes.n = n;
	assert_int_equal(spool_writer_open(&d.spool, spooldir_path("p.spool"), "p", SPOOL_MIN_SIZE, NULL), 0);
	channel.map_id = 0;		/* any */
	d.channels[0] = (struct channel){ .transport = &transport_ring, .manifest = &channel };
	assert_int_equal(ring_channel_open(&d.channels[0], &t,
					   dup(bpf_map__fd(bpf_object__find_map_by_name(object, "events"))), NULL),
			 0);
	for (size_t i = 0; i < n; i++) {
		routes[i] = (struct manifest_route){ .event = 10 + i, .event_name = "e", .key_offset = -1 };
		assert_int_equal(route_init(&d.routes[i], &manifest, i, &id, &second, NULL), 0);
		d.by_channel[i] = &d.routes[i];
	}
	d.channels[0].routes = d.by_channel;
	d.channels[0].n_routes = n;
	d.spool.next.n_sources = 1;
	d.spool.next.n_routes = n;
	drain_commit(&d);
	assert_int_equal(spool_reader_open(&reader, spooldir_path("p.spool"), false), 0);
	cursor = spool_cursor_open(&reader, "test");
	assert_true(cursor >= 0);
}

static int finish(void **state)
{
	(void)state;
	drain_fini(&d);
	d = (struct drain){};
	spool_reader_close(&reader);
	spooldir_clear();
	return 0;
}

static void every_route_gets_every_event(void **state)
{
	(void)state;
	begin(3, small, 1);
	fill(100);
	assert_int_equal(drain_batch(&d), 100);
	assert_int_equal(drain_batch(&d), 0);
	assert_true(drain_empty(&d));
	take_all(taken);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(taken[i], 100);
		assert_int_equal(d.spool.next.routes[i].ok, 100);
	}
	assert_int_equal(d.spool.next.sources[0].drained, 100);
	assert_int_equal(ring_consumed(d.channels[0].state), d.spool.next.sources[0].next);
}

static void batches_are_bounded(void **state)
{
	int n, batches = 0;

	(void)state;
	begin(1, small, 1);
	fill(DRAIN_BATCH * 2 + 1);
	for (; (n = drain_batch(&d)) > 0; batches++)
		assert_true(n <= DRAIN_BATCH);
	assert_int_equal(batches, 3);
}

static void a_sleeping_reader_is_woken_once(void **state)
{
	(void)state;
	begin(1, small, 1);
	spool_cursor_sleep(&reader, cursor);
	fill(10);
	drain_batch(&d);
	assert_int_equal(bells, 1);
	fill(10);
	drain_batch(&d);
	assert_int_equal(bells, 1);
}

static void what_comes_late_takes_drained_back(void **state)
{
	struct spool_commit c;

	(void)state;
	begin(1, small, 1);
	d.spool.next.flags |= SPOOL_COMMIT_DRAINED;
	drain_commit(&d);
	fill(1);
	assert_int_equal(drain_batch(&d), 1);
	assert_int_equal(spool_read_commit(&reader, &c), 0);
	assert_int_equal(c.flags & SPOOL_COMMIT_DRAINED, 0);
}

static void a_full_spool_is_waited_for_within_a_batch(void **state)
{
	(void)state;
	begin(2, big, ARRAY_SIZE(big));		/* a batch is many times what the spool holds */
	fill(50);
	assert_int_equal(drain_batch(&d), 50);
	assert_true(waits > 10);
	take_all(taken);
	assert_int_equal(taken[0], 50);
	assert_int_equal(taken[1], 50);
	assert_int_equal(d.spool.next.routes[1].spool_full, 0);
}

/* One event whose results together are more than the whole spool: what has no place is named; the next one comes. */
static void what_no_spool_can_hold_is_counted(void **state)
{
	uint64_t spooled = 0, full = 0;

	(void)state;
	begin(ROUTES, big, ARRAY_SIZE(big));
	fill(3);
	assert_int_equal(drain_batch(&d), 3);
	take_all(taken);
	for (int i = 0; i < ROUTES; i++) {
		const struct spool_route *r = &d.spool.next.routes[i];

		assert_int_equal(r->results, 3);
		assert_int_equal(r->spooled + r->spool_full, 3);
		assert_int_equal(r->spooled, taken[i]);
		spooled += r->spooled;
		full += r->spool_full;
	}
	assert_true(spooled >= 3 && full >= 3);
}

static void with_drop_newest_nobody_waits_and_what_finds_no_room_is_counted(void **state)
{
	const struct spool_route *r = d.spool.next.routes;

	(void)state;
	begin(2, big, ARRAY_SIZE(big));
	d.drop_newest = true;
	for (unsigned round = 1; round <= 3; round++) {
		fill(50);
		assert_int_equal(drain_batch(&d), 50);
		take_all(taken);	/* too late for those, in time for the next */
		for (unsigned i = 0; i < 2; i++) {
			assert_int_equal(r[i].ok, 50 * round);
			assert_int_equal(r[i].spooled + r[i].spool_full, 50 * round);
			assert_int_equal(r[i].spooled, taken[i]);
			assert_true(taken[i] >= round && taken[i] < 20 * round);
		}
	}
	assert_int_equal(waits, 0);
	assert_int_equal(d.spool.next.sources[0].drained, 150);
}

/* ---- killed at any instruction ----------------------------------------------------------------------- */

static void batch_job(void)
{
	mark();
	drain_batch(&d);
	mark();
}

/* What a kill would leave is what lies in shared memory at that moment, and a new worker makes of it: each event is in
 * the commit with all its records and counters, or still in the ring. NULL, or what is not so. */
static const char *what_is_off(uint64_t ring_begin, uint64_t ring_record)
{
	static struct spool_commit c;
	const struct spool_source *row = c.sources;
	uint64_t pos, records = 0, spooled = 0;
	struct spool_rec rec;
	const char *line;

	if (spool_read_commit(&reader, &c) < 0)
		return "no commit is whole";
	for (pos = 0; pos < c.head; pos += rec.len, records++) {
		if (spool_read(&reader, pos, c.head, &rec, &line) < 0)
			return "a record that was published is not whole";
		if (rec.source_pos >= row->next)
			return "a record was published, and its event will come again";
	}
	for (unsigned i = 0; i < c.n_routes; i++) {
		if (c.routes[i].ok != row->drained || c.routes[i].results != row->drained)
			return "not every event has its results";
		spooled += c.routes[i].spooled;
	}
	if (records != c.records || records != spooled)
		return "the counters speak of other records";
	if (row->drained * ring_record != row->next - ring_begin)
		return "the position is that of other events";
	return ring_consumed(d.channels[0].state) > row->next ? "the ring lost what was not published" : NULL;
}

static const char *step_through_a_batch(unsigned *ret_before, unsigned *ret_behind)
{
	const struct spool_source *row = d.spool.next.sources;
	uint64_t head = d.spool.published, begin_pos = row->next - row->drained * (64 + 8);
	const char *off = what_is_off(begin_pos, 64 + 8);
	static struct spool_commit c;
	pid_t pid = start(batch_job);

	*ret_before = *ret_behind = 0;
	while (!off && step(pid)) {
		off = what_is_off(begin_pos, 64 + 8);
		assert_int_equal(spool_read_commit(&reader, &c), 0);
		++*(c.head > head ? ret_behind : ret_before);
	}
	end(pid);
	return off;
}

static void expect_exact_at_every_instruction(void)
{
	unsigned before, behind;
	const char *off = step_through_a_batch(&before, &behind);

	if (off)
		fail_msg("after instruction %u: %s", before + behind, off);
	print_message("# %u instructions before the commit, %u behind\n", before, behind);
	assert_true(before > 100 && behind > 1);
}

static void a_batch_is_exact_at_every_instruction(void **state)
{
	(void)state;
	begin(2, small, ARRAY_SIZE(small));
	fill(3);
	expect_exact_at_every_instruction();
	take_all(taken);
	assert_int_equal(taken[0], 3);
}

/* All but full beforehand, so that some of the batch fits. */
static void so_it_is_when_results_find_no_room(void **state)
{
	static struct spool_commit c;

	(void)state;
	begin(2, big, 40);
	d.drop_newest = true;
	for (unsigned n = 0; d.spool.next.head - d.spool.tail + 4 * 5000 < d.spool.data_size; n++) {
		fill(1);
		assert_int_equal(drain_batch(&d), 1);
	}
	fill(4);
	expect_exact_at_every_instruction();
	assert_int_equal(spool_read_commit(&reader, &c), 0);
	assert_true(c.routes[0].spooled < c.routes[0].ok);
}

static size_t gather_and_release(struct channel *c, struct record *ret, size_t quota)
{
	size_t n = transport_ring.gather(c, ret, quota);

	if (n)
		ring_release(c->state, ret[n - 1].end);
	return n;
}

static void control_a_ring_released_too_soon_is_found(void **state)
{
	static struct transport hasty;
	unsigned before, behind;

	(void)state;
	begin(2, small, ARRAY_SIZE(small));
	hasty = transport_ring;
	hasty.gather = gather_and_release;
	d.channels[0].transport = &hasty;
	fill(3);
	assert_string_equal(step_through_a_batch(&before, &behind), "the ring lost what was not published");
}

#define TEST(name) cmocka_unit_test_teardown(name, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_route_gets_every_event),
		TEST(batches_are_bounded),
		TEST(a_sleeping_reader_is_woken_once),
		TEST(what_comes_late_takes_drained_back),
		TEST(a_full_spool_is_waited_for_within_a_batch),
		TEST(what_no_spool_can_hold_is_counted),
		TEST(with_drop_newest_nobody_waits_and_what_finds_no_room_is_counted),
		TEST(a_batch_is_exact_at_every_instruction),
		TEST(so_it_is_when_results_find_no_room),
		TEST(control_a_ring_released_too_soon_is_found),
	};
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(big); i++) {
		memset(names[i], 'a' + (int)(i % 26), sizeof(names[i]) - 1);
		big[i] = (struct layout_field)FIELD(names[i], UINT, 8, 8);
	}
	if (!spooldir_make())
		why_not = "/dev/shm is no tmpfs";
	else if (load() < 0)
		why_not = "BPF programs cannot be loaded here (root?), or ringfill.bpf.o is not built";
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bpf_object__close(object);
	spooldir_remove();
	return failed;
}
