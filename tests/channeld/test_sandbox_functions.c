/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rows of a batch say of functions and files: which is called, in one process, with what. */
#include "sandbox_fixture.h"

#include <sys/mman.h>

#include "../../abi/batch.h"
#include "../../channeld/processor_child.h"
#include "../../common/batch.h"
#include "../../common/listener.h"

#define FILE_TEXT "line one of the file"

struct sandbox {
	struct fixture *f;
	struct processor_child child;
	struct batch batch;
	struct listener listener;
	int so, file;
};

/* A sandbox may open no other file. */
static int open_so(const char *name)
{
	char below[64], path[PATH_MAX], buf[4096];
	cleanup(closep) int from = -1;
	int to = memfd_create(name, MFD_CLOEXEC);
	ssize_t n;

	snprintf(below, sizeof(below), "tests/so/%s.so", name);
	fixture_path(below, path);
	from = open(path, O_RDONLY | O_CLOEXEC);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		assert_int_equal(write(to, buf, (size_t)n), n);
	assert_int_equal(n, 0);
	return to;
}

static void start(struct sandbox *s, struct fixture *f, const char *functions, uint32_t room, bool with_file)
{
	cleanup(closep) int theirs = -1;

	*s = (struct sandbox){ .f = f, .child = { .conn = -1 }, .listener = { .sock = -1, .fd = -1 } };
	assert_int_equal(listener_new(&s->listener, &theirs), 0);
	assert_int_equal(batch_init_room(&s->batch, room), 0);
	batch_reset(&s->batch);
	s->so = open_so("several");
	assert_true(s->so >= 0);
	s->file = memfd_create("file", MFD_CLOEXEC);
	assert_int_equal(write(s->file, FILE_TEXT, strlen(FILE_TEXT)), strlen(FILE_TEXT));
	assert_int_equal(child_connect(&s->child, f->worker), 0);

	const int fds[] = { s->batch.fd, s->batch.request, s->batch.done, s->so, theirs, s->file };

	assert_int_equal(child_start(&s->child, functions, 256 << 20, fds, with_file ? 6 : 5), 0);
}

static void end(struct sandbox *s)
{
	child_disconnect(&s->child);
	listener_close(&s->listener);
	batch_fini(&s->batch);
	close(s->so);
	close(s->file);
}

static void on_refused(void *arg, int nr)
{
	(void)arg, (void)nr;
}

/* False: it died. */
static bool await(struct sandbox *s, bool (*done)(const struct batch *))
{
	while (!done(&s->batch)) {
		struct pollfd p[] = { { .fd = s->batch.done, .events = POLLIN },
				      { .fd = listener_poll_fd(&s->listener), .events = POLLIN },
				      { .fd = s->child.conn, .events = POLLIN } };

		assert_true(poll(p, ARRAY_SIZE(p), 20000) > 0);
		if (p[1].revents)
			listener_answer(&s->listener, on_refused, NULL);
		if (p[0].revents)
			batch_take_ring(&s->batch);
		else if (p[2].revents)
			return false;
	}
	return true;
}

static bool is_ready(const struct batch *b)
{
	return __atomic_load_n(&b->area->ready, __ATOMIC_ACQUIRE) != 0;
}

static bool run(struct sandbox *s)
{
	assert_int_equal(batch_submit(&s->batch, 0, s->batch.n), 0);
	return await(s, batch_finished);
}

static void check_row(struct sandbox *s, uint32_t i, const char *function, unsigned calls, size_t len, const char *data)
{
	char expected[256];
	size_t n;

	snprintf(expected, sizeof(expected), "{\"function\":\"%s\",\"calls\":%u,\"len\":%zu,\"data\":\"%s\"}", function,
		 calls, len, data);
	assert_int_equal(batch_result(&s->batch, i, &n), SPOOL_N_DROPS);
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(s->batch.result, expected, n);
}

static void each_row_names_its_function_and_they_share_one_process(void **state)
{
	struct sandbox s;

	start(&s, *state, "second,first", BATCH_OUT_ROOM, false);
	assert_true(await(&s, is_ready));
	assert_int_equal(s.batch.area->ready, 1);
	assert_int_equal(batch_add_call(&s.batch, 1, "a", 1, 0), 0);
	assert_int_equal(batch_add_call(&s.batch, 0, "bc", 2, 0), 0);
	assert_int_equal(batch_add_call(&s.batch, 1, NULL, 0, 0), 0);
	assert_true(run(&s));
	check_row(&s, 0, "first", 0, 1, "a");
	check_row(&s, 1, "second", 1, 2, "bc");
	check_row(&s, 2, "first", 2, 0, "");
	batch_clear(&s.batch);
	assert_int_equal(batch_add_call(&s.batch, 1, "d", 1, 0), 0);
	assert_true(run(&s));
	check_row(&s, 0, "first", 3, 1, "d");
	end(&s);
}

static bool run_file(struct sandbox *s, uint16_t function, uint32_t len)
{
	assert_int_equal(batch_submit_file(&s->batch, function, len), 0);
	return await(s, batch_finished);
}

static void a_call_may_ask_for_the_file_between_others(void **state)
{
	struct sandbox s;

	start(&s, *state, "first,second", BATCH_OUT_ROOM, true);
	assert_true(await(&s, is_ready));
	assert_int_equal(batch_add_call(&s.batch, 0, "a", 1, 0), 0);
	assert_int_equal(batch_add_call(&s.batch, 0, "b", 1, 0), 0);
	assert_int_equal(batch_submit(&s.batch, 0, 1), 0);
	assert_true(await(&s, batch_finished));
	check_row(&s, 0, "first", 0, 1, "a");
	assert_true(run_file(&s, 1, strlen(FILE_TEXT)));
	check_row(&s, 0, "second", 1, strlen(FILE_TEXT), FILE_TEXT);
	assert_true(run_file(&s, 0, 4));
	check_row(&s, 0, "first", 2, 4, "line");
	assert_int_equal(batch_submit(&s.batch, 1, 1), 0);	/* as it was added */
	assert_true(await(&s, batch_finished));
	check_row(&s, 0, "first", 3, 1, "b");
	end(&s);
}

static void the_file_cannot_be_written(void **state)
{
	char text[sizeof(FILE_TEXT)] = "";
	struct sandbox s;

	start(&s, *state, "scribble", BATCH_OUT_ROOM, true);
	assert_true(await(&s, is_ready));
	assert_false(run_file(&s, 0, 4));
	assert_int_equal(child_receive(&s.child), 0);
	assert_int_equal(s.child.signal, SIGSEGV);
	assert_int_equal(pread(s.file, text, sizeof(text), 0), strlen(FILE_TEXT));
	assert_string_equal(text, FILE_TEXT);
	end(&s);
}

static void a_name_that_is_not_there_ends_it(void **state)
{
	static const char *const bad[] = { "first,nonesuch", "nonesuch", "", "," };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct sandbox s;

		start(&s, *state, bad[i], BATCH_OUT_ROOM, false);
		assert_true(await(&s, is_ready));
		assert_int_equal(s.batch.area->ready, 2);
		assert_non_null(strstr(s.batch.area->error, "has no function"));
		end(&s);
	}
}

static void a_number_beyond_the_names_calls_the_first(void **state)
{
	struct sandbox s;

	start(&s, *state, "first,second", BATCH_OUT_ROOM, false);
	assert_true(await(&s, is_ready));
	assert_int_equal(batch_add_call(&s.batch, 2, "a", 1, 0), 0);
	assert_int_equal(batch_add_call(&s.batch, UINT16_MAX - 1, "b", 1, 0), 0);
	assert_true(run(&s));
	check_row(&s, 0, "first", 0, 1, "a");
	check_row(&s, 1, "first", 1, 1, "b");
	end(&s);
}

static void results_have_the_room_that_was_asked_for(void **state)
{
	struct sandbox s;
	int32_t err;
	size_t len;

	start(&s, *state, "much", 1 << 20, false);
	assert_true(await(&s, is_ready));
	assert_int_equal(batch_add_call(&s.batch, 0, "a", 1, 0), 0);
	assert_true(run(&s));
	assert_int_equal(batch_copy(&s.batch, 0, &err, &len), SPOOL_N_DROPS);
	assert_int_equal(len, 20000 * 8);
	assert_memory_equal(s.batch.result, "0000000\n0000001\n", 16);
	assert_int_equal(batch_result(&s.batch, 0, &len), SPOOL_DROP_SO_ERROR);
	end(&s);
	start(&s, *state, "much", BATCH_OUT_ROOM, false);
	assert_true(await(&s, is_ready));
	assert_int_equal(batch_add_call(&s.batch, 0, "a", 1, 0), 0);
	assert_true(run(&s));
	assert_int_equal(batch_copy(&s.batch, 0, &err, &len), SPOOL_DROP_OVERSIZE);
	end(&s);
}

static void what_a_hash_function_leaves_in_its_context_goes_nowhere(void **state)
{
	const struct batch_call call = { .function = 0, .hash = 1 };
	struct sandbox s;
	uint64_t key = 0;

	start(&s, *state, "first,cut", BATCH_OUT_ROOM, false);
	assert_true(await(&s, is_ready));
	assert_int_equal(batch_add(&s.batch, &call, "abc", 3, 0), 0);
	assert_true(run(&s));
	check_row(&s, 0, "first", 0, 3, "abc");
	assert_true(batch_key(&s.batch, 0, &key));
	assert_int_equal(key, 3);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_names_its_function_and_they_share_one_process),
		cmocka_unit_test(a_call_may_ask_for_the_file_between_others),
		cmocka_unit_test(the_file_cannot_be_written),
		cmocka_unit_test(a_name_that_is_not_there_ends_it),
		cmocka_unit_test(a_number_beyond_the_names_calls_the_first),
		cmocka_unit_test(what_a_hash_function_leaves_in_its_context_goes_nowhere),
		cmocka_unit_test(results_have_the_room_that_was_asked_for),
	};

	if (fixture_not_root("test_sandbox_functions"))
		return 0;
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
