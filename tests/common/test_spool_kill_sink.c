/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other end of the spool's promise, instruction by instruction: a sink is killed after instruction k of its
 * delivery, for every k; then another goes on. Every line must be there once. The same with the order of stores broken
 * on purpose must show losses, else this test could not find any. */
#include <errno.h>
#include <fcntl.h>

#include "../../common/spool.h"
#include "killtest.h"

static struct spool_writer w;
static struct spool_reader r;
static struct spool_cursor at;
static int cursor;

enum delivery {
	AS_SINKD_DOES,
	CURSOR_FIRST,		/* the cursor moves before the file is written */
	NO_LOOK_BACK,		/* the file's last id is not looked at */
};
static enum delivery delivery;

static char lines[1 << 16];
static size_t lines_len;
static int out_fd;

static int sink_open(void)
{
	char name[48];

	if (spool_reader_open(&r, path, false) < 0)
		return -1;
	out_fd = open(spooldir_path("out"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	cursor = spool_cursor_open(&r, "file");
	return cursor < 0 || out_fd < 0 ? -1 : spool_cursor_read(&r, cursor, name, &at);
}

static void sink_close(void)
{
	close(out_fd);
	spool_reader_close(&r);
}

/* The id that the file's last line ends with: "NUMBER ID\n". */
static bool last_id(struct spool_rec *ret)
{
	char tail[256], *id;
	off_t size = lseek(out_fd, 0, SEEK_END);
	ssize_t n = pread(out_fd, tail, sizeof(tail), MAX(size - (off_t)sizeof(tail), (off_t)0));

	if (n < 2 || tail[n - 1] != '\n')
		return false;
	id = memrchr(tail, ' ', n);
	return id && spool_id_parse(id + 1, tail + n - 1 - (id + 1), ret) == 0;
}

/* Gathers the lines that wait, and in @at what will hold when they are delivered. */
static int sink_gather(void)
{
	struct spool_rec last = {}, rec;
	struct spool_commit c;
	const char *line;

	if (spool_read_commit(&r, &c) < 0)
		return -1;
	if (delivery == NO_LOOK_BACK || !last_id(&last))
		last.source_pos = 0;
	for (lines_len = 0; at.pos < c.head; at.pos += rec.len) {
		char id[SPOOL_ID_MAX];

		if (spool_read(&r, at.pos, c.head, &rec, &line) < 0)
			return -1;
		at.acked++;
		/* One ring, in order: what is not behind the last line's was written before the kill. */
		if (rec.source_pos <= last.source_pos)
			continue;
		spool_id_format(&rec, id);
		lines_len += sprintf(lines + lines_len, "%.*s %s\n", (int)rec.line_len, line, id);
	}
	return 0;
}

static void sink_deliver(void)
{
	if (delivery == CURSOR_FIRST)
		spool_cursor_write(&r, cursor, &at);
	if (lines_len && write(out_fd, lines, lines_len) != (ssize_t)lines_len)
		abort();
	if (delivery != CURSOR_FIRST)
		spool_cursor_write(&r, cursor, &at);
}

static void sink_job(void)
{
	if (sink_open() < 0 || sink_gather() < 0)
		return;
	mark();
	sink_deliver();
	mark();
}

static void sink_recover(void)
{
	assert_int_equal(sink_open(), 0);
	assert_int_equal(sink_gather(), 0);
	sink_deliver();
	sink_close();
}

static void count_lines(void)
{
	FILE *f = fopen(spooldir_path("out"), "r");
	unsigned long number;
	char id[SPOOL_ID_MAX];

	assert_non_null(f);
	memset(arrived, 0, sizeof(arrived));
	while (fscanf(f, "%lu %63s", &number, id) == 2) {
		assert_true(number < produced);
		arrived[number]++;
	}
	assert_true(feof(f));
	fclose(f);
}

static void put_records(unsigned n)
{
	for (unsigned i = 0; i < n; i++, produced++) {
		struct spool_rec rec = {
			.kind = SPOOL_KIND_JSON, .source = 1, .source_pos = (produced + 1) * 16, .key = produced,
		};
		char *line = spool_room(&w, 40);

		assert_non_null(line);
		if (!is_filtered(produced))
			spool_add(&w, &rec, sprintf(line, "%lu", (unsigned long)produced));
	}
	spool_commit(&w);
	spool_refresh(&w);
}

static void kill_sinks(enum delivery how, uint64_t *ret_lost, uint64_t *ret_twice)
{
	bool more = true;
	unsigned k, kills = 0, every = how == AS_SINKD_DOES ? EVERY : EVERY_CONTROL;

	delivery = how;
	produced = 0;
	assert_int_equal(spool_writer_open(&w, path, "p", SPOOL_MIN_SIZE, NULL), 0);
	put_records(0);
	sink_recover();
	for (k = 0; more; k += every, kills++) {
		put_records(BATCH);
		more = kill_after(sink_job, k);
		sink_recover();
		if (how == AS_SINKD_DOES)
			assert_int_equal(at.acked, produced - n_filtered());
	}
	count_lines();
	look_over(ret_lost, ret_twice);
	say(kills, *ret_lost, *ret_twice);
	spool_writer_close(&w);
}

static void a_sink_killed_after_any_instruction_loses_nothing_and_repeats_nothing(void **state)
{
	uint64_t lost, twice;

	kill_sinks(AS_SINKD_DOES, &lost, &twice);
	assert_int_equal(lost, 0);
	assert_int_equal(twice, 0);
	(void)state;
}

static void control_with_the_cursor_first_lines_are_lost(void **state)
{
	uint64_t lost, twice;

	kill_sinks(CURSOR_FIRST, &lost, &twice);
	assert_true(lost > 0);
	(void)state;
}

static void control_without_a_look_back_lines_come_twice(void **state)
{
	uint64_t lost, twice;

	kill_sinks(NO_LOOK_BACK, &lost, &twice);
	assert_true(twice > 0);
	(void)state;
}

/* ---- a cursor that is made --------------------------------------------------------------------------------------- */

static void opener_job(void)
{
	if (spool_reader_open(&r, path, false) < 0)
		return;
	mark();
	spool_cursor_open(&r, "a sink with a name");
	mark();
}

/* What a kill would leave is what lies in the shared memory at that moment: one process, looked at after each step. */
static void a_cursor_is_there_whole_or_not_at_all(void **state)
{
	unsigned with = 0, without = 0;
	char name[48];
	pid_t pid;

	produced = 0;
	assert_int_equal(spool_writer_open(&w, path, "p", SPOOL_MIN_SIZE, NULL), 0);
	put_records(BATCH);
	assert_int_equal(spool_reader_open(&r, path, true), 0);
	pid = start(opener_job);
	while (step(pid)) {
		int err = spool_cursor_read(&r, 0, name, &at);

		assert_true(err == 0 || err == -ENOENT);
		if (err == 0) {
			assert_string_equal(name, "a sink with a name");
			assert_int_equal(at.pos, 0);
		}
		++*(err == 0 ? &with : &without);
	}
	end(pid);
	print_message("# %u instructions without it, %u with it\n", without, with);
	assert_true(with > 0 && without > 0);
	spool_reader_close(&r);
	spool_writer_close(&w);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kill_test(a_sink_killed_after_any_instruction_loses_nothing_and_repeats_nothing),
		kill_test(control_with_the_cursor_first_lines_are_lost),
		kill_test(control_without_a_look_back_lines_come_twice),
		kill_test(a_cursor_is_there_whole_or_not_at_all),
	};

	return spooldir_run(tests, NULL);
}
