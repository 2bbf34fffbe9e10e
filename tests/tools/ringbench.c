/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ringbench bare PROGRAM
 *	the limit: how fast its pinned ring can be consumed and copied, with nothing decoded. Consumes nothing.
 * ringbench raw PROGRAM
 *	consumes its ring, and writes each record as it is into a spool: what a header, a CRC and a commit per 256 cost.
 * ringbench worker EBPF_CHANNELD PROGRAM [EBPF_LAUNCHER]
 *	starts the worker on the filled ring, and measures until all of it is committed. Then reads the spool as a sink
 *	would: every CRC, every line, every id, the count.
 *
 * ringbench check PROGRAM COUNT
 *	reads the spool in the same way, from its first record on: COUNT events were drained, and are there once.
 * ringbench take PROGRAM
 *	reads on where the last such call ended, as a sink would; prints how many records there were.
 * ringbench commit PROGRAM
 *	the flags of the last commit, and how many were drained.
 *
 * Prints events per second, and per second of the process's CPU time: on a busy machine the second says what a core
 * can do. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "../../common/json.h"
#include "../../common/paths.h"
#include "../../common/pins.h"
#include "../../common/spawn.h"
#include "../../common/spool.h"
#include "../../channeld/ring.c"
#include "ringfill.h"

static void die(const char *what, int err)
{
	fprintf(stderr, "ringbench: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) < 0)
		die("CPU clock", errno);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct took {
	double wall, cpu;
};

static void print(uint64_t n, struct took t)
{
	printf("%.0f %.0f\n", (double)n / t.wall, (double)n / t.cpu);
}

static void open_pinned(struct ring *r, const char *program)
{
	int fd = pin_get(program, "fill", PIN_MAP, "events"), err = fd < 0 ? fd : ring_open(r, fd, false);

	if (err < 0)
		die("ring", err);
}

#define RAW_BATCH 256

static void bare(const char *program)
{
	static struct ringfill_event batch[RAW_BATCH];
	struct record rec;
	struct ring r = {};
	uint64_t n = 0;
	struct took t;

	open_pinned(&r, program);
	t = (struct took){ now(), cpu(0) };
	for (; ring_next(&r, &rec); n++) {
		memcpy(&batch[n % RAW_BATCH], rec.data, sizeof(*batch));
		asm volatile("" : : "r"(batch) : "memory");		/* it is meant */
	}
	print(n, (struct took){ now() - t.wall, cpu(0) - t.cpu });
	ring_close(&r);
}

static uint64_t raw_batch(struct ring *ring, struct spool_writer *w)
{
	struct spool_rec rec = { .kind = SPOOL_KIND_JSON, .source = ring->map_id };
	uint64_t n = 0;
	struct record r;

	for (; n < RAW_BATCH && ring_next(ring, &r); n++) {
		char *to = spool_room(w, r.len);

		if (!to)
			die("the spool is full", ENOSPC);
		rec.source_pos = r.pos;
		memcpy(to, r.data, r.len);
		spool_add(w, &rec, r.len);
	}
	w->next.sources[0].drained += n;
	w->next.sources[0].next = ring->pos;
	w->next.n_sources = 1;
	spool_commit(w);
	ring_release(ring, ring->pos);
	return n;
}

static void raw(const char *program)
{
	struct spool_writer w = {};
	struct ring ring = {};
	uint64_t n = 0, some;
	char path[PATH_MAX];
	struct took t;
	int err;

	open_pinned(&ring, program);
	path_spool(program, path);
	unlink(path);
	err = spool_writer_open(&w, path, program, SPOOL_MAX_SIZE / 2, NULL);
	if (err < 0)
		die("spool", err);
	t = (struct took){ now(), cpu(0) };
	while ((some = raw_batch(&ring, &w)) > 0)
		n += some;
	print(n, (struct took){ now() - t.wall, cpu(0) - t.cpu });
	spool_writer_close(&w);
	ring_close(&ring);
}

static pid_t start(const char *path, char *const *argv, int fd)
{
	struct spawn_fd f = { fd, 3 };
	struct spawn s = { .path = path, .argv = argv, .fds = &f, .n_fds = fd >= 0, .keep_caps = true };
	pid_t pid = spawn(&s);

	if (pid < 0)
		die(path, pid);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Only what this very worker commits counts: the first commit that is not @before marks its start. */
static struct took measure(struct spool_reader *r, const char *path, pid_t worker, uint64_t before, uint64_t n)
{
	static struct spool_commit c;
	struct took begin = {};

	for (;;) {
		if (waitpid(worker, NULL, WNOHANG) == worker)
			die("the worker ended", ECHILD);
		if (!r->head && spool_reader_open(r, path, false) < 0) {
			usleep(200);
			continue;
		}
		if (spool_read_commit(r, &c) == 0 && c.n_sources) {
			if (!begin.wall && c.sources[0].drained > before)
				begin = (struct took){ now(), cpu(worker) };
			if (c.sources[0].drained - before >= n)
				return (struct took){ now() - begin.wall, cpu(worker) - begin.cpu };
		}
		usleep(200);
	}
}

static uint64_t pending(const struct ring *ring)
{
	uint64_t n, discarded;

	if (ring_count(ring, ring_consumed(ring), &n, &discarded) < 0)
		die("ring", EAGAIN);
	return n;
}

static uint64_t take_all(struct spool_reader *r)
{
	static struct spool_commit c;
	int row = spool_cursor_open(r, "bench");
	struct spool_cursor cursor;
	uint64_t found = 0, source_pos = 0;
	struct spool_rec rec;
	char name[48], id[SPOOL_ID_MAX];
	const char *line;

	if (row < 0 || spool_cursor_read(r, row, name, &cursor) < 0 || spool_read_commit(r, &c) < 0)
		die("cursor", EIO);
	for (; cursor.pos < c.head; cursor.pos += rec.len, found++) {
		if (spool_read(r, cursor.pos, c.head, &rec, &line) < 0)
			die("a record is damaged", EBADMSG);
		spool_id_format(&rec, id);
		if (json_check(line, rec.line_len) < 0 || !memmem(line, rec.line_len, id, strlen(id)))
			die("a line is wrong", EBADMSG);
		if (found && rec.source_pos <= source_pos)
			die("events out of order", EBADMSG);
		source_pos = rec.source_pos;
	}
	spool_cursor_write(r, row, &cursor);
	return found;
}

static void check(struct spool_reader *r, uint64_t n)
{
	if (take_all(r) != n)
		die("events are missing, or too many", ERANGE);
}

static void worker(char **argv, const char *launcher)
{
	const char *program = argv[3];
	char *with[] = { "ebpf-channeld", "worker", "--launcher", "3", argv[3], NULL };
	char *without[] = { "ebpf-channeld", "worker", argv[3], NULL };
	char *launch[] = { "ebpf-launcher", NULL };
	static struct spool_commit c;
	struct spool_reader r = {};
	int pair[2] = { -1, -1 };
	pid_t pid, helper = 0;
	struct ring ring = {};
	char path[PATH_MAX];
	uint64_t n, before = 0;
	struct took took;

	open_pinned(&ring, program);
	n = pending(&ring);
	path_spool(program, path);
	if (spool_reader_open(&r, path, false) == 0 && spool_read_commit(&r, &c) == 0)
		before = c.sources[0].drained;
	if (launcher) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			die("socketpair", errno);
		helper = start(launcher, launch, pair[1]);
	}
	pid = start(argv[2], launcher ? with : without, pair[0]);
	took = measure(&r, path, pid, before, n);
	stop(pid);
	if (helper)
		stop(helper);
	check(&r, n);
	print(n, took);
	spool_reader_close(&r);
	ring_close(&ring);
}

static void open_spool(struct spool_reader *r, const char *program, struct spool_commit *c)
{
	char path[PATH_MAX];
	int err = path_spool(program, path);

	if (err == 0)
		err = spool_reader_open(r, path, false);
	if (err == 0)
		err = spool_read_commit(r, c);
	if (err < 0)
		die("spool", err);
}

static void check_all(const char *program, uint64_t n)
{
	static struct spool_commit c;
	struct spool_reader r = {};

	open_spool(&r, program, &c);
	if (c.sources[0].drained != n || c.records != n || c.routes[0].ok != n || c.routes[0].spooled != n)
		die("the counters are wrong, or not there yet", ERANGE);
	check(&r, n);
}

static void commit(const char *program)
{
	static struct spool_commit c;
	struct spool_reader r = {};

	open_spool(&r, program, &c);
	printf("%u %llu\n", c.flags, (unsigned long long)c.sources[0].drained);
}

static void take_some(const char *program)
{
	static struct spool_commit c;
	struct spool_reader r = {};

	open_spool(&r, program, &c);
	printf("%llu\n", (unsigned long long)take_all(&r));
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "bare") == 0)
		bare(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "raw") == 0)
		raw(argv[2]);
	else if (argc >= 4 && strcmp(argv[1], "worker") == 0)
		worker(argv, argc > 4 ? argv[4] : NULL);
	else if (argc == 4 && strcmp(argv[1], "check") == 0)
		check_all(argv[2], strtoull(argv[3], NULL, 0));
	else if (argc == 3 && strcmp(argv[1], "take") == 0)
		take_some(argv[2]);
	else if (argc == 3 && strcmp(argv[1], "commit") == 0)
		commit(argv[2]);
	else
		return 2;
	return 0;
}
