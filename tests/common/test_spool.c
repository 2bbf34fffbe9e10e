/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "../../common/crc32c.h"
#include "../../common/spool.h"
#include "spooldir.h"

#define SIZE SPOOL_MIN_SIZE

static struct spool_writer w;
static struct spool_reader r;
static char path[PATH_MAX];

static int fresh(void **state)
{
	spooldir_clear();
	strcpy(path, spooldir_path("p.spool"));
	memset(&w, 0, sizeof(w));
	memset(&r, 0, sizeof(r));
	(void)state;
	return 0;
}

static int closed(void **state)
{
	spool_writer_close(&w);
	spool_reader_close(&r);
	(void)state;
	return 0;
}

static void open_writer(void)
{
	bool set_aside = true;

	assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
	assert_false(set_aside);
}

static void open_both(void)
{
	open_writer();
	assert_int_equal(spool_reader_open(&r, path, false), 0);
}

static size_t line_of(uint64_t n, char *buf)
{
	size_t len = sprintf(buf, "{\"n\":%lu,\"pad\":\"", (unsigned long)n);

	memset(buf + len, 'a' + n % 26, n % 150);
	len += n % 150;
	return len + sprintf(buf + len, "\"}");
}

/* Record number @n; false: no room. */
static bool add(uint64_t n)
{
	struct spool_rec rec = {
		.kind = SPOOL_KIND_JSON, .route = 1, .ring = 7, .ring_pos = n * 16, .event = 2, .key = n,
	};
	char *room = spool_room(&w, 400);

	if (!room)
		return false;
	spool_add(&w, &rec, line_of(n, room));
	return true;
}

static uint64_t head(void)
{
	struct spool_commit c;

	assert_int_equal(spool_read_commit(&r, &c), 0);
	return c.head;
}

/* Record @n is whole at @pos; returns where the next one is. */
static uint64_t expect(uint64_t pos, uint64_t n)
{
	struct spool_rec rec;
	char want[400];
	const char *line;

	assert_int_equal(spool_read(&r, pos, head(), &rec, &line), 0);
	assert_int_equal(rec.key, n);
	assert_int_equal(rec.ring_pos, n * 16);
	assert_int_equal(rec.route, 1);
	assert_int_equal(rec.boot, w.boot);
	assert_int_equal(rec.line_len, line_of(n, want));
	assert_memory_equal(line, want, rec.line_len);
	return pos + rec.len;
}

static void move_cursor(int cursor, uint64_t pos)
{
	struct spool_cursor c = { .pos = pos };

	spool_cursor_write(&r, cursor, &c);
}

static bool exists(const char *name)
{
	return access(spooldir_path(name), F_OK) == 0;
}

static void patch(size_t offset, const void *data, size_t len)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, data, len, offset), len);
	close(fd);
}

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

static void a_commit_carries_rings_and_routes_of_any_number(void **state)
{
	struct spool_commit c, *n = &w.next;

	open_both();
	assert_int_equal(spool_read_commit(&r, &c), -ENODATA);
	for (int k = 0; k <= SPOOL_MAX_ROUTES; k++) {
		n->n_rings = k % (SPOOL_MAX_RINGS + 1);
		n->n_routes = k;
		n->wall_offset_ns = -k;
		n->flags = k % 2;
		memset(n->rings, 0, sizeof(n->rings));
		memset(n->routes, 0, sizeof(n->routes));
		for (int i = 0; i < n->n_rings; i++)
			n->rings[i] = (struct spool_ring){ 100 + i, i, k * 1000 + i, 1, 2, 3, 4 };
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

static void records_are_counted_by_their_headers(void **state)
{
	uint64_t n = 0;

	open_both();
	for (uint64_t i = 0; i < 50; i++)
		add(i);
	spool_commit(&w);
	assert_int_equal(spool_count(&r, 0, head(), &n), 0);
	assert_int_equal(n, 50);
	assert_int_equal(spool_count(&r, expect(0, 0), head(), &n), 0);
	assert_int_equal(n, 49);
	assert_int_equal(spool_count(&r, head(), head(), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(spool_count(&r, 8, head(), &n), -EBADMSG);
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
	assert_true(spool_refresh(&w));
	(void)state;
}

/* ---- cursors ----------------------------------------------------------------------------------------------------- */

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

static void a_damaged_cursor_starts_again_at_the_oldest(void **state)
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

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void a_spool_has_one_writer(void **state)
{
	struct spool_writer second = {};

	open_writer();
	assert_int_equal(spool_writer_open(&second, path, "p", SIZE, NULL), -EBUSY);
	assert_null(second.head);
	spool_writer_close(&w);
	assert_int_equal(spool_writer_open(&second, path, "p", SIZE, NULL), 0);
	spool_writer_close(&second);
	(void)state;
}

static void a_spool_is_as_long_as_asked_for_and_readable_by_its_group(void **state)
{
	struct stat st;

	assert_int_equal(spool_writer_open(&w, path, "p", SIZE + 1, NULL), 0);
	assert_int_equal(w.data_size, 2 * SIZE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_size, SPOOL_HEAD_SIZE + 2 * SIZE);
	assert_true(st.st_blocks * 512ull >= SPOOL_HEAD_SIZE + 2 * SIZE);
	assert_false(exists("p.spool.tmp"));
	assert_int_equal(spool_writer_open(&w, spooldir_path("q.spool"), "q", SPOOL_MAX_SIZE + 1ull, NULL), -EFBIG);
	(void)state;
}

static void what_a_killed_worker_left_half_made_is_no_obstacle(void **state)
{
	int fd = open(spooldir_path("p.spool.tmp"), O_RDWR | O_CREAT, 0600);

	assert_int_equal(write(fd, "rubbish", 7), 7);
	close(fd);
	open_both();
	add(0);
	spool_commit(&w);
	expect(0, 0);
	(void)state;
}

static void a_damaged_spool_is_set_aside_and_said_so(void **state)
{
	/* Where a bit is turned: magic, version, sizes, boot id, name; then the commit that counts. */
	const size_t at[] = { 0, 8, 12, 16, 24, 40, 56, offsetof(struct spool_super, crc),
			      offsetof(struct spool_head, commit_slots) + SPOOL_COMMIT_SLOT + 20,
			      offsetof(struct spool_head, tail) };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		bool set_aside = false;
		uint8_t byte;
		int fd;

		open_writer();
		add(i);
		spool_commit(&w);
		spool_writer_close(&w);
		fd = open(path, O_RDONLY);
		assert_int_equal(pread(fd, &byte, 1, at[i]), 1);
		close(fd);
		byte ^= 0x81;
		patch(at[i], &byte, 1);
		assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
		assert_true(set_aside);
		assert_true(exists("p.spool.bad"));
		assert_int_equal(w.next.head, 0);
		spool_writer_close(&w);
		spooldir_clear();
	}
	(void)state;
}

static void what_is_no_spool_at_all_is_set_aside(void **state)
{
	const char *kinds[] = { "file", "short", "link", "folder", "fifo", "other program's" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		bool set_aside = false;

		switch (i) {
		case 0:
		case 1:
			close(open(path, O_CREAT | O_RDWR, 0600));
			assert_int_equal(truncate(path, i ? 100 : SPOOL_HEAD_SIZE + SIZE), 0);
			break;
		case 2:
			assert_int_equal(symlink("/etc/passwd", path), 0);
			break;
		case 3:
			assert_int_equal(mkdir(path, 0700), 0);
			break;
		case 4:
			assert_int_equal(mkfifo(path, 0600), 0);
			break;
		case 5:
			assert_int_equal(spool_writer_open(&w, path, "other", SIZE, NULL), 0);
			spool_writer_close(&w);
		}
		if (i < 5) {
			assert_int_equal(spool_reader_open(&r, path, false), -EBADMSG);
			assert_int_equal(spool_reader_open(&r, path, true), -EBADMSG);
		}
		assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
		assert_true(set_aside);
		spool_writer_close(&w);
		spooldir_clear();
	}
	(void)state;
}

static void a_spool_of_another_boot_is_replaced(void **state)
{
	struct spool_super s;
	bool set_aside = true;

	open_both();
	add(0);
	spool_commit(&w);
	s = w.head->super;
	spool_writer_close(&w);
	s.boot_id[3] ^= 1;
	s.crc = crc32c(0, &s, offsetof(struct spool_super, crc));
	patch(0, &s, sizeof(s));
	spool_reader_close(&r);
	assert_int_equal(spool_reader_open(&r, path, false), -EBADMSG);
	assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
	assert_false(set_aside);
	assert_false(exists("p.spool.bad"));
	assert_int_equal(w.next.head, 0);
	(void)state;
}

static void a_reader_notices_that_its_spool_was_replaced(void **state)
{
	open_both();
	assert_true(spool_reader_current(&r, path));
	spool_writer_close(&w);
	assert_int_equal(unlink(path), 0);
	assert_false(spool_reader_current(&r, path));
	open_writer();
	assert_false(spool_reader_current(&r, path));
	(void)state;
}

static void only_a_tmpfs_will_do(void **state)
{
	char dir[] = "/var/tmp/ebpf-agent-test.XXXXXX", file[PATH_MAX];
	struct statfs fs;
	int err;

	if (statfs("/var/tmp", &fs) < 0 || fs.f_type == TMPFS_MAGIC || !mkdtemp(dir)) {
		print_message("# skipped: /var/tmp is a tmpfs here\n");
		skip();
	}
	snprintf(file, sizeof(file), "%s/p.spool", dir);
	err = spool_writer_open(&w, file, "p", SIZE, NULL);
	assert_int_equal(rmdir(dir), 0);	/* nothing was left in it */
	assert_int_equal(err, -EMEDIUMTYPE);
	(void)state;
}

static void a_full_tmpfs_is_an_error_not_a_signal(void **state)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		/* A mount that only this child has. */
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("tmpfs", spooldir, "tmpfs", 0, "size=200k") < 0)
			_exit(77);
		if (spool_writer_open(&w, path, "p", SIZE, NULL) != -ENOSPC || w.head)
			_exit(1);
		_exit(exists("p.spool.tmp") || exists("p.spool") ? 2 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# skipped: no right to mount\n");
		skip();
	}
	assert_int_equal(status, 0);
	(void)state;
}

/* ---- a reader trusts nothing ------------------------------------------------------------------------------------- */

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

static void no_damaged_byte_of_a_record_gives_a_wrong_record(void **state)
{
	uint64_t first, pos = make_victim(&first), end = head(), counted;
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };

	assert_int_equal(read_all(pos, first, end), LAST);
	for (uint64_t at = pos; at < end; at++) {
		uint8_t *byte = (uint8_t *)w.data + (at & (w.data_size - 1));

		for (size_t i = 0; i < ARRAY_SIZE(flips); i++) {
			*byte ^= flips[i];
			read_all(pos, first, end);
			(void)spool_count(&r, pos, end, &counted);
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

/* ---- ids --------------------------------------------------------------------------------------------------------- */

static void an_id_is_written_and_read_back(void **state)
{
	static const struct {
		struct spool_rec rec;
		const char *text;
	} rows[] = {
		{ { 0 }, "0-0-0-0-0" },
		{ { .boot = 0xdeadbeef, .ring = 17, .ring_pos = 0x123456789abcdef0, .event = 3, .result = 10 },
		  "deadbeef-11-123456789abcdef0-3-a" },
		{ { .boot = -1, .ring = -1, .ring_pos = -1, .event = -1, .result = -1 },
		  "ffffffff-ffffffff-ffffffffffffffff-ffff-ffff" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spool_rec rec = {};
		char text[SPOOL_ID_MAX];

		assert_int_equal(spool_id_format(&rows[i].rec, text), strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
		assert_int_equal(spool_id_parse(text, strlen(text), &rec), 0);
		assert_memory_equal(&rec, &rows[i].rec, sizeof(rec));
	}
	(void)state;
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "-", "0-0-0-0", "0-0-0-0-", "0-0-0-0-0-", "0-0-0-0-0 ", "00-0-0-0-0", "0-0-0-0-01", "0--0-0-0",
		"A-0-0-0-0", "0-0-0-0-g", "100000000-0-0-0-0", "0-100000000-0-0-0", "0-0-10000000000000000-0-0",
		"0-0-0-10000-0", "0-0-0-0-10000",
	};
	struct spool_rec rec = { .ring = 4 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(spool_id_parse(rows[i], strlen(rows[i]), &rec), -EINVAL);
	assert_int_equal(rec.ring, 4);
	(void)state;
}

/* ---- cost: not a test -------------------------------------------------------------------------------------------- */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void show_speed(void)
{
	enum { N = 2000000, COMMITS = 1000000, LINE = 180 };
	struct spool_rec rec = { .kind = SPOOL_KIND_JSON }, got;
	struct spool_cursor c = {};
	double t, adds = 0, reads = 0;
	uint64_t n = 0;
	int cursor;

	fresh(NULL);
	if (spool_writer_open(&w, path, "p", 16 << 20, NULL) < 0 || spool_reader_open(&r, path, false) < 0)
		return;
	cursor = spool_cursor_open(&r, "file");
	w.next.n_rings = w.next.n_routes = 1;
	while (n < N) {
		const char *line;
		char *room;

		t = now_ns();
		while ((room = spool_room(&w, LINE))) {
			memset(room, 'x', LINE);
			spool_add(&w, &rec, LINE);
			n++;
		}
		adds += now_ns() - t;
		spool_commit(&w);
		t = now_ns();
		for (; c.pos < w.next.head; c.pos += got.len)
			if (spool_read(&r, c.pos, w.next.head, &got, &line) < 0)
				abort();
		reads += now_ns() - t;
		spool_cursor_write(&r, cursor, &c);
		spool_refresh(&w);
	}
	printf("# record of %d bytes: add %.1f ns, read %.1f ns\n", LINE, adds / n, reads / n);
	t = now_ns();
	for (int i = 0; i < COMMITS; i++)
		spool_commit(&w);
	printf("# commit, 1 ring and 1 route: %.1f ns\n", (now_ns() - t) / COMMITS);
	t = now_ns();
	for (int i = 0; i < COMMITS; i++)
		spool_take_doorbell(&w);
	printf("# look for a doorbell: %.1f ns\n", (now_ns() - t) / COMMITS);
	t = now_ns();
	for (int i = 0; i < COMMITS; i++)
		spool_cursor_write(&r, cursor, &c);
	printf("# cursor: %.1f ns\n", (now_ns() - t) / COMMITS);
	closed(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fresh, closed)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_committed_is_read_over_many_laps),
		T(what_was_not_committed_never_was),
		T(a_commit_carries_rings_and_routes_of_any_number),
		T(records_are_counted_by_their_headers),
		T(the_longest_record_fits_and_wraps),
		T(without_a_cursor_the_spool_holds_what_it_has),
		T(a_full_spool_has_room_again_when_its_slowest_cursor_moves),
		T(a_cursor_that_lies_moves_nothing),
		T(a_new_cursor_starts_at_the_oldest_record_that_is_kept),
		T(a_cursor_is_found_again_with_all_it_counted),
		T(there_is_room_for_so_many_cursors_and_a_dropped_one_gives_its_row),
		T(a_damaged_cursor_starts_again_at_the_oldest),
		T(the_doorbell_rings_once_for_all_that_sleep),
		T(no_wake_up_is_missed),
		T(whoever_looks_on_may_not_touch),
		T(a_spool_has_one_writer),
		T(a_spool_is_as_long_as_asked_for_and_readable_by_its_group),
		T(what_a_killed_worker_left_half_made_is_no_obstacle),
		T(a_damaged_spool_is_set_aside_and_said_so),
		T(what_is_no_spool_at_all_is_set_aside),
		T(a_spool_of_another_boot_is_replaced),
		T(a_reader_notices_that_its_spool_was_replaced),
		T(only_a_tmpfs_will_do),
		T(a_full_tmpfs_is_an_error_not_a_signal),
		T(no_damaged_byte_of_a_record_gives_a_wrong_record),
		T(no_head_or_position_leads_astray),
		T(a_spool_that_was_cut_is_refused_at_every_length),
		T(no_damaged_byte_of_the_head_is_fatal),
		T(an_id_is_written_and_read_back),
		T(what_is_no_id_is_refused),
	};
	int failed;

	if (!spooldir_make()) {
		printf("1..0 # SKIP /dev/shm is no tmpfs\n");
		return 0;
	}
	if (getenv("SHOW_SPEED"))
		show_speed();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	spooldir_remove();
	return failed;
}
