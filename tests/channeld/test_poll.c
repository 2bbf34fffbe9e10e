/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two readings side by side: which entries are given, and what was added to them. And a reading of real maps. */
#include <bpf/bpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../channeld/poll.h"
#include "../../common/program.h"

#define ROOM 16u
#define CPUS 3

struct value {
	uint64_t calls;
	int32_t level;
	uint8_t small;
	int8_t tiny;
	uint16_t middle;
	uint32_t slots[4];
};
_Static_assert(sizeof(struct value) == 32, "a multiple of 8, as per-CPU copies are");

enum { CALLS, LEVEL, SMALL, TINY, MIDDLE, SLOTS, N_VALUES };
static struct manifest_value values[] = {
	[CALLS] = { .metric = "calls", .offset = offsetof(struct value, calls), .bytes = 8 },
	[LEVEL] = { .metric = "level", .offset = offsetof(struct value, level), .bytes = 4, .is_signed = true },
	[SMALL] = { .metric = "small", .offset = offsetof(struct value, small), .bytes = 1 },
	[TINY] = { .metric = "tiny", .offset = offsetof(struct value, tiny), .bytes = 1, .is_signed = true },
	[MIDDLE] = { .metric = "middle", .offset = offsetof(struct value, middle), .bytes = 2 },
	[SLOTS] = { .metric = "slots", .offset = offsetof(struct value, slots), .bytes = 4, .slots = 4 },
};

/* ---- readings made by hand --------------------------------------------------------------------------------------- */

static struct manifest_poll conf;
static struct poll p;

static struct reading {
	struct snapshot_half half;
	struct snapshot_head head;
	uint8_t keys[ROOM * 4];
	struct value copies[ROOM * CPUS];
	uint32_t order[ROOM];
} readings[2];
#define BEFORE (&readings[0])
#define NOW (&readings[1])

static int fresh(void **state)
{
	(void)state;
	memset(readings, 0, sizeof(readings));
	for (size_t i = 0; i < 2; i++) {
		struct reading *r = &readings[i];

		r->half = (struct snapshot_half){ &r->head, r->keys, (uint8_t *)r->copies, r->order };
	}
	conf = (struct manifest_poll){
		.reset = true, .key_size = 4, .value_size = sizeof(struct value), .values = { values, N_VALUES },
	};
	p = (struct poll){
		.info = { .key_size = 4, .value_size = sizeof(struct value) }, .conf = &conf, .copies = 1,
		.stride = sizeof(struct value),
	};
	return 0;
}

/* Keys have four letters. Its copies, one per CPU. */
static struct value *add(struct reading *r, const char *key)
{
	uint32_t i = r->head.n++, at;

	r->head.stored++;
	memcpy(r->keys + (size_t)i * 4, key, 4);
	for (at = i; at > 0 && memcmp(r->keys + r->order[at - 1] * 4, key, 4) > 0; at--)
		r->order[at] = r->order[at - 1];
	r->order[at] = i;
	return &r->copies[i * p.copies];
}

static void lay(bool has_before)
{
	p.now = &NOW->half;
	p.before = has_before ? &BEFORE->half : NULL;
	p.now_n = NOW->head.n;
	p.before_n = has_before ? BEFORE->head.n : 0;
	poll_rewind(&p);
}

static struct poll_entry next_is(const char *key)
{
	struct poll_entry e;

	assert_true(poll_next(&p, &e));
	assert_memory_equal(poll_key(&p, p.now, e.now), key, 4);
	return e;
}

static void no_more(void)
{
	struct poll_entry e;

	assert_false(poll_next(&p, &e));
	assert_false(poll_next(&p, &e));
}

static uint64_t sum(const struct poll_entry *e, size_t value)
{
	return poll_value(&p, e, &values[value], 0, POLL_ALL_CPUS);
}

/* The next one, whose calls are so many. */
static struct poll_entry next_has(const char *key, uint64_t calls)
{
	struct poll_entry e = next_is(key);

	assert_int_equal(sum(&e, CALLS), calls);
	return e;
}

static void without_reset_each_entry_is_given_whole(void **state)
{
	(void)state;
	conf.reset = false;
	add(BEFORE, "aaaa")->calls = 7;
	add(NOW, "bbbb");
	add(NOW, "aaaa")->calls = 9;
	lay(true);
	next_has("aaaa", 9);
	next_has("bbbb", 0);
	no_more();
}

static void with_reset_what_was_added_is_given(void **state)
{
	struct poll_entry e;

	(void)state;
	add(BEFORE, "same")->calls = 7;
	add(BEFORE, "gone")->calls = 7;
	add(BEFORE, "more")->calls = 7;
	add(NOW, "more")->calls = 10;
	add(NOW, "same")->calls = 7;
	add(NOW, "newk")->calls = 4;
	add(NOW, "zero")->calls = 0;
	lay(true);
	e = next_has("more", 3);
	assert_true(e.has_base);
	e = next_has("newk", 4);
	assert_false(e.has_base);
	no_more();
}

static void the_first_reading_counts_from_0(void **state)
{
	(void)state;
	add(NOW, "aaaa")->calls = 10;
	add(NOW, "zero")->calls = 0;
	lay(false);
	next_has("aaaa", 10);
	no_more();
}

/* Lower in any of its values: all of them are another entry's. */
static void an_entry_that_came_back_lower_counts_from_0(void **state)
{
	struct poll_entry e;
	struct value *v;

	(void)state;
	*add(BEFORE, "aaaa") = (struct value){ .calls = 100, .small = 9, .slots = { 5, 5 } };
	*add(BEFORE, "bbbb") = (struct value){ .calls = 100, .small = 9, .slots = { 5, 5 } };
	*add(BEFORE, "cccc") = (struct value){ .calls = 100, .small = 9, .slots = { 5, 5 } };
	add(NOW, "aaaa")->calls = 99;
	v = add(NOW, "bbbb");
	*v = (struct value){ .calls = 300, .small = 9, .slots = { 900, 4 } };
	v = add(NOW, "cccc");
	*v = (struct value){ .calls = 300, .small = 9, .slots = { 900, 5 } };
	lay(true);
	e = next_has("aaaa", 99);
	assert_false(e.has_base);
	e = next_has("bbbb", 300);
	assert_false(e.has_base);
	assert_int_equal(sum(&e, SMALL), 9);
	assert_int_equal(poll_value(&p, &e, &values[SLOTS], 1, POLL_ALL_CPUS), 4);
	e = next_has("cccc", 200);
	assert_true(e.has_base);
	assert_int_equal(sum(&e, SMALL), 0);
	assert_int_equal(poll_value(&p, &e, &values[SLOTS], 0, POLL_ALL_CPUS), 895);
	assert_int_equal(poll_value(&p, &e, &values[SLOTS], 1, POLL_ALL_CPUS), 0);
	no_more();
}

static void an_entry_that_was_away_for_a_reading_counts_from_0(void **state)
{
	(void)state;
	add(BEFORE, "aaaa")->calls = 50;	/* and "bbbb" was in the one before */
	add(NOW, "aaaa")->calls = 51;
	add(NOW, "bbbb")->calls = 3;
	lay(true);
	next_has("aaaa", 1);
	next_has("bbbb", 3);
	no_more();
}

static void signed_values_may_be_negative(void **state)
{
	struct poll_entry e;

	(void)state;
	*add(BEFORE, "aaaa") = (struct value){ .level = -5, .tiny = -128 };
	*add(NOW, "aaaa") = (struct value){ .level = -2, .tiny = 127 };
	*add(NOW, "bbbb") = (struct value){ .level = INT32_MIN, .tiny = -1 };
	lay(true);
	e = next_is("aaaa");
	assert_int_equal((int64_t)sum(&e, LEVEL), 3);
	assert_int_equal((int64_t)sum(&e, TINY), 255);
	e = next_is("bbbb");
	assert_int_equal((int64_t)sum(&e, LEVEL), INT32_MIN);
	assert_int_equal((int64_t)sum(&e, TINY), -1);
	no_more();
}

static void unsigned_values_have_all_their_bits(void **state)
{
	struct poll_entry e;

	(void)state;
	*add(NOW, "aaaa") = (struct value){ .calls = UINT64_MAX, .small = 255, .middle = 65535,
					    .slots = { UINT32_MAX } };
	lay(false);
	e = next_has("aaaa", UINT64_MAX);
	assert_int_equal(sum(&e, SMALL), 255);
	assert_int_equal(sum(&e, MIDDLE), 65535);
	assert_int_equal(sum(&e, SLOTS), UINT32_MAX);
}

/* ---- per CPU ----------------------------------------------------------------------------------------------------- */

static void copies_are_summed(void **state)
{
	struct poll_entry e;
	struct value *v;

	(void)state;
	p.copies = CPUS;
	v = add(BEFORE, "aaaa");
	for (int c = 0; c < CPUS; c++)
		v[c].calls = 10, v[c].small = 200;
	v = add(NOW, "aaaa");
	for (int c = 0; c < CPUS; c++)
		v[c].calls = 10 + (uint64_t)c, v[c].small = 250;
	lay(true);
	e = next_has("aaaa", 0 + 1 + 2);
	assert_int_equal(sum(&e, SMALL), 3 * 50);
	assert_int_equal(poll_value(&p, &e, &values[CALLS], 0, 2), 2);
	no_more();
}

/* As a whole a sum that went up is one that counts on; CPU by CPU each one must have. */
static void one_cpu_that_went_back(void **state)
{
	struct poll_entry e;
	struct value *v;

	(void)state;
	p.copies = CPUS;
	v = add(BEFORE, "aaaa");
	v[0].calls = 5, v[1].calls = 5;
	v = add(NOW, "aaaa");
	v[0].calls = 4, v[1].calls = 9;
	lay(true);
	e = next_has("aaaa", 3);
	assert_true(e.has_base);
	conf.per_cpu = true;
	poll_rewind(&p);
	e = next_is("aaaa");
	assert_false(e.has_base);
	assert_int_equal(poll_value(&p, &e, &values[CALLS], 0, 0), 4);
	assert_int_equal(poll_value(&p, &e, &values[CALLS], 0, 1), 9);
}

static void changes_that_cancel_out_are_nothing_but_cpu_by_cpu(void **state)
{
	struct value *v;

	(void)state;
	p.copies = CPUS;
	v = add(BEFORE, "aaaa");
	v[0].calls = 5, v[1].calls = 5;
	v = add(NOW, "aaaa");
	v[0].calls = 4, v[1].calls = 6;
	v = add(NOW, "bbbb");
	v[0].level = -2, v[2].level = 2;
	lay(true);
	no_more();
	conf.per_cpu = true;
	poll_rewind(&p);
	next_is("aaaa");
	next_is("bbbb");
	no_more();
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static struct value record_of(const struct poll_entry *e)
{
	uint8_t bytes[4 + sizeof(struct value)];
	struct value v;

	assert_int_equal(poll_record_len(&p), sizeof(bytes));
	poll_record(&p, e, bytes);
	assert_memory_equal(bytes, poll_key(&p, p.now, e->now), 4);
	memcpy(&v, bytes + 4, sizeof(v));
	return v;
}

static void a_record_has_what_was_added_as_far_as_its_fields_hold(void **state)
{
	struct poll_entry e;
	struct value *v, got;

	(void)state;
	p.copies = CPUS;
	v = add(NOW, "aaaa");
	for (int c = 0; c < CPUS; c++)
		v[c] = (struct value){ .calls = UINT64_MAX / 4, .level = INT32_MIN, .small = 100, .tiny = 100,
				       .middle = 30000, .slots = { UINT32_MAX, 1, 0, 2 } };
	v = add(NOW, "bbbb");
	v[1] = (struct value){ .level = -3, .tiny = -100 };
	v[2] = (struct value){ .level = 1, .tiny = -100 };
	lay(false);
	e = next_is("aaaa");
	got = record_of(&e);
	assert_int_equal(got.calls, UINT64_MAX / 4 * 3);
	assert_int_equal(got.level, INT32_MIN);
	assert_int_equal(got.small, 255);
	assert_int_equal(got.tiny, 127);
	assert_int_equal(got.middle, 65535);
	assert_int_equal(got.slots[0], UINT32_MAX);
	assert_int_equal(got.slots[1], 3);
	assert_int_equal(got.slots[2], 0);
	assert_int_equal(got.slots[3], 6);
	e = next_is("bbbb");
	got = record_of(&e);
	assert_int_equal(got.level, -2);
	assert_int_equal(got.tiny, -128);
}

static void without_values_a_record_has_all_copies(void **state)
{
	uint8_t bytes[4 + CPUS * sizeof(struct value)];
	struct poll_entry e;
	struct value *v;

	(void)state;
	p.copies = CPUS;
	conf.values.n = 0;
	v = add(NOW, "aaaa");
	memset(v, 'v', CPUS * sizeof(*v));
	add(NOW, "zero");
	lay(false);
	assert_int_equal(poll_record_len(&p), sizeof(bytes));
	e = next_is("aaaa");
	poll_record(&p, &e, bytes);
	assert_memory_equal(bytes + 4, v, CPUS * sizeof(*v));
	next_is("zero");			/* nobody knows that it is nothing */
	no_more();
}

/* What reading gives follows from the two halves alone: to any entry there is a way again. */
static void the_same_entries_come_again_after_a_rewind(void **state)
{
	struct poll_entry first[ROOM], e;
	size_t n = 0;

	(void)state;
	for (char c = 'p'; c > 'a'; c--) {
		add(BEFORE, (char[]){ c, c, 'x', c })->calls = (uint64_t)c;
		add(NOW, (char[]){ c, 'a' + c % 3, 'x', c })->calls = (uint64_t)c + c % 2;
	}
	lay(true);
	while (poll_next(&p, &e))
		first[n++] = e;
	assert_true(n > 5);
	for (size_t stop = 0; stop <= n; stop++) {
		poll_rewind(&p);
		for (size_t i = 0; i < stop; i++)
			assert_true(poll_next(&p, &e));
		poll_rewind(&p);
		for (size_t i = 0; i < n; i++) {
			assert_true(poll_next(&p, &e));
			assert_int_equal(e.now, first[i].now);
			assert_int_equal(e.has_base, first[i].has_base);
		}
		no_more();
	}
}

/* ---- real maps --------------------------------------------------------------------------------------------------- */

static void read_of(int type, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	uint32_t stored = 0, n = 0, len = sizeof(p.info), capacity = snapshot_capacity(entries);
	uint64_t all[64];
	struct snapshot_half h = {};
	struct snapshot_head head;

	p.fd = bpf_map_create(type, "test_poll", 4, 8, entries, &opts);
	if (p.fd < 0 && errno == EPERM) {
		print_message("# skipped: no right to make BPF maps\n");
		skip();
	}
	assert_true(p.fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(p.fd, &p.info, &len), 0);
	p.copies = 1;
	p.stride = 8;
	p.snapshot.shape.capacity = capacity;
	h = (struct snapshot_half){ &head, calloc(capacity, 4), calloc(capacity, 8), calloc(capacity, 4) };
	assert_int_equal(poll_read(&p, &h, &stored, &n), 0);
	assert_int_equal(n, type == BPF_MAP_TYPE_ARRAY ? entries : 0);
	for (uint32_t k = 0; k < entries; k++) {
		uint32_t key = type == BPF_MAP_TYPE_ARRAY ? k : k * 2654435761u;

		all[0] = key + 1ULL;
		assert_int_equal(bpf_map_update_elem(p.fd, &key, all, 0), 0);
	}
	assert_int_equal(poll_read(&p, &h, &stored, &n), 0);
	if (type != BPF_MAP_TYPE_LRU_HASH)	/* that may evict before it is full */
		assert_int_equal(n, entries);
	assert_int_equal(stored, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t key;
		uint64_t value;

		memcpy(&key, poll_key(&p, &h, h.order[i]), 4);
		memcpy(&value, poll_copies(&p, &h, h.order[i]), 8);
		assert_int_equal(value, key + 1ULL);
		assert_true(i == 0 || memcmp(poll_key(&p, &h, h.order[i - 1]), &key, 4) < 0);
	}
	p.snapshot.shape.capacity = n - 1;	/* a map that has more than there is room for is no reading */
	assert_int_equal(poll_read(&p, &h, &stored, &n), -E2BIG);
	close(p.fd);
	free(h.keys);
	free(h.values);
	free(h.order);
}

static void maps_are_read_whole_and_in_order(void **state)
{
	(void)state;
	read_of(BPF_MAP_TYPE_HASH, 1, 0);
	read_of(BPF_MAP_TYPE_HASH, 3000, 0);
	read_of(BPF_MAP_TYPE_HASH, 20000, BPF_F_NO_PREALLOC);
	read_of(BPF_MAP_TYPE_LRU_HASH, 5000, 0);
	read_of(BPF_MAP_TYPE_ARRAY, 9000, 0);
}

#define poll_test(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		poll_test(without_reset_each_entry_is_given_whole),
		poll_test(with_reset_what_was_added_is_given),
		poll_test(the_first_reading_counts_from_0),
		poll_test(an_entry_that_came_back_lower_counts_from_0),
		poll_test(an_entry_that_was_away_for_a_reading_counts_from_0),
		poll_test(signed_values_may_be_negative),
		poll_test(unsigned_values_have_all_their_bits),
		poll_test(copies_are_summed),
		poll_test(one_cpu_that_went_back),
		poll_test(changes_that_cancel_out_are_nothing_but_cpu_by_cpu),
		poll_test(a_record_has_what_was_added_as_far_as_its_fields_hold),
		poll_test(without_values_a_record_has_all_copies),
		poll_test(the_same_entries_come_again_after_a_rewind),
		poll_test(maps_are_read_whole_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
