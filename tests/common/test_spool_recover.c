/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every byte of a spool damaged, one after the other, and the file cut at every length: what its next writer and reader
 * make of it, and what those who have it open do. */
#include "spooltest.h"

#define RECORDS 12
#define READ    4	/* of them the sink has read when all this happens, and acknowledged in two steps */

static struct {
	uint8_t *file;			/* as it was */
	size_t size;
	uint64_t starts[RECORDS + 1];
	struct spool_commit commit;
	struct spool_cursor before, at;
	int cursor;
} whole;

static void write_cursor(struct spool_cursor *c, unsigned records)
{
	*c = (struct spool_cursor){
		.pos = whole.starts[records], .acked = records, .bytes = 100 * records, .routes = 2,
	};
	spool_cursor_write(&r, whole.cursor, c);
}

/* Three commits, so that both slots were in use; two positions of one cursor. */
static void make_whole(void)
{
	int fd;

	open_both();
	w.next.n_sources = 2;
	w.next.n_routes = 3;
	w.next.sources[1].id = 7;
	for (unsigned i = 0; i < RECORDS; i++) {
		whole.starts[i] = w.next.head;
		assert_true(add(i));
		w.next.sources[1].drained++;
		w.next.routes[1].spooled++;
		if (i % 4 == 3)
			spool_commit(&w);
	}
	whole.starts[RECORDS] = w.next.head;
	whole.cursor = spool_cursor_open(&r, "file");
	write_cursor(&whole.before, READ - 2);
	write_cursor(&whole.at, READ);
	spool_refresh(&w);
	assert_int_equal(w.tail, whole.at.pos);
	assert_int_equal(spool_read_commit(&r, &whole.commit), 0);
	closed(NULL);
	whole.size = SPOOL_HEAD_SIZE + SIZE;
	whole.file = malloc(whole.size);
	fd = open(path, O_RDONLY);
	assert_non_null(whole.file);
	assert_int_equal(pread(fd, whole.file, whole.size, 0), whole.size);
	close(fd);
}

static void free_whole(void)
{
	free(take(whole.file));
}

/* With byte @at changed by @flip. */
static void restore(size_t at, uint8_t flip)
{
	uint8_t byte = whole.file[at] ^ flip;

	patch(0, whole.file, sizeof(struct spool_head));
	patch(at, &byte, 1);
}

static void open_again(void)
{
	bool set_aside = true;

	assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
	assert_false(set_aside);
	assert_int_equal(spool_reader_open(&r, path, false), 0);
}

static void expect_the_same_commit(void)
{
	struct spool_commit c;

	assert_int_equal(spool_read_commit(&r, &c), 0);
	assert_memory_equal(&c, &whole.commit, sizeof(c));
	assert_memory_equal(&w.next, &whole.commit, sizeof(c));
}

static void expect_records(unsigned first)
{
	uint64_t pos = whole.starts[first];

	for (unsigned i = first; i < RECORDS; i++)
		pos = expect(pos, i);
}

/* As it was, or as it was before: in one piece. */
static unsigned expect_cursor(void)
{
	int cursor = spool_cursor_open(&r, "file");
	struct spool_cursor c;
	char name[48];

	assert_true(cursor >= 0);
	assert_int_equal(spool_cursor_read(&r, cursor, name, &c), 0);
	if (memcmp(&c, &whole.at, sizeof(c)) == 0)
		return READ;
	if (memcmp(&c, &whole.before, sizeof(c)) == 0)
		return READ - 2;
	/* Another row: its own is not found by its name, or not seen in use. Nothing was let go of meanwhile. */
	assert_int_not_equal(cursor, whole.cursor);
	assert_int_equal(c.acked, 0);
	assert_true(c.pos == whole.starts[READ] || c.pos == whole.starts[READ - 2] || c.pos == 0);
	return READ;
}

/* All of what is in use, and a sample of what is not. */
static bool is_worth_trying(size_t at)
{
	const size_t slots = offsetof(struct spool_head, commit_slots), rows = offsetof(struct spool_head, cursors);
	size_t used = 16 + SPOOL_COMMIT_FIXED + 2 * sizeof(struct spool_source) + 3 * sizeof(struct spool_route), in;

	if (at >= slots && at < rows)
		in = (at - slots) % SPOOL_COMMIT_SLOT;
	else if (at >= offsetof(struct spool_head, commit_copy))
		in = at - offsetof(struct spool_head, commit_copy);
	else
		return at < sizeof(struct spool_super) || at >= offsetof(struct spool_head, tail) || at % 61 == 0;
	return in < used || at % 1021 == 0;
}

static const uint8_t flips[] = { 0x01, 0x80, 0xff };

static void a_writer_and_a_reader_go_on_whatever_byte_of_the_head_was_damaged(void **state)
{
	unsigned tried = 0, before = 0;

	make_whole();
	for (size_t at = 0; at < sizeof(struct spool_head); at++) {
		if (!is_worth_trying(at))
			continue;
		restore(at, flips[tried++ % ARRAY_SIZE(flips)]);
		open_again();
		expect_the_same_commit();
		before += expect_cursor() != READ;
		expect_records(0);
		closed(NULL);
		memset(&w, 0, sizeof(w));
	}
	assert_false(exists("p.spool.bad"));
	print_message("# %u damaged heads, none lost; a cursor was set back %u times\n", tried, before);
	assert_true(before > 0);
	free_whole();
	(void)state;
}

static void those_who_have_it_open_make_it_whole_again(void **state)
{
	make_whole();
	open_again();
	for (size_t at = 0; at < sizeof(struct spool_head); at++) {
		for (size_t i = 0; is_worth_trying(at) && i < ARRAY_SIZE(flips); i++) {
			struct spool_commit c;

			memcpy(w.head, whole.file, sizeof(*w.head));
			assert_int_equal(spool_heal(&w), 0);
			assert_false(spool_cursor_heal(&r, whole.cursor, "file", &whole.at));
			((uint8_t *)w.head)[at] ^= flips[i];
			if (spool_read_commit(&r, &c) == 0)
				assert_true(c.head <= whole.commit.head);	/* at worst what was so once */
			assert_false(spool_refresh(&w));	/* its sink has not moved */
			assert_true(spool_heal(&w) >= 0);
			spool_cursor_heal(&r, whole.cursor, "file", &whole.at);
			for (int k = 0; k < SPOOL_MAX_CURSORS; k++)	/* as sinkd does: rows that are nobody's */
				if (k != whole.cursor)
					spool_cursor_drop(&r, k);
			expect_the_same_commit();
			assert_int_equal(expect_cursor(), READ);
			assert_int_equal(spool_cursor_open(&r, "file"), whole.cursor);
			assert_memory_equal(&w.head->super, whole.file, sizeof(w.head->super));
			assert_false(spool_refresh(&w));
			assert_int_equal(w.head->tail, whole.starts[READ]);
		}
	}
	free_whole();
	(void)state;
}

/* The commit before would give ids twice, and counters that go back. */
static void a_commit_that_is_damaged_in_both_places_is_set_aside(void **state)
{
	const size_t slot = offsetof(struct spool_head, commit_slots) + SPOOL_COMMIT_SLOT;
	bool set_aside = false;

	make_whole();
	restore(slot + 16 + 8, 1);		/* the third commit lies in slot 1 */
	patch(offsetof(struct spool_head, commit_copy) + 16 + 8, "\xaa", 1);
	assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
	assert_true(set_aside);
	assert_int_equal(w.next.head, 0);
	assert_true(exists("p.spool.bad"));
	free_whole();
	(void)state;
}

static void a_file_that_was_cut_has_all_that_lay_before(void **state)
{
	make_whole();
	for (unsigned last = RECORDS - 3; last < RECORDS; last++) {
		for (uint64_t end = whole.starts[last]; end < whole.starts[last + 1]; end++) {
			uint64_t pos = 0, kept = last;
			struct spool_rec rec;
			const char *line;

			assert_int_equal(truncate(path, SPOOL_HEAD_SIZE + end), 0);
			open_again();
			assert_true(w.repaired);
			expect_the_same_commit();
			for (unsigned i = 0; i < last; i++)
				pos = expect(pos, i);
			/* Its padding alone may be missing. */
			if (spool_read(&r, pos, head(), &rec, &line) == 0) {
				pos = expect(pos, last);
				kept++;
			}
			assert_true(kept == last || end > whole.starts[last] + 72 + rec.line_len - 1);
			assert_int_equal(spool_next_sound(&r, pos, head()), head());
			/* And it goes on behind it. */
			assert_true(add(RECORDS));
			spool_commit(&w);
			expect(whole.starts[RECORDS], RECORDS);
			closed(NULL);
			memset(&w, 0, sizeof(w));
			patch(0, whole.file, whole.size);
		}
	}
	assert_false(exists("p.spool.bad"));
	free_whole();
	(void)state;
}

static void a_file_whose_head_was_cut_is_set_aside(void **state)
{
	make_whole();
	for (size_t len = 0; len <= SPOOL_HEAD_SIZE; len += len < 512 ? 1 : 509) {
		bool set_aside = false;

		patch(0, whole.file, whole.size);
		assert_int_equal(truncate(path, len), 0);
		assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
		assert_true(set_aside);
		assert_int_equal(w.next.head, 0);
		closed(NULL);
		memset(&w, 0, sizeof(w));
		unlink(path);
		close(open(path, O_CREAT | O_RDWR, 0660));
	}
	free_whole();
	(void)state;
}

static void a_writer_notices_that_its_file_was_cut(void **state)
{
	open_both();
	assert_int_equal(spool_heal(&w), 0);
	assert_int_equal(truncate(path, SPOOL_HEAD_SIZE + 4096), 0);
	assert_int_equal(spool_heal(&w), -EBADMSG);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		spool_test(a_writer_and_a_reader_go_on_whatever_byte_of_the_head_was_damaged),
		spool_test(those_who_have_it_open_make_it_whole_again),
		spool_test(a_commit_that_is_damaged_in_both_places_is_set_aside),
		spool_test(a_file_that_was_cut_has_all_that_lay_before),
		spool_test(a_file_whose_head_was_cut_is_set_aside),
		spool_test(a_writer_notices_that_its_file_was_cut),
	};

	return spooldir_run(tests, NULL);
}
