/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reader trusts nothing: whatever is damaged, it gives no wrong record, and does not die of it. */
#include "spooltest.h"

#define LAST 5	/* records that are damaged */

/* A spool into its second lap; returns where its last records begin. */
static uint64_t make_victim(uint64_t *ret_first)
{
	uint64_t n = 0, at[LAST];
	int cursor;

	open_both();
	cursor = spool_cursor_open(&r, "file");
	while (w.next.head < w.data_size + w.data_size / 4) {
		at[n % LAST] = w.next.head;
		add(n++);
		spool_commit(&w);
		move_cursor(cursor, at[n > LAST ? n % LAST : 0]);
		spool_refresh(&w);
	}
	*ret_first = n - LAST;
	return at[n % LAST];
}

/* Every record that can be read is the one that was written. Returns how many. */
static int read_all(uint64_t pos, uint64_t first, uint64_t end)
{
	int n = 0;

	while (pos < end) {
		struct spool_rec rec;
		char want[400];
		const char *line;

		if (spool_read(&r, pos, end, &rec, &line) < 0)
			break;
		assert_int_equal(rec.key, first + n);
		assert_int_equal(rec.line_len, line_of(first + n, want));
		assert_memory_equal(line, want, rec.line_len);
		pos += rec.len;
		n++;
	}
	return n;
}

/* Whatever is damaged, reading goes on with the first record behind it. */
static void expect_the_rest(uint64_t pos, uint64_t end, const uint64_t starts[LAST + 1])
{
	struct spool_rec rec;
	const char *line;
	unsigned n = 0;

	while (n < LAST && spool_read(&r, pos, end, &rec, &line) == 0) {
		pos += rec.len;
		n++;
	}
	if (n < LAST)
		assert_int_equal(spool_next_sound(&r, pos, end), starts[n + 1]);
}

static void no_damaged_byte_of_a_record_gives_a_wrong_record(void **state)
{
	uint64_t first, pos = make_victim(&first), end = head(), starts[LAST + 1] = { pos };
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };

	assert_int_equal(read_all(pos, first, end), LAST);
	for (unsigned i = 0; i < LAST; i++)
		starts[i + 1] = expect(starts[i], first + i);
	for (uint64_t at = pos; at < end; at++) {
		uint8_t *byte = (uint8_t *)w.data + (at & (w.data_size - 1));

		for (size_t i = 0; i < ARRAY_SIZE(flips); i++) {
			*byte ^= flips[i];
			read_all(pos, first, end);
			expect_the_rest(pos, end, starts);
			*byte ^= flips[i];
		}
	}
	assert_int_equal(read_all(pos, first, end), LAST);
	(void)state;
}

static void no_head_or_position_leads_astray(void **state)
{
	uint64_t first, pos = make_victim(&first), end = head();
	struct spool_rec rec;
	const char *line;

	for (uint64_t at = 0; at < end + 4096; at++)
		if (spool_read(&r, at, end, &rec, &line) == 0)
			assert_true(rec.pos == at && at + rec.len <= end && end - at <= r.data_size);
	for (uint64_t h = pos; h < end; h++)
		assert_true(read_all(pos, first, h) <= LAST - 1);
	assert_int_equal(spool_read(&r, pos - r.data_size, end, &rec, &line), -EBADMSG);
	assert_int_equal(spool_read(&r, pos, UINT64_MAX, &rec, &line), -EBADMSG);
	assert_int_equal(spool_read(&r, UINT64_MAX - 7, UINT64_MAX, &rec, &line), -EBADMSG);
	assert_int_equal(spool_read(&r, end, end, &rec, &line), -EBADMSG);
	(void)state;
}

static void a_spool_that_was_cut_is_refused_at_every_length(void **state)
{
	uint64_t first, pos = make_victim(&first), end = head();
	size_t from = SPOOL_HEAD_SIZE + (pos & (w.data_size - 1)), to = SPOOL_HEAD_SIZE + (end & (w.data_size - 1));
	struct spool_reader second = {};
	struct spool_commit c;

	for (size_t len = to; len + 1 > from; len--) {
		assert_int_equal(truncate(path, len), 0);
		assert_int_equal(spool_reader_open(&second, path, false), -EBADMSG);
		assert_int_equal(spool_read_commit(&r, &c), -EBADMSG);
	}
	for (size_t len = 0; len < SPOOL_HEAD_SIZE; len += 509) {
		assert_int_equal(truncate(path, len), 0);
		assert_int_equal(spool_reader_open(&second, path, true), -EBADMSG);
	}
	(void)state;
}

static void no_damaged_byte_of_the_head_is_fatal(void **state)
{
	uint64_t first, pos = make_victim(&first);
	size_t size = sizeof(struct spool_head);
	uint8_t *copy = malloc(size);
	struct spool_commit before, c;
	uint32_t x = 99;

	assert_int_equal(spool_read_commit(&r, &before), 0);
	memcpy(copy, r.head, size);
	for (size_t at = offsetof(struct spool_head, tail); at < size; at++) {
		uint8_t *byte = (uint8_t *)r.head + at;
		struct spool_cursor cursor;
		char name[48];

		/* The unused ends of the slots are many, and alike. */
		if (at > offsetof(struct spool_head, commit_slots) + 400 &&
		    at < offsetof(struct spool_head, cursors) && at % 61)
			continue;
		x = x * 1664525 + 1013904223;
		*byte ^= x >> 24 | 1;
		if (spool_read_commit(&r, &c) == 0)
			assert_memory_equal(&c, &before, sizeof(c));
		for (int i = 0; i < SPOOL_MAX_CURSORS; i++)
			(void)spool_cursor_read(&r, i, name, &cursor);
		(void)spool_cursor_open(&r, "file");
		(void)spool_refresh(&w);
		assert_true(w.tail <= w.published && w.published - w.tail <= w.data_size);
		memcpy(r.head, copy, size);
		w.tail = r.head->tail;
	}
	assert_int_equal(read_all(pos, first, before.head), LAST);
	free(copy);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		spool_test(no_damaged_byte_of_a_record_gives_a_wrong_record),
		spool_test(no_head_or_position_leads_astray),
		spool_test(a_spool_that_was_cut_is_refused_at_every_length),
		spool_test(no_damaged_byte_of_the_head_is_fatal),
	};

	return spooldir_run(tests, NULL);
}
