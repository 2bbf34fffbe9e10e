/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dead-letter file: each letter once, whatever the worker dies of, within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "abi/names.h"
#include "channeld/letters.h"
#include "common/json.h"
#include "common/paths.h"

#define BOOT 0xb007u
#define SOURCE 0x77u

static char folder[64], path[PATH_MAX], older[PATH_MAX + 2];
static struct processor_area area;
static struct letters l;
static struct spool_commit commit;

static int reopen(void)
{
	letters_close(&l);
	return letters_open(&l, "p", &area, BOOT, &commit);
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/letters-test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	setenv(AGENT_ENV_STATE, folder, 1);
	assert_int_equal(path_dead_letter("p", path), 0);
	snprintf(older, sizeof(older), "%s.1", path);
	*strrchr(path, '/') = '\0';
	assert_int_equal(mkdir(path, 0755), 0);
	path[strlen(path)] = '/';
	memset(&area, 0, sizeof(area));
	area.limits = processor_default_limits;
	commit = (struct spool_commit){ .n_sources = 2, .sources = { { .id = 1, .next = 1 << 20 }, { .id = SOURCE } } };
	assert_int_equal(reopen(), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	letters_close(&l);
	unlink(path);
	unlink(older);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static void write_one(uint64_t pos, const char *data, size_t len)
{
	static const char how[] = "killed by signal 11 (SIGSEGV)";
	struct letter m = {
		.id = { .pos = pos, .source = SOURCE, .event = 2, .drop = SPOOL_DROP_SO_CRASH },
		.wall_ns = 1764374400123456789ULL, .program = "p", .channel = "c", .event = "e\"\x01",
		.processor = "so", .row = 3, .how = how, .how_len = sizeof(how) - 1, .data = data, .len = len,
	};

	letters_write(&l, &m);
}

/* Of a file whose every line is JSON. */
static size_t count(const char *name)
{
	FILE *f = fopen(name, "r");
	char *line = NULL;
	size_t room = 0, n = 0;
	ssize_t len;

	assert_non_null(f);
	while ((len = getline(&line, &room, f)) > 0) {
		assert_int_equal(line[len - 1], '\n');
		assert_int_equal(json_check(line, (size_t)len - 1), 0);
		n++;
	}
	free(line);
	fclose(f);
	return n;
}

static void a_letter_says_all_there_is(void **state)
{
	static const char wanted[] =
		"{\"ts\":\"2025-11-29T00:00:00.123456789Z\",\"id\":\"b007-77-1f-2-0\",\"program\":\"p\","
		"\"channel\":\"c\",\"event\":\"e\\\"\\u0001\",\"processor\":\"so\",\"reason\":\"so_crash\","
		"\"how\":\"killed by signal 11 (SIGSEGV)\",\"length\":3,\"bytes\":\"00ff61\"}\n";
	char got[512] = "";
	struct stat st;
	int fd;

	(void)state;
	write_one(0x1f, "\0\xff" "a", 3);
	fd = open(path, O_RDONLY);
	assert_true(read(fd, got, sizeof(got) - 1) > 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0640, 0);
	close(fd);
	assert_string_equal(got, wanted);
	assert_int_equal(area.rows[3].letters, 1);
}

static void what_was_written_and_not_committed_is_known_to_the_next_worker(void **state)
{
	struct letter_id id = { .source = SOURCE, .event = 2 };

	(void)state;
	for (uint64_t pos = 0; pos < 100; pos++)
		write_one(pos, "x", 1);
	commit.sources[1].next = 90;
	assert_int_equal(reopen(), 0);
	assert_int_equal(l.n_known, 10);
	for (id.pos = 0; id.pos < 101; id.pos++)
		assert_int_equal(letters_find(&l, &id), id.pos >= 90 && id.pos < 100 ? SPOOL_DROP_SO_CRASH :
				 SPOOL_N_DROPS);
	for (uint64_t pos = 90; pos < 101; pos++)
		write_one(pos, "x", 1);
	assert_int_equal(count(path), 101);
	id.pos = 95;
	id.event = 1;
	assert_int_equal(letters_find(&l, &id), SPOOL_N_DROPS);
	commit.sources[1].next = 95 | SPOOL_SOURCE_WITHIN;
	assert_int_equal(reopen(), 0);
	assert_int_equal(l.n_known, 6);
	commit.n_sources = 1;			/* those of another load */
	assert_int_equal(reopen(), 0);
	assert_int_equal(l.n_known, 0);
}

static void those_in_the_older_file_are_known_too_and_another_boots_are_not(void **state)
{
	(void)state;
	write_one(1, "x", 1);
	assert_int_equal(rename(path, older), 0);
	assert_int_equal(reopen(), 0);
	write_one(1, "x", 1);
	write_one(2, "x", 1);
	assert_int_equal(count(path), 1);
	letters_close(&l);
	assert_int_equal(letters_open(&l, "p", &area, BOOT + 1, &commit), 0);
	assert_int_equal(l.n_known, 0);
}

/* Killed within a write: every length of what of it got there. */
static void a_torn_line_is_no_letter(void **state)
{
	off_t whole, end;
	struct stat st;

	(void)state;
	write_one(1, "x", 1);
	assert_int_equal(stat(path, &st), 0);
	whole = st.st_size;
	write_one(2, "x", 1);
	assert_int_equal(stat(path, &st), 0);
	end = st.st_size;
	for (off_t cut = end - 1; cut >= whole; cut--) {
		assert_int_equal(truncate(path, cut), 0);
		assert_int_equal(reopen(), 0);
		assert_int_equal(l.n_known, 1);
		write_one(2, "x", 1);
		assert_int_equal(count(path), 2);
	}
}

static void what_finds_no_room_is_counted_and_costs_no_later_one(void **state)
{
	struct rlimit before, limit;
	struct stat st;
	char big[3000];

	(void)state;
	memset(big, 'x', sizeof(big));
	signal(SIGXFSZ, SIG_IGN);
	write_one(1, "x", 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ (rlim_t)st.st_size + 1000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	write_one(2, big, sizeof(big));		/* a part of it gets there */
	write_one(3, big, sizeof(big));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(area.letters_lost, 2);
	write_one(4, "x", 1);			/* shorter than what lies there */
	write_one(5, big, sizeof(big));
	assert_int_equal(count(path), 3);
	assert_int_equal(area.letters_lost, 2);
	assert_int_equal(area.rows[3].letters, 3);
}

static void a_file_that_nobody_exchanges_ends_at_twice_its_size(void **state)
{
	static char big[100000];
	struct stat st;

	(void)state;
	area.limits.letters_size = 1 << 20;
	for (uint64_t pos = 0; pos < 20; pos++)
		write_one(pos, big, sizeof(big));
	assert_int_equal(area.letters_lost, 10);
	assert_int_equal(count(path), 10);
	/* And goes on in the next. */
	assert_int_equal(rename(path, older), 0);
	letters_exchange(&l, open(path, O_RDWR | O_CREAT, 0640));
	write_one(20, big, sizeof(big));
	assert_int_equal(count(path), 1);
	assert_int_equal(stat(older, &st), 0);
	assert_true(st.st_size <= 2 << 20);
}

/* The full file of an earlier load is exchanged all the same. */
static void who_keeps_no_letters_takes_no_file(void **state)
{
	struct letters none = {};
	int fd = open(path, O_RDWR);

	(void)state;
	assert_true(fd >= 0);
	letters_exchange(&none, fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_not_equal(fcntl(0, F_GETFD), -1);
}

static void without_a_file_letters_are_lost_and_counted(void **state)
{
	(void)state;
	letters_close(&l);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(reopen(), -ELOOP);
	write_one(1, "x", 1);
	assert_int_equal(area.letters_lost, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_letter_says_all_there_is),
		T(what_was_written_and_not_committed_is_known_to_the_next_worker),
		T(those_in_the_older_file_are_known_too_and_another_boots_are_not),
		T(a_torn_line_is_no_letter),
		T(what_finds_no_room_is_counted_and_costs_no_later_one),
		T(a_file_that_nobody_exchanges_ends_at_twice_its_size),
		T(who_keeps_no_letters_takes_no_file),
		T(without_a_file_letters_are_lost_and_counted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("channeld/letters", tests, NULL, NULL);
}
