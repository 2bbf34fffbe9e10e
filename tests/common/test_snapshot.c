/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two last readings of a polled map: what counts is right, whatever became of the file. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/snapshot.h"
#include "spooldir.h"

#define ENTRIES 5u
#define BEGUN 1234u

static const struct snapshot_shape shape = {
	.generation = 3, .map_id = 70, .key_size = 3, .value_size = 16, .capacity = 8,
};
static struct snapshot s;
static char path[PATH_MAX];

static int fresh(void **state)
{
	spooldir_clear();
	strcpy(path, spooldir_path("p.snapshot"));
	(void)state;
	return snapshot_open(&s, path, &shape, BEGUN);
}

static int closed(void **state)
{
	snapshot_close(&s);
	snapshot_close(&s);
	(void)state;
	return 0;
}

static void open_again(const struct snapshot_shape *as)
{
	snapshot_close(&s);
	assert_int_equal(snapshot_open(&s, path, as, BEGUN + 1), 0);
}

/* Reading @number is known by its bytes. */
static void fill(const struct snapshot_half *h, uint64_t number)
{
	memset(h->keys, (int)(0x10 + number), (size_t)ENTRIES * shape.key_size);
	memset(h->values, (int)(0x80 + number), (size_t)ENTRIES * shape.value_size);
	for (uint32_t i = 0; i < ENTRIES; i++)
		h->order[i] = ENTRIES - 1 - i;
}

static void publish(const struct snapshot_half *last, uint64_t number)
{
	struct snapshot_half *h = snapshot_begin(&s, last);
	struct snapshot_head head = {
		.number = number, .first = 100 * number, .given = 4, .time_ns = 7 * number, .stored = ENTRIES,
		.n = ENTRIES - 1,
	};

	fill(h, number);
	snapshot_publish(&s, h, &head);
}

/* Every byte of @h is reading @number's. */
static void expect(const struct snapshot_half *h, uint64_t number)
{
	assert_non_null(h);
	assert_int_equal(h->head->number, number);
	assert_int_equal(h->head->first, 100 * number);
	assert_int_equal(h->head->given, 4);
	assert_int_equal(h->head->time_ns, 7 * number);
	assert_int_equal(h->head->stored, ENTRIES);
	assert_int_equal(h->head->n, ENTRIES - 1);
	for (uint32_t i = 0; i < ENTRIES * shape.key_size; i++)
		assert_int_equal(h->keys[i], (0x10 + number) & 0xff);
	for (uint32_t i = 0; i < ENTRIES * shape.value_size; i++)
		assert_int_equal(h->values[i], (0x80 + number) & 0xff);
	for (uint32_t i = 0; i < ENTRIES - 1; i++)
		assert_int_equal(h->order[i], ENTRIES - 1 - i);
}

static void expect_last(uint64_t number, uint64_t number_before)
{
	struct snapshot_half *last, *before;

	snapshot_last(&s, &last, &before);
	if (number)
		expect(last, number);
	else
		assert_null(last);
	if (number_before)
		expect(before, number_before);
	else
		assert_null(before);
}

static void make_readings(uint64_t n)
{
	struct snapshot_half *last, *before;

	for (uint64_t i = 1; i <= n; i++) {
		snapshot_last(&s, &last, &before);
		publish(last, i);
	}
}

static void readings_take_turns_and_stay_for_who_comes_next(void **state)
{
	struct snapshot_half *last, *before;

	(void)state;
	expect_last(0, 0);
	for (uint64_t n = 1; n < 6; n++) {
		snapshot_last(&s, &last, &before);
		publish(last, n);
		expect_last(n, n - 1);
		open_again(&shape);
		assert_int_equal(s.begun_ns, BEGUN);
		expect_last(n, n - 1);
	}
}

static void a_reading_that_is_not_finished_does_not_count(void **state)
{
	struct snapshot_half *last, *before, *h;

	(void)state;
	make_readings(4);
	snapshot_last(&s, &last, &before);
	h = snapshot_begin(&s, last);
	assert_ptr_equal(h, before);
	expect_last(4, 0);
	memset(h->values, 0, ENTRIES);
	open_again(&shape);
	expect_last(4, 0);
	snapshot_last(&s, &last, &before);
	publish(last, 5);
	expect_last(5, 4);
}

/* Of numbers that do not follow each other the second is no base for differences. */
static void readings_that_do_not_follow_each_other_are_no_pair(void **state)
{
	struct snapshot_half *last, *before;

	(void)state;
	make_readings(1);
	snapshot_last(&s, &last, &before);
	publish(last, 3);
	expect_last(3, 0);
}

static void another_shape_begins_anew(void **state)
{
	const struct snapshot_shape others[] = {
		{ 4, 70, 3, 16, 8 }, { 3, 71, 3, 16, 8 }, { 3, 70, 4, 16, 8 }, { 3, 70, 3, 17, 8 }, { 3, 70, 3, 16, 9 },
	};
	struct snapshot_head head;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		open_again(&shape);
		make_readings(2);
		expect_last(2, 1);
		open_again(&others[i]);
		assert_int_equal(s.begun_ns, BEGUN + 1);
		expect_last(0, 0);
		assert_int_equal(snapshot_look(path, others[i].map_id, &head), -ENODATA);
	}
}

static void flip(uint64_t at, uint8_t bits)
{
	((uint8_t *)s.map)[at] ^= bits;
}

/* Of one damaged reading the other is left. */
static void expect_right_or_nothing(uint64_t at)
{
	struct snapshot_half *last, *before;
	struct snapshot_head head;
	int err;

	snapshot_last(&s, &last, &before);
	if (last)
		expect(last, last->head->number);
	if (before)
		expect(before, before->head->number);
	if (!last || (last->head->number != 5 && last->head->number != 4))
		fail_msg("byte %lu: of two readings none is left", (unsigned long)at);
	err = snapshot_look(path, shape.map_id, &head);
	if (err)
		assert_int_equal(err, -ENODATA);
	else
		assert_true((head.number == 5 && head.first == 500) || (head.number == 4 && head.first == 400));
}

static void a_byte_that_is_damaged_never_makes_another_reading(void **state)
{
	const uint8_t bits[] = { 0x01, 0x80, 0xff };
	uint64_t size = snapshot_size(&shape);

	(void)state;
	make_readings(5);
	for (uint64_t at = 0; at < size; at++)
		for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
			flip(at, bits[i]);
			expect_right_or_nothing(at);
			flip(at, bits[i]);
		}
	expect_last(5, 4);
	/* And whoever opens it then. */
	for (uint64_t at = 0; at < 1024 + 2 * sizeof(struct snapshot_head); at++) {
		struct snapshot_half *last, *before;

		flip(at, 0x10);
		open_again(&shape);
		snapshot_last(&s, &last, &before);
		assert_int_equal(!last, at < 44);	/* the super block has a CRC, too */
		if (last) {
			expect_right_or_nothing(at);
			flip(at, 0x10);
		} else {
			make_readings(5);
		}
	}
}

/* With right CRCs, as none of our writers would make it: nothing is read beyond the half. */
static void heads_that_lie_do_not_count(void **state)
{
	const struct snapshot_head lies[] = {
		{ .number = 6, .stored = 9, .n = 5 },
		{ .number = 6, .stored = UINT32_MAX, .n = UINT32_MAX },
		{ .number = 6, .stored = 5, .n = 6 },
		{ .number = 6, .stored = 5, .n = 5, .given = 6 },
		{ .number = 6, .stored = 5, .n = 5, .given = UINT64_MAX },
		{ .number = 6, .stored = 3, .n = 3 },		/* the order names entry 4 */
		{ .number = 0, .stored = 5, .n = 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct snapshot_half *last, *before, *h;
		struct snapshot_head head = lies[i];

		make_readings(5);
		snapshot_last(&s, &last, &before);
		h = snapshot_begin(&s, last);
		fill(h, 6);
		if (head.stored <= shape.capacity) {
			snapshot_publish(&s, h, &head);
		} else {
			*h->head = head;	/* its CRCs could not be computed without the fault */
		}
		expect_last(5, 0);
	}
}

static void a_file_of_another_size_or_kind_is_not_taken(void **state)
{
	struct snapshot_head head;

	(void)state;
	make_readings(2);
	assert_int_equal(truncate(path, (off_t)snapshot_size(&shape) + 1), 0);
	open_again(&shape);
	expect_last(0, 0);
	make_readings(2);
	snapshot_close(&s);
	assert_int_equal(truncate(path, 1030), 0);
	assert_int_equal(snapshot_look(path, shape.map_id, &head), -ENODATA);
	open_again(&shape);
	expect_last(0, 0);
	snapshot_close(&s);
	unlink(path);
	assert_int_equal(snapshot_look(path, shape.map_id, &head), -ENOENT);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(snapshot_open(&s, path, &shape, 1), -ELOOP);
	assert_int_equal(snapshot_look(path, shape.map_id, &head), -ELOOP);
}

static void others_see_the_last_head_of_their_map(void **state)
{
	struct snapshot_head head = {};

	(void)state;
	assert_int_equal(snapshot_look(path, shape.map_id, &head), -ENODATA);
	for (uint64_t n = 1; n < 4; n++) {
		struct snapshot_half *last, *before;

		snapshot_last(&s, &last, &before);
		publish(last, n);
		assert_int_equal(snapshot_look(path, shape.map_id, &head), 0);
		assert_int_equal(head.number, n);
		assert_int_equal(head.first + head.given, 100 * n + 4);
		assert_int_equal(snapshot_look(path, shape.map_id + 1, &head), -ENODATA);
	}
}

static void a_map_that_is_too_large_is_refused(void **state)
{
	struct snapshot_shape big = { 1, 1, 8, 65536, 1024 };
	struct snapshot t = {};

	(void)state;
	assert_int_equal(snapshot_open(&t, spooldir_path("big"), &big, 1), -EFBIG);
	assert_int_equal(access(spooldir_path("big"), F_OK), -1);
	assert_null(t.map);
	assert_true(snapshot_capacity(1) > 1);
	assert_int_equal(snapshot_capacity(UINT32_MAX), UINT32_MAX);
}

#define snapshot_test(f) cmocka_unit_test_setup_teardown(f, fresh, closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		snapshot_test(readings_take_turns_and_stay_for_who_comes_next),
		snapshot_test(a_reading_that_is_not_finished_does_not_count),
		snapshot_test(readings_that_do_not_follow_each_other_are_no_pair),
		snapshot_test(another_shape_begins_anew),
		snapshot_test(a_byte_that_is_damaged_never_makes_another_reading),
		snapshot_test(heads_that_lie_do_not_count),
		snapshot_test(a_file_of_another_size_or_kind_is_not_taken),
		snapshot_test(others_see_the_last_head_of_their_map),
		snapshot_test(a_map_that_is_too_large_is_refused),
	};

	return spooldir_run(tests, NULL);
}
