/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The staging ring's promise, instruction by instruction: who reads a FIFO into it is killed after instruction k of
 * reading, committing and making NUL again, for every k; then another goes on. Every byte must come once. With the
 * order broken on purpose bytes must get lost or come twice, else this test could not find any.
 *
 * For the commit stands one store here; that of a spool is looked at in test_spool_kill_worker.c. */
#include "../../common/staging.c"	/* its head is nobody else's affair */

#include "killtest.h"

#define BYTES_MAX (8u << 20)
#define CHUNK 23			/* bytes that come before each kill: lines end anywhere in it */
#define BEGIN (3ULL * STAGING_SIZE - 3000)	/* the first bytes go round the ring's end */

static int fifo[2];
static size_t expected;			/* bytes written that are no NUL */
static char stream[BYTES_MAX];		/* they */

/* What a spool holds and a commit says: @commit is how many of the bytes count << 32 | position in the ring. */
struct book {
	uint64_t commit;
	char bytes[BYTES_MAX];
};
static struct book *book;

/* Byte @i of all that is written: text of a line feed here and there, and now and then a NUL. */
static char byte(size_t i)
{
	if (i % 41 == 40)
		return '\0';
	return i % 19 == 18 ? '\n' : (char)('a' + i % 26);
}

static size_t written;

static void submit(size_t n)
{
	char bytes[4096];

	while (n) {
		size_t part = MIN(n, sizeof(bytes));

		for (size_t i = 0; i < part; i++) {
			bytes[i] = byte(written++);
			if (bytes[i])
				stream[expected++] = bytes[i];
		}
		assert_true(expected < BYTES_MAX - 4096);
		assert_int_equal(write(fifo[1], bytes, part), part);
		n -= part;
	}
}

/* ---- a worker ---------------------------------------------------------------------------------------------------- */

enum order {
	AS_IT_SHIPS,
	RELEASE_FIRST,		/* places are given back before the commit */
	CLEAN_FIRST,		/* they are given back before they are NUL */
};
static enum order order;
static struct staging ring;

static int worker_open(void)
{
	uint64_t next = __atomic_load_n(&book->commit, __ATOMIC_RELAXED) & UINT32_MAX;

	return staging_open(&ring, path, 7, &next);
}

static void release(uint64_t next)
{
	uint64_t clean = ring.head->clean;

	if (order != CLEAN_FIRST) {
		staging_release(&ring, next);
		return;
	}
	__atomic_store_n(&ring.head->clean, next, __ATOMIC_SEQ_CST);
	memset(ring.data + staging_place(clean), 0, (size_t)(next - clean));
	ring.next = next;
	ring.tail = MAX(ring.tail, next);
}

/* Takes all bytes up to the last line feed, as pipe_gather() would; true: there were some. */
static bool worker_cycle(void)
{
	size_t got = staging_read(&ring, fifo[0], SIZE_MAX);
	uint64_t commit = book->commit, next = ring.next;
	size_t n = (size_t)(commit >> 32);
	const char *from = ring.data + staging_place(next), *feed;

	feed = memrchr(from, '\n', (size_t)(ring.tail - next));
	if (!feed)
		return got;
	for (const char *p = from; p <= feed && n < BYTES_MAX; p++)
		if (*p)
			book->bytes[n++] = *p;
	next += (size_t)(feed + 1 - from);
	if (order == RELEASE_FIRST)
		staging_release(&ring, next);
	__atomic_store_n(&book->commit, (uint64_t)n << 32 | next, __ATOMIC_SEQ_CST);
	if (order != RELEASE_FIRST)
		release(next);
	return true;
}

static void job_cycle(void)
{
	if (worker_open() < 0)
		return;
	mark();
	worker_cycle();
	mark();
}

static void job_open(void)
{
	mark();
	if (worker_open() < 0)
		abort();
	mark();
}

static void worker_recover(void)
{
	assert_int_equal(worker_open(), 0);
	while (worker_cycle())
		;
	staging_close(&ring);
}

/* ---- whoever checks a worker ------------------------------------------------------------------------------------- */

/* All that was written, up to the last line feed, once and in its order. */
static bool is_exact(void)
{
	size_t n = (size_t)(book->commit >> 32), lines_end = expected;

	while (lines_end && stream[lines_end - 1] != '\n')
		lines_end--;
	return n == lines_end && memcmp(book->bytes, stream, n) == 0;
}

static void begin(enum order how)
{
	char rest[4096];

	order = how;
	written = expected = 0;
	unlink(path);
	while (read(fifo[0], rest, sizeof(rest)) > 0)
		;
	book->commit = BEGIN % STAGING_SIZE;
	worker_recover();
}

/* How often something was lost or came twice. */
static unsigned kill_workers(enum order how)
{
	unsigned kills = 0, bad = 0, every = how == AS_IT_SHIPS ? EVERY : EVERY_CONTROL;
	bool more = true;

	begin(how);
	for (unsigned k = 0; more; k += every, kills++) {
		submit(CHUNK);
		more = kill_after(job_cycle, k);
		submit(CHUNK);		/* while nobody reads */
		worker_recover();
		if (is_exact())
			continue;
		bad++;
		if (how == AS_IT_SHIPS)
			fail_msg("killed after instruction %u: %lu of %lu bytes, or others", k,
				 (unsigned long)(book->commit >> 32), (unsigned long)expected);
		begin(how);
	}
	print_message("# %u kills, %lu bytes: %u times not each byte once\n", kills, (unsigned long)expected, bad);
	return bad;
}

static void a_reader_killed_after_any_instruction_loses_no_byte_and_repeats_none(void **state)
{
	(void)state;
	assert_int_equal(kill_workers(AS_IT_SHIPS), 0);
}

/* One that was killed behind its commit left what the next one makes NUL when it opens; the ring is full meanwhile. */
static void one_killed_while_it_takes_over_loses_no_byte_and_repeats_none(void **state)
{
	unsigned kills = 0;
	bool more = true;

	(void)state;
	begin(AS_IT_SHIPS);
	for (unsigned k = 0; more; k += EVERY, kills++) {
		uint64_t commit, next;

		submit(100);
		assert_int_equal(worker_open(), 0);
		staging_read(&ring, fifo[0], SIZE_MAX);
		next = ring.next + 60;
		commit = book->commit;
		for (uint64_t pos = ring.next; pos < next; pos++)
			if (ring.data[staging_place(pos)])
				book->bytes[commit >> 32] = ring.data[staging_place(pos)], commit += 1ULL << 32;
		book->commit = commit >> 32 << 32 | next;
		submit(STAGING_SIZE);	/* more than what is free */
		staging_read(&ring, fifo[0], SIZE_MAX);
		assert_int_equal(ring.tail, ring.next + STAGING_SIZE);
		staging_close(&ring);
		more = kill_after(job_open, k);
		worker_recover();
		if (!is_exact())
			fail_msg("killed after instruction %u", k);
		if (expected > BYTES_MAX - 2 * STAGING_SIZE)
			begin(AS_IT_SHIPS);
	}
	print_message("# %u kills\n", kills);
	assert_true(kills > 100 / EVERY);
}

static void control_given_back_before_the_commit_bytes_are_lost(void **state)
{
	(void)state;
	assert_true(kill_workers(RELEASE_FIRST) > 0);
}

static void control_given_back_before_they_are_nul_bytes_come_twice(void **state)
{
	(void)state;
	assert_true(kill_workers(CLEAN_FIRST) > 0);
}

static int make_all(void **state)
{
	(void)state;
	book = mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (book == MAP_FAILED || pipe2(fifo, O_NONBLOCK) < 0)
		return -1;
	return fcntl(fifo[1], F_SETPIPE_SZ, 2 * STAGING_SIZE) < 0 ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kill_test(a_reader_killed_after_any_instruction_loses_no_byte_and_repeats_none),
		kill_test(one_killed_while_it_takes_over_loses_no_byte_and_repeats_none),
		kill_test(control_given_back_before_the_commit_bytes_are_lost),
		kill_test(control_given_back_before_they_are_nul_bytes_come_twice),
	};

	return spooldir_run(tests, make_all);
}
