/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a record, a commit and a cursor cost, in a spool by itself: for whoever changes them. */
#include <string.h>
#include <time.h>

#include "../../common/spool.h"
#include "../common/spooldir.h"

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void measure(void)
{
	enum { N = 2000000, COMMITS = 1000000, LINE = 180 };
	struct spool_rec rec = { .kind = SPOOL_KIND_JSON }, got;
	const char *path = spooldir_path("p.spool");
	struct spool_writer w = {};
	struct spool_reader r = {};
	struct spool_cursor c = {};
	double t, adds = 0, reads = 0;
	uint64_t n = 0;
	int cursor;

	if (spool_writer_open(&w, path, "p", 16 << 20, NULL) < 0 || spool_reader_open(&r, path, false) < 0)
		return;
	cursor = spool_cursor_open(&r, "file");
	w.next.n_sources = w.next.n_routes = 1;
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
	printf("record of %d bytes: add %.1f ns, read %.1f ns\n", LINE, adds / n, reads / n);
	t = now_ns();
	for (int i = 0; i < COMMITS; i++)
		spool_commit(&w);
	printf("commit, 1 ring and 1 route: %.1f ns\n", (now_ns() - t) / COMMITS);
	t = now_ns();
	for (int i = 0; i < COMMITS; i++)
		spool_take_doorbell(&w);
	printf("look for a doorbell: %.1f ns\n", (now_ns() - t) / COMMITS);
	t = now_ns();
	for (int i = 0; i < COMMITS; i++)
		spool_cursor_write(&r, cursor, &c);
	printf("cursor: %.1f ns\n", (now_ns() - t) / COMMITS);
	spool_writer_close(&w);
	spool_reader_close(&r);
}

int main(void)
{
	if (!spooldir_make()) {
		fprintf(stderr, "/dev/shm is no tmpfs\n");
		return 1;
	}
	measure();
	spooldir_remove();
	return 0;
}
