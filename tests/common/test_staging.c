/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The staging ring: bytes come out as they went in, at every place of it, and whoever opens it again goes on. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/staging.h"
#include "spooldir.h"

#define ID 7

static int fifo[2];
static struct staging ring;
static char path[PATH_MAX];

static int fresh(void **state)
{
	spooldir_clear();
	strcpy(path, spooldir_path("p.pipe"));
	ring = (struct staging){ .fd = -1 };
	(void)state;
	return pipe2(fifo, O_NONBLOCK) < 0 || fcntl(fifo[1], F_SETPIPE_SZ, 2 * STAGING_SIZE) < 0 ? -1 : 0;
}

static int closed(void **state)
{
	staging_close(&ring);
	close(fifo[0]);
	close(fifo[1]);
	(void)state;
	return 0;
}

/* Returns where it goes on. */
static uint64_t open_at(uint64_t next)
{
	staging_close(&ring);
	assert_int_equal(staging_open(&ring, path, ID, &next), 0);
	assert_int_equal(ring.next, next);
	return next;
}

static void put(const void *bytes, size_t len)
{
	assert_int_equal(write(fifo[1], bytes, len), len);
}

static size_t get(void)
{
	return staging_read(&ring, fifo[0], SIZE_MAX);
}

static void expect(uint64_t from, const void *bytes, size_t len)
{
	assert_int_equal(ring.tail, from + len);
	assert_memory_equal(ring.data + staging_place(from), bytes, len);
}

static uint64_t count_from(uint64_t next, bool within)
{
	uint64_t lines = 999;

	assert_int_equal(staging_count(path, ID, next, within, &lines), 0);
	return lines;
}

/* Nothing but what waits is other than NUL. */
static void expect_clean(void)
{
	for (uint64_t pos = ring.tail; pos < ring.next + STAGING_SIZE; pos++)
		assert_int_equal(ring.data[staging_place(pos)], 0);
}

/* Beginning at every place around the end of the ring, and with a worker that goes on in the middle of each part. */
static void bytes_go_round_the_end_at_every_place(void **state)
{
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(1 + i % 255);
	for (size_t place = 0; place < sizeof(text) + 4; place++) {
		uint64_t at = 2ULL * STAGING_SIZE - sizeof(text) - 2 + place;

		unlink(path);
		open_at(0);
		staging_release(&ring, STAGING_SIZE);
		staging_release(&ring, at);
		put(text, 100);
		assert_int_equal(get(), 100);
		expect(at, text, 100);
		assert_int_equal(open_at(at), at);		/* before a commit */
		expect(at, text, 100);
		put(text + 100, sizeof(text) - 100);
		assert_int_equal(get(), sizeof(text) - 100);
		expect(at, text, sizeof(text));
		assert_int_equal(open_at(at + 50), at + 50);	/* behind one, before the release */
		expect(at + 50, text + 50, sizeof(text) - 50);
		staging_release(&ring, at + sizeof(text));
		assert_int_equal(open_at(at + sizeof(text)), at + sizeof(text));
		assert_int_equal(ring.tail, ring.next);
		expect_clean();
	}
}

static void a_full_ring_takes_nothing_until_it_is_released(void **state)
{
	static char text[STAGING_SIZE + 100];

	(void)state;
	memset(text, 'x', sizeof(text));
	open_at(0);
	put(text, sizeof(text));
	assert_int_equal(get(), STAGING_SIZE);
	assert_int_equal(get(), 0);
	expect(0, text, STAGING_SIZE);
	assert_int_equal(open_at(0), 0);
	expect(0, text, STAGING_SIZE);
	assert_int_equal(get(), 0);
	staging_release(&ring, 60);
	assert_int_equal(get(), 60);
	assert_int_equal(open_at(60), 60);
	expect(60, text, STAGING_SIZE);
	assert_int_equal(staging_read(&ring, fifo[0], 10), 0);
	staging_release(&ring, 160);
	assert_int_equal(staging_read(&ring, fifo[0], 10), 10);
	assert_int_equal(staging_read(&ring, fifo[0], SIZE_MAX), 30);
	expect(160, text, STAGING_SIZE - 60);
	expect_clean();
}

static void nuls_at_the_end_did_not_come_and_others_stay(void **state)
{
	(void)state;
	open_at(0);
	put("\0\0\0", 3);
	assert_int_equal(get(), 3);
	assert_int_equal(ring.tail, 0);
	put("a\0b\0\0", 5);
	assert_int_equal(get(), 5);
	expect(0, "a\0b", 3);
	assert_int_equal(open_at(0), 0);
	expect(0, "a\0b", 3);
	put("c\n", 2);
	get();
	expect(0, "a\0bc\n", 5);
	expect_clean();
}

/* More NULs than the ring has places end nevertheless. */
static void a_flood_of_nuls_ends(void **state)
{
	static char nothing[2 * STAGING_SIZE];

	(void)state;
	open_at(0);
	put(nothing, sizeof(nothing));
	for (size_t got = 0; got < sizeof(nothing);) {
		size_t n = get();

		assert_true(n > 0);
		got += n;
		assert_int_equal(ring.tail, 0);
	}
	put("end\n", 4);
	assert_int_equal(get(), 4);
	expect(0, "end\n", 4);
}

static void another_ring_begins_where_it_is(void **state)
{
	(void)state;
	open_at(0);
	put("abc\ndef", 7);
	get();
	staging_release(&ring, 4);
	assert_int_equal(open_at(0), 4);			/* a new spool */
	expect(4, "def", 3);
	assert_int_equal(open_at(4 + STAGING_SIZE + 1), 4);	/* an old one */
	expect(4, "def", 3);
}

/* Positions are parts of ids: none comes again. */
static void a_new_ring_begins_where_the_last_one_ended(void **state)
{
	const uint64_t at = (1ULL << 40) + 5;

	(void)state;
	open_at(0);
	assert_true(ring.is_new);
	open_at(0);
	assert_false(ring.is_new);
	put("abc", 3);
	get();
	staging_close(&ring);
	assert_int_equal(staging_open(&ring, path, ID + 1, &(uint64_t){ at }), 0);
	assert_true(ring.is_new);
	assert_int_equal(ring.next, at);
	assert_int_equal(ring.tail, at);
	expect_clean();
	unlink(path);
	assert_int_equal(open_at(at + 1), at + 1);
	assert_true(ring.is_new);
	put("def", 3);
	get();
	assert_int_equal(open_at(at + 1), at + 1);
	expect(at + 1, "def", 3);
}

static void what_is_no_ring_is_made_anew(void **state)
{
	const size_t sizes[] = { 0, 10, 4096, 4096 + STAGING_SIZE - 1, 4096 + STAGING_SIZE, 4096 + STAGING_SIZE + 1 };
	uint64_t lines;

	(void)state;
	assert_int_equal(staging_count(path, ID, 0, false, &lines), -ENOENT);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

		assert_int_equal(ftruncate(fd, (off_t)sizes[i]), 0);
		assert_int_equal(pwrite(fd, "garbage", MIN(sizes[i], 7UL), 0), MIN(sizes[i], 7UL));
		close(fd);
		assert_int_equal(staging_count(path, ID, 0, false, &lines), -ENODATA);
		assert_int_equal(open_at(3), 3);
		expect_clean();
	}
	staging_close(&ring);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(staging_open(&ring, path, ID, &(uint64_t){ 0 }), -ELOOP);
}

static void lines_that_wait_are_counted(void **state)
{
	const struct {
		const char *text;
		size_t len;
		uint64_t lines, behind_a_rest;	/* of a line that does not count */
	} texts[] = {
		{ "", 0, 0, 0 },
		{ "a", 1, 1, 0 },
		{ "\n", 1, 0, 0 },
		{ "\n\n\nx", 4, 1, 1 },
		{ "a\nb\n", 4, 2, 1 },
		{ "a\nb", 3, 2, 1 },
		{ "a\n\nbc", 5, 2, 1 },
		{ "\0\0\na\0b\n\0\n\0c", 11, 2, 2 },
		{ "rest\n\0\n", 7, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		unlink(path);
		open_at(0);
		put(texts[i].text, texts[i].len);
		get();
		assert_int_equal(count_from(0, false), texts[i].lines);
		assert_int_equal(count_from(0, true), texts[i].behind_a_rest);
	}
}

static void a_full_ring_of_one_line_is_one_line(void **state)
{
	static char text[STAGING_SIZE];
	uint64_t lines;

	(void)state;
	memset(text, 'x', sizeof(text));
	open_at(0);
	staging_release(&ring, 77);
	put(text, sizeof(text));
	get();
	assert_int_equal(count_from(77, false), 1);
	assert_int_equal(count_from(77 + STAGING_SIZE - 1, false), 1);
	assert_int_equal(count_from(77 + STAGING_SIZE, false), 0);
	assert_int_equal(staging_count(path, ID, 76, false, &lines), -EAGAIN);
	assert_int_equal(staging_count(path, ID, 77 + STAGING_SIZE + 1, false, &lines), -EAGAIN);
}

#define ring_test(f) cmocka_unit_test_setup_teardown(f, fresh, closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(bytes_go_round_the_end_at_every_place),
		ring_test(a_full_ring_takes_nothing_until_it_is_released),
		ring_test(nuls_at_the_end_did_not_come_and_others_stay),
		ring_test(a_flood_of_nuls_ends),
		ring_test(another_ring_begins_where_it_is),
		ring_test(a_new_ring_begins_where_the_last_one_ended),
		ring_test(what_is_no_ring_is_made_anew),
		ring_test(lines_that_wait_are_counted),
		ring_test(a_full_ring_of_one_line_is_one_line),
	};

	return spooldir_run(tests, NULL);
}
