/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cursors: who reads how far, who sleeps, and who may only look on. */
#include <sys/wait.h>

#include "spooltest.h"

static void a_new_cursor_starts_at_the_oldest_record_that_is_kept(void **state)
{
	struct spool_cursor c;
	uint64_t second, third;
	char name[48];
	int a, b;

	open_both();
	add(0);
	add(1);
	add(2);
	spool_commit(&w);
	a = spool_cursor_open(&r, "a");
	second = expect(0, 0);
	third = expect(second, 1);
	move_cursor(a, third);
	assert_int_equal(spool_cursor_read(&r, spool_cursor_open(&r, "b"), name, &c), 0);
	assert_string_equal(name, "b");
	assert_int_equal(c.pos, third);	/* the writer may have moved that far already */
	b = spool_cursor_open(&r, "b");
	move_cursor(b, second);
	assert_true(spool_refresh(&w));
	spool_cursor_drop(&r, a);
	move_cursor(b, third);
	spool_cursor_drop(&r, b);	/* the last one: the writer had not seen it move */
	assert_false(spool_refresh(&w));
	spool_writer_close(&w);
	open_writer();
	assert_int_equal(w.tail, second);
	assert_int_equal(spool_cursor_read(&r, spool_cursor_open(&r, "c"), name, &c), 0);
	assert_int_equal(c.pos, second);
	(void)state;
}

static void a_cursor_is_found_again_with_all_it_counted(void **state)
{
	struct spool_cursor c = { .acked = 5, .dropped = { 1, 2, 3, 4 }, .unrouted = 6, .bytes = 7 }, got;
	char name[48];
	int cursor;

	open_both();
	add(0);
	spool_commit(&w);
	spool_cursor_open(&r, "other");
	cursor = spool_cursor_open(&r, "file");
	c.pos = head();
	spool_cursor_write(&r, cursor, &c);
	spool_reader_close(&r);
	assert_int_equal(spool_reader_open(&r, path, false), 0);
	assert_int_equal(spool_cursor_open(&r, "file"), cursor);
	assert_int_equal(spool_cursor_read(&r, cursor, name, &got), 0);
	assert_memory_equal(&c, &got, sizeof(c));
	(void)state;
}

static void there_is_room_for_so_many_cursors_and_a_dropped_one_gives_its_row(void **state)
{
	char name[48];
	struct spool_cursor c;

	open_both();
	for (int i = 0; i < SPOOL_MAX_CURSORS; i++) {
		sprintf(name, "sink%d", i);
		assert_int_equal(spool_cursor_open(&r, name), i);
	}
	assert_int_equal(spool_cursor_open(&r, "one more"), -ENOSPC);
	assert_int_equal(spool_cursor_open(&r, "sink3"), 3);
	spool_cursor_drop(&r, 3);
	assert_int_equal(spool_cursor_read(&r, 3, name, &c), -ENOENT);
	assert_int_equal(spool_cursor_open(&r, "one more"), 3);
	assert_int_equal(spool_cursor_read(&r, 99, name, &c), -ENOENT);
	assert_int_equal(spool_cursor_open(&r, ""), -EINVAL);
	assert_int_equal(spool_cursor_open(&r, "a name that is longer than forty-seven characters"), -EINVAL);
	(void)state;
}

static void a_cursor_that_is_damaged_twice_starts_again_at_the_oldest(void **state)
{
	struct spool_cursor c;
	char name[48];
	int cursor;

	open_both();
	add(0);
	spool_commit(&w);
	cursor = spool_cursor_open(&r, "file");
	move_cursor(cursor, head());
	memset(r.head->cursors[cursor].slots, 0xee, sizeof(r.head->cursors[cursor].slots));
	assert_int_equal(spool_cursor_read(&r, cursor, name, &c), -EBADMSG);
	assert_int_equal(spool_cursor_open(&r, "file"), cursor);
	assert_int_equal(spool_cursor_read(&r, cursor, name, &c), 0);
	assert_int_equal(c.pos, 0);
	(void)state;
}

static void the_doorbell_rings_once_for_all_that_sleep(void **state)
{
	int a, b, gone;

	open_both();
	a = spool_cursor_open(&r, "a");
	b = spool_cursor_open(&r, "b");
	gone = spool_cursor_open(&r, "gone");
	assert_false(spool_take_doorbell(&w));
	spool_cursor_sleep(&r, a);
	spool_cursor_sleep(&r, b);
	assert_true(spool_take_doorbell(&w));
	assert_false(spool_take_doorbell(&w));
	spool_cursor_sleep(&r, gone);
	spool_cursor_drop(&r, gone);
	assert_false(spool_take_doorbell(&w));
	(void)state;
}

/* Both ends for real: a reader that sleeps until rung, and would hang had one ring been missed. */
static void no_wake_up_is_missed(void **state)
{
	int bell[2], cursor;
	uint64_t pos = 0, seen = 0;
	pid_t writer;

	open_both();
	cursor = spool_cursor_open(&r, "file");
	assert_int_equal(pipe2(bell, O_CLOEXEC), 0);
	writer = fork();
	if (writer == 0) {
		for (uint64_t n = 0; n < 50000;) {
			if (!add(n)) {
				spool_refresh(&w);
				continue;
			}
			n++;
			spool_commit(&w);
			if (spool_take_doorbell(&w) && write(bell[1], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	alarm(60);
	while (seen < 50000) {
		struct spool_commit c;
		char x;

		if (spool_read_commit(&r, &c) == 0 && pos < c.head) {
			while (pos < c.head) {
				struct spool_rec rec;
				const char *line;

				assert_int_equal(spool_read(&r, pos, c.head, &rec, &line), 0);
				assert_int_equal(rec.key, seen++);
				pos += rec.len;
			}
			move_cursor(cursor, pos);
			continue;
		}
		spool_cursor_sleep(&r, cursor);
		if (spool_read_commit(&r, &c) == 0 && pos < c.head)
			continue;
		assert_int_equal(read(bell[0], &x, 1), 1);
	}
	alarm(0);
	waitpid(writer, NULL, 0);
	close(bell[0]);
	close(bell[1]);
	(void)state;
}

static void whoever_looks_on_may_not_touch(void **state)
{
	struct spool_reader on = {};
	struct spool_cursor c;
	char name[48];

	open_both();
	add(0);
	spool_commit(&w);
	spool_cursor_open(&r, "file");
	assert_int_equal(spool_reader_open(&on, path, true), 0);
	assert_int_equal(spool_cursor_open(&on, "file"), -EROFS);
	assert_int_equal(spool_cursor_read(&on, 0, name, &c), 0);
	assert_true(spool_reader_current(&on, path));
	spool_reader_close(&on);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		spool_test(a_new_cursor_starts_at_the_oldest_record_that_is_kept),
		spool_test(a_cursor_is_found_again_with_all_it_counted),
		spool_test(there_is_room_for_so_many_cursors_and_a_dropped_one_gives_its_row),
		spool_test(a_cursor_that_is_damaged_twice_starts_again_at_the_oldest),
		spool_test(the_doorbell_rings_once_for_all_that_sleep),
		spool_test(no_wake_up_is_missed),
		spool_test(whoever_looks_on_may_not_touch),
	};

	return spooldir_run(tests, NULL);
}
