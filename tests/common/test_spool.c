/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records, commits, and room for more. */
#include "spooltest.h"

/* ---- records and commits ----------------------------------------------------------------------------------------- */

static void what_was_committed_is_read_over_many_laps(void **state)
{
	uint64_t written = 0, seen = 0, pos = 0;
	int cursor;

	open_both();
	cursor = spool_cursor_open(&r, "file");
	assert_int_equal(cursor, 0);
	while (w.next.head < 8 * w.data_size) {
		for (int i = 0; i < 100; i++) {
			if (!add(written))
				break;
			written++;
		}
		spool_commit(&w);
		while (pos < head())
			pos = expect(pos, seen++);
		assert_int_equal(seen, written);
		move_cursor(cursor, pos);
		spool_refresh(&w);
	}
	assert_int_equal(w.next.records, written);
	(void)state;
}

static void what_was_not_committed_never_was(void **state)
{
	open_both();
	add(1);
	spool_commit(&w);
	add(2);
	add(3);
	assert_int_equal(expect(0, 1), head());
	spool_writer_close(&w);
	open_writer();
	assert_int_equal(w.next.records, 1);
	add(4);
	spool_commit(&w);
	assert_int_equal(expect(expect(0, 1), 4), head());
	(void)state;
}

static void a_commit_carries_sources_and_routes_of_any_number(void **state)
{
	struct spool_commit c, *n = &w.next;

	open_both();
	assert_int_equal(spool_read_commit(&r, &c), -ENODATA);
	for (int k = 0; k <= SPOOL_MAX_ROUTES; k++) {
		n->n_sources = k * 8;
		n->n_routes = k;
		n->wall_offset_ns = -k;
		n->flags = k % 2;
		memset(n->sources, 0, sizeof(n->sources));
		memset(n->routes, 0, sizeof(n->routes));
		for (int i = 0; i < n->n_sources; i++)
			n->sources[i] = (struct spool_source){ 100 + i, i, 0, k * 1000 + i, 1, 2, 3, 4, 5 };
		for (int i = 0; i < k; i++) {
			n->routes[i].event = i;
			n->routes[i].repaired = k * 100 + i;
		}
		spool_commit(&w);
		assert_int_equal(spool_read_commit(&r, &c), 0);
		assert_memory_equal(&c, n, sizeof(c));
	}
	spool_writer_close(&w);
	open_writer();
	assert_memory_equal(&c, &w.next, sizeof(c));
	(void)state;
}

static void the_longest_record_fits_and_wraps(void **state)
{
	struct spool_rec rec = { .kind = SPOOL_KIND_JSON }, got;
	size_t len = SPOOL_REC_MAX - sizeof(rec);
	uint64_t pos = 0;
	const char *line;
	int cursor;

	open_both();
	cursor = spool_cursor_open(&r, "file");
	for (int i = 0; i < 20; i++) {
		char *room = spool_room(&w, len - i);

		assert_non_null(room);
		memset(room, 'a' + i, len - i);
		spool_add(&w, &rec, len - i);
		spool_commit(&w);
		assert_int_equal(spool_read(&r, pos, head(), &got, &line), 0);
		assert_int_equal(got.line_len, len - i);
		assert_int_equal(line[0], 'a' + i);
		assert_int_equal(line[got.line_len - 1], 'a' + i);
		pos += got.len;
		move_cursor(cursor, pos);
		assert_true(spool_refresh(&w));
	}
	(void)state;
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

static uint64_t fill_up(uint64_t n)
{
	while (add(n))
		n++;
	spool_commit(&w);
	return n;
}

static void without_a_cursor_the_spool_holds_what_it_has(void **state)
{
	uint64_t n, pos = 0;

	open_both();
	n = fill_up(0);
	assert_false(spool_refresh(&w));
	assert_null(spool_room(&w, 400));
	for (uint64_t i = 0; i < n; i++)
		pos = expect(pos, i);
	assert_int_equal(pos, head());
	(void)state;
}

static void a_full_spool_has_room_again_when_its_slowest_cursor_moves(void **state)
{
	int fast, slow;
	uint64_t n;

	open_both();
	fast = spool_cursor_open(&r, "fast");
	slow = spool_cursor_open(&r, "slow");
	n = fill_up(0);
	move_cursor(fast, head());
	assert_false(spool_refresh(&w));
	assert_false(add(n));
	move_cursor(slow, expect(expect(expect(0, 0), 1), 2));
	assert_true(spool_refresh(&w));
	assert_int_equal(w.tail, w.head->tail);
	assert_true(add(n));
	spool_cursor_drop(&r, slow);
	assert_true(spool_refresh(&w));
	assert_int_equal(w.tail, head());
	(void)state;
}

static void a_cursor_that_lies_moves_nothing(void **state)
{
	struct spool_cursor at = {};
	int honest, liar;
	uint64_t second;

	open_both();
	honest = spool_cursor_open(&r, "honest");
	add(0);
	add(1);
	spool_commit(&w);
	add(2);		/* not published */
	move_cursor(honest, w.next.head);
	assert_false(spool_refresh(&w));
	move_cursor(honest, UINT64_MAX - 7);
	assert_false(spool_refresh(&w));
	second = expect(0, 0);
	move_cursor(honest, second + 4);
	assert_false(spool_refresh(&w));
	move_cursor(honest, second);
	assert_true(spool_refresh(&w));
	assert_int_equal(w.tail, second);
	move_cursor(honest, 0);		/* behind what may have been overwritten */
	assert_false(spool_refresh(&w));
	move_cursor(honest, second);
	liar = spool_cursor_open(&r, "liar");
	r.head->cursors[liar].slots[30] ^= 1;
	r.head->cursors[liar].slots[30 + SPOOL_CURSOR_SLOT] ^= 1;
	move_cursor(honest, head());
	assert_false(spool_refresh(&w));	/* nobody knows what it has not read yet */
	at.pos = second;
	assert_true(spool_cursor_heal(&r, liar, "liar", &at));
	assert_false(spool_cursor_heal(&r, liar, "liar", &at));
	move_cursor(liar, head());
	assert_true(spool_refresh(&w));
	assert_int_equal(w.tail, head());
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		spool_test(what_was_committed_is_read_over_many_laps),
		spool_test(what_was_not_committed_never_was),
		spool_test(a_commit_carries_sources_and_routes_of_any_number),
		spool_test(the_longest_record_fits_and_wraps),
		spool_test(without_a_cursor_the_spool_holds_what_it_has),
		spool_test(a_full_spool_has_room_again_when_its_slowest_cursor_moves),
		spool_test(a_cursor_that_lies_moves_nothing),
	};

	return spooldir_run(tests, NULL);
}
