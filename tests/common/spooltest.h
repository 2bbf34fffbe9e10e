/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A writer and a reader of one spool, and records that are known by their number. */
#ifndef TESTS_COMMON_SPOOLTEST_H
#define TESTS_COMMON_SPOOLTEST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../common/spool.h"
#include "spooldir.h"

#define SIZE SPOOL_MIN_SIZE

static struct spool_writer w;
static struct spool_reader r;
static char path[PATH_MAX];

static inline int fresh(void **state)
{
	spooldir_clear();
	strcpy(path, spooldir_path("p.spool"));
	memset(&w, 0, sizeof(w));
	memset(&r, 0, sizeof(r));
	(void)state;
	return 0;
}

static inline int closed(void **state)
{
	spool_writer_close(&w);
	spool_reader_close(&r);
	(void)state;
	return 0;
}

static inline void open_writer(void)
{
	bool set_aside = true;

	assert_int_equal(spool_writer_open(&w, path, "p", SIZE, &set_aside), 0);
	assert_false(set_aside);
}

static inline void open_both(void)
{
	open_writer();
	assert_int_equal(spool_reader_open(&r, path, false), 0);
}

static inline size_t line_of(uint64_t n, char *buf)
{
	size_t len = sprintf(buf, "{\"n\":%lu,\"pad\":\"", (unsigned long)n);

	memset(buf + len, 'a' + n % 26, n % 150);
	len += n % 150;
	return len + sprintf(buf + len, "\"}");
}

/* Record number @n; false: no room. */
static inline bool add(uint64_t n)
{
	struct spool_rec rec = {
		.kind = SPOOL_KIND_JSON, .route = 1, .source = 7, .source_pos = n * 16, .event = 2, .key = n,
	};
	char *room = spool_room(&w, 400);

	if (!room)
		return false;
	spool_add(&w, &rec, line_of(n, room));
	return true;
}

static inline uint64_t head(void)
{
	struct spool_commit c;

	assert_int_equal(spool_read_commit(&r, &c), 0);
	return c.head;
}

/* Record @n is whole at @pos; returns where the next one is. */
static inline uint64_t expect(uint64_t pos, uint64_t n)
{
	struct spool_rec rec;
	char want[400];
	const char *line;

	assert_int_equal(spool_read(&r, pos, head(), &rec, &line), 0);
	assert_int_equal(rec.key, n);
	assert_int_equal(rec.source_pos, n * 16);
	assert_int_equal(rec.route, 1);
	assert_int_equal(rec.boot, w.boot);
	assert_int_equal(rec.line_len, line_of(n, want));
	assert_memory_equal(line, want, rec.line_len);
	return pos + rec.len;
}

static inline void move_cursor(int cursor, uint64_t pos)
{
	struct spool_cursor c = { .pos = pos };

	spool_cursor_write(&r, cursor, &c);
}

static inline bool exists(const char *name)
{
	return access(spooldir_path(name), F_OK) == 0;
}

static inline void patch(size_t offset, const void *data, size_t len)
{
	int fd = open(path, O_RDWR);

	assert_int_equal(pwrite(fd, data, len, offset), len);
	close(fd);
}

#define spool_test(f) cmocka_unit_test_setup_teardown(f, fresh, closed)

#endif
