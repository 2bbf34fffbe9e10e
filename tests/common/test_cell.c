/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "../../common/cell.h"

#define SLOT 192u

struct value {
	uint64_t words[20];
};

struct box {
	struct spool_cell cell;
	uint8_t slots[2 * SLOT];
};

static void put(struct box *b, uint64_t n)
{
	struct value *v = cell_prepare(&b->cell, SLOT);

	for (size_t i = 0; i < ARRAY_SIZE(v->words); i++)
		v->words[i] = n + i;
	cell_publish(&b->cell, SLOT, sizeof(*v), NULL);
}

static void expect(const struct box *b, uint64_t n)
{
	struct value v;

	assert_int_equal(cell_read(&b->cell, SLOT, &v, sizeof(v)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(v.words); i++)
		assert_int_equal(v.words[i], n + i);
}

static void an_empty_cell_says_so_and_leaves_the_output_alone(void **state)
{
	struct box b = {};
	struct value v = { { 7 } };

	assert_int_equal(cell_read(&b.cell, SLOT, &v, sizeof(v)), -ENODATA);
	assert_int_equal(v.words[0], 7);
	(void)state;
}

static void what_was_published_last_counts(void **state)
{
	struct box b = {};

	for (uint64_t i = 0; i < 10; i++) {
		put(&b, i * 1000);
		expect(&b, i * 1000);
	}
	(void)state;
}

static void what_is_only_prepared_does_not_count(void **state)
{
	struct box b = {};

	put(&b, 5);
	memset(cell_prepare(&b.cell, SLOT), 0xee, sizeof(struct value));
	expect(&b, 5);
	(void)state;
}

static void a_shorter_payload_is_followed_by_zeros(void **state)
{
	struct box b = {};
	struct value v;

	put(&b, 5);
	*(uint64_t *)cell_prepare(&b.cell, SLOT) = 9;
	cell_publish(&b.cell, SLOT, 8, NULL);
	memset(&v, 0xff, sizeof(v));
	assert_int_equal(cell_read(&b.cell, SLOT, &v, sizeof(v)), 0);
	assert_int_equal(v.words[0], 9);
	for (size_t i = 1; i < ARRAY_SIZE(v.words); i++)
		assert_int_equal(v.words[i], 0);
	(void)state;
}

static void a_payload_longer_than_asked_for_is_refused(void **state)
{
	struct box b = {};
	uint64_t one = 3;

	put(&b, 5);
	assert_int_equal(cell_read(&b.cell, SLOT, &one, sizeof(one)), -EBADMSG);
	assert_int_equal(one, 3);
	(void)state;
}

static void the_number_wraps_past_zero_without_a_gap(void **state)
{
	struct box b = {};

	put(&b, 1);
	b.cell.seq = UINT32_MAX - 3;
	for (uint64_t i = 0; i < 10; i++) {
		put(&b, i);
		expect(&b, i);
		assert_int_not_equal(b.cell.seq, 0);
	}
	(void)state;
}

static void every_damaged_byte_of_what_counts_is_noticed(void **state)
{
	struct box b = {};
	struct value v;
	struct spool_slot *s;

	put(&b, 1);
	put(&b, 2);
	s = (struct spool_slot *)(b.slots + (b.cell.seq & 1) * SLOT);
	for (size_t i = 0; i < sizeof(*s) + sizeof(v); i++) {
		if (i >= offsetof(struct spool_slot, spare) && i < sizeof(*s))
			continue;
		for (int bit = 0; bit < 8; bit++) {
			((uint8_t *)s)[i] ^= 1 << bit;
			assert_int_equal(cell_read(&b.cell, SLOT, &v, sizeof(v)), -EBADMSG);
			((uint8_t *)s)[i] ^= 1 << bit;
		}
	}
	expect(&b, 2);
	(void)state;
}

static void a_reader_beside_a_writer_never_sees_a_mixture(void **state)
{
	struct box *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t last = 0, reads = 0;
	pid_t writer;

	assert_ptr_not_equal(b, MAP_FAILED);
	put(b, 0);
	writer = fork();
	if (writer == 0) {
		for (uint64_t i = 1; i < 1000000; i++)
			put(b, i * 100);
		_exit(0);
	}
	while (last < 999999 * 100ULL) {
		struct value v;
		int r = cell_read(&b->cell, SLOT, &v, sizeof(v));

		if (r == -EAGAIN)
			continue;
		assert_int_equal(r, 0);
		assert_true(v.words[0] >= last);
		last = v.words[0];
		reads++;
		for (size_t i = 1; i < ARRAY_SIZE(v.words); i++)
			assert_int_equal(v.words[i], last + i);
	}
	assert_int_equal(waitpid(writer, NULL, 0), writer);
	assert_true(reads > 10);
	munmap(b, sizeof(*b));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_cell_says_so_and_leaves_the_output_alone),
		cmocka_unit_test(what_was_published_last_counts),
		cmocka_unit_test(what_is_only_prepared_does_not_count),
		cmocka_unit_test(a_shorter_payload_is_followed_by_zeros),
		cmocka_unit_test(a_payload_longer_than_asked_for_is_refused),
		cmocka_unit_test(the_number_wraps_past_zero_without_a_gap),
		cmocka_unit_test(every_damaged_byte_of_what_counts_is_noticed),
		cmocka_unit_test(a_reader_beside_a_writer_never_sees_a_mixture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
