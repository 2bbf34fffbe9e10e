/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A test's own folders, and the files in them. */
#ifndef EBPF_AGENT_TESTS_SINKD_FIXTURE_FILES_H
#define EBPF_AGENT_TESTS_SINKD_FIXTURE_FILES_H

#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/base.h"

static char fx_dir[64];

static inline const char *fx_path(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned i;

	i = (i + 1) % 4;
	snprintf(path[i], PATH_MAX, "%s/%.3000s", fx_dir, name);
	return path[i];
}

static inline char *fx_read(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 32 << 20);

	assert_non_null(text);
	*ret_len = 0;
	if (f) {
		*ret_len = fread(text, 1, (32 << 20) - 1, f);
		fclose(f);
	}
	return text;
}

static inline void fx_write(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* All that was written, oldest first: PATH.9 … PATH.1, PATH. */
static inline char *fx_read_rotated(const char *base, size_t *ret_len)
{
	char *all = calloc(1, 32 << 20), name[64];
	size_t len, n = 0;

	for (int i = 9; i >= 0; i--) {
		char *text;

		snprintf(name, sizeof(name), i ? "%s.%d" : "%s", base, i);
		text = fx_read(fx_path(name), &len);
		memcpy(all + n, text, len);
		n += len;
		free(text);
	}
	*ret_len = n;
	return all;
}

/* How many of our lines @text has, which must be whole and numbered from @first on, one by one. */
static inline uint64_t fx_check_lines(const char *text, size_t len, uint64_t first)
{
	const char *end = text + len;
	uint64_t n = first;

	while (text < end) {
		const char *feed = memchr(text, '\n', end - text), *at;
		uint64_t found;

		assert_non_null(feed);
		at = memmem(text, feed - text, "\"n\":", 4);
		assert_non_null(at);
		found = strtoull(at + 4, NULL, 10);
		if (found != n)
			fail_msg("line %" PRIu64 " has n %" PRIu64, n, found);
		n++;
		text = feed + 1;
	}
	return n - first;
}

/* The file has our lines from @first on, @n of them, and no other. */
static inline void fx_expect_lines(const char *name, uint64_t first, uint64_t n)
{
	size_t len;
	cleanup(freep) char *text = fx_read(fx_path(name), &len);

	assert_int_equal(fx_check_lines(text, len, first), n);
}

#endif
