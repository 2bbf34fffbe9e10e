/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../channeld/ring.h"
#include "../tools/ringfill.h"

#define RING_SIZE (64u << 10)
#define RECORD    (sizeof(struct ringfill_event) + BPF_RINGBUF_HDR_SZ)

static struct bpf_object *object;
static const char *why_not;

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

/* A fresh ring for each test: its positions begin at 0. */
static int load(void **state)
{
	char path[PATH_MAX];

	(void)state;
	libbpf_set_print(quiet);
	snprintf(path, sizeof(path), "%s/tests/bpf/ringfill.bpf.o", getenv("BUILD") ?: "build");
	object = bpf_object__open(path);
	if (!object) {
		why_not = "tests/bpf/ringfill.bpf.o is not built";
		return 0;
	}
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "events"), RING_SIZE);
	why_not = bpf_object__load(object) < 0 ? "BPF programs cannot be loaded here (root?)" : NULL;
	return 0;
}

static int unload(void **state)
{
	(void)state;
	bpf_object__close(object);
	object = NULL;
	return 0;
}

static void need_bpf(void)
{
	if (!why_not)
		return;
	print_message("# skipped: %s\n", why_not);
	skip();
}

static uint64_t fill_and_discard(uint64_t first, uint64_t n, uint64_t discard_every)
{
	struct ringfill_args a = { .first = first, .n = n, .discard_every = discard_every };
	LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = &a, .ctx_size_in = sizeof(a));	/* comes back in place */
	int prog = bpf_program__fd(bpf_object__find_program_by_name(object, "ringfill"));

	assert_int_equal(bpf_prog_test_run_opts(prog, &o), 0);
	return n - a.full;
}

static uint64_t fill(uint64_t first, uint64_t n)
{
	return fill_and_discard(first, n, 0);
}

static void open_ring(struct ring *r, bool look_on)
{
	int fd = dup(bpf_map__fd(bpf_object__find_map_by_name(object, "events")));

	assert_int_equal(ring_open(r, fd, look_on), 0);
}

static void expect(struct ring *r, uint64_t first, uint64_t n)
{
	struct record rec;

	memset(&rec, 0xff, sizeof(rec));	/* of another channel, of the batch before */
	for (uint64_t i = first; i < first + n; i++) {
		assert_true(ring_next(r, &rec));
		assert_int_equal(rec.len, sizeof(struct ringfill_event));
		assert_int_equal(rec.end - rec.pos, RECORD);
		assert_int_equal(rec.fate, RECORD_EVENT);
		assert_int_equal(((const struct ringfill_event *)rec.data)->number, i);
	}
}

static void records_come_in_order_and_stay_until_released(void **state)
{
	struct ring r = {}, again = {};
	struct record rec;

	(void)state;
	need_bpf();
	open_ring(&r, false);
	assert_true(ring_empty(&r));
	assert_int_equal(fill(0, 10), 10);
	assert_false(ring_empty(&r));
	expect(&r, 0, 10);
	assert_false(ring_next(&r, &rec));
	assert_int_equal(ring_consumed(&r), 0);
	open_ring(&again, false);	/* whoever comes before the release sees them again */
	expect(&again, 0, 10);
	ring_release(&r, 4 * RECORD);
	ring_close(&again);
	open_ring(&again, false);
	expect(&again, 4, 6);
	ring_close(&again);
	ring_close(&r);
}

static void a_ring_goes_on_where_the_commit_was(void **state)
{
	struct ring r = {};

	(void)state;
	need_bpf();
	assert_int_equal(fill(0, 20), 20);
	open_ring(&r, false);
	ring_release(&r, 5 * RECORD);
	ring_resume(&r, 12 * RECORD);	/* the commit came, the release did not */
	assert_int_equal(ring_consumed(&r), 12 * RECORD);
	expect(&r, 12, 8);
	ring_resume(&r, 3 * RECORD);	/* never backwards: it may be overwritten */
	expect(&r, 12, 8);
	ring_resume(&r, 21 * RECORD);	/* nor to where nothing was produced yet: there are no records */
	assert_int_equal(ring_consumed(&r), 12 * RECORD);
	expect(&r, 12, 8);
	ring_close(&r);
}

static void a_ring_wraps_without_a_gap(void **state)
{
	struct ring r = {};
	uint64_t n = 0;

	(void)state;
	need_bpf();
	open_ring(&r, false);
	while (n < 5 * RING_SIZE / RECORD) {
		assert_int_equal(fill(n, 333), 333);
		expect(&r, n, 333);
		ring_release(&r, r.pos);
		n += 333;
	}
	ring_close(&r);
}

static void a_full_ring_holds_what_fits_and_the_rest_is_counted(void **state)
{
	uint64_t fits = (RING_SIZE - 1) / RECORD, n, discarded;
	struct ring r = {};

	(void)state;
	need_bpf();
	assert_int_equal(fill(0, fits + 100), fits);
	open_ring(&r, true);		/* looking on needs no consumer page */
	assert_null(r.consumer);
	assert_int_equal(ring_count(&r, 0, &n, &discarded), 0);
	assert_int_equal(n, fits);
	assert_int_equal(ring_count(&r, 10 * RECORD, &n, &discarded), 0);
	assert_int_equal(n, fits - 10);
	ring_close(&r);
}

static void discarded_records_are_told_apart(void **state)
{
	uint64_t n, discarded, seen[RECORD_PASSED_OVER + 1] = {};
	struct record rec;
	struct ring r = {};

	(void)state;
	need_bpf();
	assert_int_equal(fill_and_discard(1, 100, 10), 100);
	open_ring(&r, false);
	assert_int_equal(ring_count(&r, 0, &n, &discarded), 0);
	assert_int_equal(n, 90);
	assert_int_equal(discarded, 10);
	while (ring_next(&r, &rec))
		seen[rec.fate]++;
	assert_int_equal(seen[RECORD_EVENT], 90);
	assert_int_equal(seen[RECORD_DISCARDED], 10);
	ring_close(&r);
}

static void what_is_no_ring_is_refused(void **state)
{
	struct ring r = { .map_id = 77 };
	int fd;

	(void)state;
	need_bpf();
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "no_ring", 4, 8, 1, NULL);
	assert_true(fd >= 0);
	assert_int_equal(ring_open(&r, fd, false), -EINVAL);
	assert_int_equal(r.map_id, 77);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_come_in_order_and_stay_until_released, load, unload),
		cmocka_unit_test_setup_teardown(a_ring_goes_on_where_the_commit_was, load, unload),
		cmocka_unit_test_setup_teardown(a_ring_wraps_without_a_gap, load, unload),
		cmocka_unit_test_setup_teardown(a_full_ring_holds_what_fits_and_the_rest_is_counted, load, unload),
		cmocka_unit_test_setup_teardown(discarded_records_are_told_apart, load, unload),
		cmocka_unit_test_setup_teardown(what_is_no_ring_is_refused, load, unload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
