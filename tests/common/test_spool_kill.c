/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The spool's promise, instruction by instruction: a writer that drains a real ring buffer is killed after
 * instruction k of its commit, for every k, and a sink after instruction k of its delivery; then another goes on.
 * Every event must arrive once, and the counters must say so. The same with the order of stores broken on purpose must
 * show losses, else this test could not find any. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "../../channeld/ring.c"	/* the consumer that ships; it is no part of libagent */
#include "../../common/cell.h"
#include "../../common/crc32c.h"
#include "../../common/spool.h"
#include "spooldir.h"

#include <bpf/libbpf.h>

#define BATCH 3
#define NUMBERS_MAX 200000
#define STEPS_MAX 20000	/* a commit is some hundred instructions; more is a loop of this test's own */

/* Stepping to every k costs k steps of some 20 µs. The sanitizers' own instructions are four times as many, and no
 * part of what ships. A control need only show that losses are found. */
#ifdef AGENT_SAN
#define EVERY 4
#define EVERY_CONTROL 12
#else
#define EVERY 1
#define EVERY_CONTROL 4
#endif

static char path[PATH_MAX], out_path[PATH_MAX];
static struct bpf_object *object;
static int ring_fd, fill_fd;

/* ---- a process that is stepped and killed ------------------------------------------------------------------------ */

/* Stops here, with as few instructions of its own as can be. */
static void mark(void)
{
	syscall(SYS_kill, syscall(SYS_getpid), SIGSTOP);
}

/* A child that runs @job up to its first mark(). */
static pid_t start(void (*job)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			job();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL), 0);
	return pid;
}

/* One instruction. False: it is at its second mark(). */
static bool step(pid_t pid)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_true(WSTOPSIG(status) == SIGTRAP || WSTOPSIG(status) == SIGSTOP);
	return WSTOPSIG(status) == SIGTRAP;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Runs @job, kills it after @k instructions. False: it was through before. */
static bool kill_after(void (*job)(void), unsigned k)
{
	pid_t pid = start(job);
	bool more = true;

	assert_true(k < STEPS_MAX);
	for (unsigned i = 0; more && i < k; i++)
		more = step(pid);
	end(pid);
	return more;
}

/* ---- what arrived ------------------------------------------------------------------------------------------------ */

static uint64_t produced;		/* numbers below it were submitted */
static uint8_t arrived[NUMBERS_MAX];	/* how often each */

/* Leaves no record, and is counted all the same: positions in records alone would not do. */
static bool is_filtered(uint64_t number)
{
	return number % 4 == 3;
}

static uint64_t n_filtered(void)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < produced; i++)
		n += is_filtered(i);
	return n;
}

static void look_over(uint64_t *ret_lost, uint64_t *ret_twice)
{
	*ret_lost = *ret_twice = 0;
	for (uint64_t i = 0; i < produced; i++) {
		unsigned want = !is_filtered(i);

		*ret_lost += arrived[i] < want;
		*ret_twice += arrived[i] > want;
	}
}

static void say(unsigned kills, uint64_t lost, uint64_t twice)
{
	print_message("# %u kills, %lu events: %lu lost, %lu twice\n", kills, (unsigned long)produced,
		      (unsigned long)lost, (unsigned long)twice);
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
	w.next.n_rings = w.next.n_routes = 1;
	w.next.rings[0].map_id = ring.map_id;
	if (order != POSITION_ALONE)
		ring_resume(&ring, w.next.rings[0].next);
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
	struct spool_ring *row = &w.next.rings[0];
	struct ring_record rec;

	while (ring_next(&ring, &rec)) {
		struct spool_rec out = { .kind = SPOOL_KIND_JSON, .ring = ring.map_id, .ring_pos = rec.pos };
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
	s->len = SPOOL_COMMIT_FIXED + sizeof(c->rings[0]) + sizeof(c->routes[0]);
	p = mempcpy(p, c, SPOOL_COMMIT_FIXED);
	p = mempcpy(p, c->rings, sizeof(c->rings[0]));
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

	if (!spool_reader_current(&r, path)) {	/* set aside: what was in it is not looked for, nobody would */
		spool_reader_close(&r);
		checker_open();
	}
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
	assert_int_equal(c.rings[0].drained, produced);
	assert_int_equal(c.rings[0].drained_bytes, produced * sizeof(uint64_t));
	assert_int_equal(route->dropped[SPOOL_DROP_FILTERED], n_filtered());
	assert_int_equal(route->ok, produced - n_filtered());
	assert_int_equal(route->spooled, route->ok);
	assert_int_equal(c.records, route->ok);
}

/* Where the kill fell. */
enum place { BEFORE_COMMIT, BETWEEN, BEHIND, N_PLACES };

static enum place look_where(uint64_t before)
{
	struct spool_commit c;
	struct ring seen;
	uint64_t consumed;

	if (spool_read_commit(&r, &c) < 0)
		return BETWEEN;
	assert_int_equal(ring_open(&seen, dup(ring_fd), false), 0);
	consumed = ring_consumed(&seen);
	ring_close(&seen);
	if (c.rings[0].next == before)
		return BEFORE_COMMIT;
	return consumed < c.rings[0].next ? BETWEEN : BEHIND;
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

static uint64_t last_drained;

static void kill_workers(enum order how, unsigned places[N_PLACES], uint64_t *ret_lost, uint64_t *ret_twice)
{
	struct spool_commit c;
	bool more = true;
	unsigned k, kills = 0, every = how == AS_IT_SHIPS ? EVERY : EVERY_CONTROL;

	order = how;
	produced = 0;
	memset(arrived, 0, sizeof(arrived));
	worker_recover();
	checker_open();
	for (k = 0; more; k += every, kills++) {
		assert_int_equal(spool_read_commit(&r, &c), 0);
		submit(BATCH);
		more = kill_after(worker_job, k);
		places[look_where(c.rings[0].next)]++;
		worker_recover();
		checker_read();
		if (how != AS_IT_SHIPS)
			continue;
		look_over(ret_lost, ret_twice);
		if (*ret_lost || *ret_twice)
			print_error("killed after instruction %u\n", k);
		assert_int_equal(*ret_lost, 0);
		assert_int_equal(*ret_twice, 0);
		expect_exact_counters();
	}
	assert_int_equal(spool_read_commit(&r, &c), 0);
	last_drained = c.rings[0].drained;
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

static void control_with_the_number_first_torn_commits_take_the_counters_along(void **state)
{
	unsigned places[N_PLACES] = {};
	uint64_t lost, twice;

	kill_workers(NUMBER_FIRST, places, &lost, &twice);
	assert_int_equal(access(spooldir_path("p.spool.bad"), F_OK), 0);
	assert_true(last_drained < produced);
	(void)state;
}

/* ---- a sink ------------------------------------------------------------------------------------------------------ */

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
	out_fd = open(out_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
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
		last.ring_pos = 0;
	for (lines_len = 0; at.pos < c.head; at.pos += rec.len) {
		char id[SPOOL_ID_MAX];

		if (spool_read(&r, at.pos, c.head, &rec, &line) < 0)
			return -1;
		at.acked++;
		/* One ring, in order: what is not behind the last line's was written before the kill. */
		if (rec.ring_pos <= last.ring_pos)
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
	FILE *f = fopen(out_path, "r");
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
			.kind = SPOOL_KIND_JSON, .ring = 1, .ring_pos = (produced + 1) * 16, .key = produced,
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

/* ---- set-up ------------------------------------------------------------------------------------------------------ */

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

static int fresh(void **state)
{
	spooldir_clear();
	strcpy(path, spooldir_path("p.spool"));
	strcpy(out_path, spooldir_path("out"));
	order = AS_IT_SHIPS;
	alarm(120);	/* a child that hangs takes this test with it, and that takes the child */
	(void)state;
	return 0;
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_worker_killed_after_any_instruction_loses_nothing_and_repeats_nothing),
		T(control_with_the_position_first_events_are_lost),
		T(control_with_the_position_alone_events_come_twice),
		T(control_with_the_number_first_torn_commits_take_the_counters_along),
		T(a_sink_killed_after_any_instruction_loses_nothing_and_repeats_nothing),
		T(control_with_the_cursor_first_lines_are_lost),
		T(control_without_a_look_back_lines_come_twice),
		T(a_cursor_is_there_whole_or_not_at_all),
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
