/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spool's promise, instruction by instruction: a writer that drains a real ring buffer is killed after
 * instruction k of its commit, for every k; then another goes on. Every event must arrive once, and the counters must
 * say so. The same with the order of stores broken on purpose must show losses, else this test could not find any. */
#include <errno.h>
#include <fcntl.h>

#include "../../channeld/ring.c"	/* the consumer that ships; it is no part of libagent */
#include "../../common/cell.h"
#include "../../common/crc32c.h"
#include "../../common/spool.h"
#include "killtest.h"

#include <bpf/libbpf.h>

/* ---- a real ring ------------------------------------------------------------------------------------------------- */

static struct bpf_object *object;
static int ring_fd, fill_fd;

/* The object lies beside this program: build/tests/{common,bpf}. NULL, or why not. */
static const char *load_filler(void)
{
	char file[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", file, sizeof(file) - 32);

	if (n < 0)
		return "no /proc";
	*strrchr(file, '/') = 0;
	strcpy(strrchr(file, '/'), "/bpf/fill.bpf.o");
	object = bpf_object__open(file);
	if (!object)
		return "no build/tests/bpf/fill.bpf.o";
	if (bpf_object__load(object) < 0)
		return errno == EPERM ? "no right to load BPF programs" : "the kernel refuses fill.bpf.o";
	ring_fd = bpf_object__find_map_fd_by_name(object, "ring");
	fill_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "fill"));
	return NULL;
}

static void submit(unsigned n)
{
	struct { uint64_t first, n; } args = { produced, n };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	assert_int_equal(bpf_prog_test_run_opts(fill_fd, &opts), 0);
	assert_int_equal(opts.retval, 0);
	produced += n;
	assert_true(produced < NUMBERS_MAX);
}

/* ---- a worker ---------------------------------------------------------------------------------------------------- */

enum order {
	AS_IT_SHIPS,
	POSITION_FIRST,		/* the ring's consumer position moves before the commit */
	POSITION_ALONE,		/* goes on from the consumer position, whatever the commit says */
	NUMBER_FIRST,		/* the cell's number is stored before its slot is whole */
};
static enum order order;

static struct spool_writer w;
static struct ring ring;

static int worker_open(void)
{
	bool set_aside;
	int r = spool_writer_open(&w, path, "p", SPOOL_MIN_SIZE, &set_aside);

	if (r < 0)
		return r;
	r = ring_open(&ring, dup(ring_fd), false);
	if (r < 0)
		return r;
	w.next.n_sources = w.next.n_routes = 1;
	w.next.sources[0].id = ring.map_id;
	if (order != POSITION_ALONE)
		ring_resume(&ring, w.next.sources[0].next);
	return 0;
}

static void worker_close(void)
{
	ring_close(&ring);
	spool_writer_close(&w);
}

static void worker_drain(void)
{
	struct spool_route *route = &w.next.routes[0];
	struct spool_source *row = &w.next.sources[0];
	struct record rec;

	while (ring_next(&ring, &rec)) {
		struct spool_rec out = { .kind = SPOOL_KIND_JSON, .source = ring.map_id, .source_pos = rec.pos };
		char *line;

		memcpy(&out.key, rec.data, sizeof(out.key));
		row->drained++;
		row->drained_bytes += rec.len;
		if (is_filtered(out.key)) {
			route->dropped[SPOOL_DROP_FILTERED]++;
			continue;
		}
		line = spool_room(&w, 40);
		if (!line)
			abort();
		spool_add(&w, &out, sprintf(line, "%lu", (unsigned long)out.key));
		route->ok++;
		route->results++;
		route->spooled++;
	}
	row->next = ring.pos;
}

static void commit_number_first(void)
{
	struct spool_commit *c = &w.next;
	uint32_t seq = w.head->commit.seq + 1;
	struct spool_slot *s = (struct spool_slot *)(w.head->commit_slots + (seq & 1) * SPOOL_COMMIT_SLOT);
	char *p = (char *)(s + 1);

	__atomic_store_n(&w.head->commit.seq, seq, __ATOMIC_SEQ_CST);
	s->seq = seq;
	s->len = SPOOL_COMMIT_FIXED + sizeof(c->sources[0]) + sizeof(c->routes[0]);
	p = mempcpy(p, c, SPOOL_COMMIT_FIXED);
	p = mempcpy(p, c->sources, sizeof(c->sources[0]));
	memcpy(p, c->routes, sizeof(c->routes[0]));
	s->crc = crc32c(crc32c(0, s, offsetof(struct spool_slot, crc)), s + 1, s->len);
}

static void worker_publish(void)
{
	switch (order) {
	case POSITION_FIRST:
		ring_release(&ring, ring.pos);
		spool_commit(&w);
		return;
	case NUMBER_FIRST:
		commit_number_first();
		break;
	default:
		spool_commit(&w);
	}
	ring_release(&ring, ring.pos);
}

static void worker_job(void)
{
	if (worker_open() < 0)
		return;
	worker_drain();
	mark();
	worker_publish();
	mark();
}

/* ---- whoever checks a worker ------------------------------------------------------------------------------------- */

static struct spool_reader r;
static struct spool_cursor at;
static int cursor;

static void checker_open(void)
{
	assert_int_equal(spool_reader_open(&r, path, false), 0);
	cursor = spool_cursor_open(&r, "check");
	assert_int_equal(cursor, 0);
	at = (struct spool_cursor){};
}

static void checker_read(void)
{
	struct spool_commit c;

	assert_int_equal(spool_read_commit(&r, &c), 0);
	while (at.pos < c.head) {
		struct spool_rec rec;
		const char *line;

		assert_int_equal(spool_read(&r, at.pos, c.head, &rec, &line), 0);
		assert_true(rec.key < produced);
		assert_int_equal(strtoul(line, NULL, 10), rec.key);
		arrived[rec.key]++;
		at.pos += rec.len;
	}
	spool_cursor_write(&r, cursor, &at);
}

static void expect_exact_counters(void)
{
	const struct spool_route *route;
	struct spool_commit c;

	assert_int_equal(spool_read_commit(&r, &c), 0);
	route = &c.routes[0];
	assert_int_equal(c.sources[0].drained, produced);
	assert_int_equal(c.sources[0].drained_bytes, produced * sizeof(uint64_t));
	assert_int_equal(route->dropped[SPOOL_DROP_FILTERED], n_filtered());
	assert_int_equal(route->ok, produced - n_filtered());
	assert_int_equal(route->spooled, route->ok);
	assert_int_equal(c.records, route->ok);
}

static unsigned torn;		/* kills after which no commit could be read */

/* Where the kill fell. */
enum place { BEFORE_COMMIT, BETWEEN, BEHIND, N_PLACES };

static enum place look_where(uint64_t before)
{
	struct spool_commit c;
	struct ring seen;
	uint64_t consumed;

	if (spool_read_commit(&r, &c) < 0) {
		torn++;
		return BETWEEN;
	}
	assert_int_equal(ring_open(&seen, dup(ring_fd), false), 0);
	consumed = ring_consumed(&seen);
	ring_close(&seen);
	if (c.sources[0].next == before)
		return BEFORE_COMMIT;
	return consumed < c.sources[0].next ? BETWEEN : BEHIND;
}

static void worker_recover(void)
{
	assert_int_equal(worker_open(), 0);
	spool_refresh(&w);
	worker_drain();
	spool_commit(&w);
	ring_release(&ring, ring.pos);
	worker_close();
}

static void kill_workers(enum order how, unsigned places[N_PLACES], uint64_t *ret_lost, uint64_t *ret_twice)
{
	struct spool_commit c;
	bool more = true;
	unsigned k, kills = 0, every = how == AS_IT_SHIPS ? EVERY : EVERY_CONTROL;

	order = how;
	produced = torn = 0;
	memset(arrived, 0, sizeof(arrived));
	worker_recover();
	checker_open();
	for (k = 0; more; k += every, kills++) {
		assert_int_equal(spool_read_commit(&r, &c), 0);
		submit(BATCH);
		more = kill_after(worker_job, k);
		places[look_where(c.sources[0].next)]++;
		worker_recover();
		checker_read();
		if (how != AS_IT_SHIPS)
			continue;
		look_over(ret_lost, ret_twice);
		if (*ret_lost || *ret_twice)
			print_error("killed after instruction %u\n", k);
		assert_int_equal(*ret_lost, 0);
		assert_int_equal(*ret_twice, 0);
		assert_int_equal(torn, 0);
		expect_exact_counters();
	}
	look_over(ret_lost, ret_twice);
	print_message("# kills: %u before the commit, %u between it and the position, %u behind\n",
		      places[BEFORE_COMMIT], places[BETWEEN], places[BEHIND]);
	say(kills, *ret_lost, *ret_twice);
	spool_reader_close(&r);
}

static void a_worker_killed_after_any_instruction_loses_nothing_and_repeats_nothing(void **state)
{
	unsigned places[N_PLACES] = {};
	uint64_t lost, twice;

	kill_workers(AS_IT_SHIPS, places, &lost, &twice);
	for (int i = 0; i < N_PLACES; i++)
		assert_true(places[i] > 0);
	(void)state;
}

static void control_with_the_position_first_events_are_lost(void **state)
{
	unsigned places[N_PLACES] = {};
	uint64_t lost, twice;

	kill_workers(POSITION_FIRST, places, &lost, &twice);
	assert_true(lost > 0);
	(void)state;
}

static void control_with_the_position_alone_events_come_twice(void **state)
{
	unsigned places[N_PLACES] = {};
	uint64_t lost, twice;

	kill_workers(POSITION_ALONE, places, &lost, &twice);
	assert_true(twice > 0);
	(void)state;
}

/* Its next writer finds the commit before all the same, but readers wait for that one. */
static void control_with_the_number_first_commits_are_torn(void **state)
{
	unsigned places[N_PLACES] = {};
	uint64_t lost, twice;

	kill_workers(NUMBER_FIRST, places, &lost, &twice);
	print_message("# %u commits could not be read\n", torn);
	assert_true(torn > 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kill_test(a_worker_killed_after_any_instruction_loses_nothing_and_repeats_nothing),
		kill_test(control_with_the_position_first_events_are_lost),
		kill_test(control_with_the_position_alone_events_come_twice),
		kill_test(control_with_the_number_first_commits_are_torn),
	};
	const char *cause = load_filler();
	int failed;

	if (!cause && !spooldir_make())
		cause = "/dev/shm is no tmpfs";
	if (cause) {
		printf("1..0 # SKIP %s\n", cause);
		return strncmp(cause, "no build", 8) == 0;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	spooldir_remove();
	bpf_object__close(object);
	return failed;
}
