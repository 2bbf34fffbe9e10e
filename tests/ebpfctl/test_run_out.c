/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "ebpfctl/run_out.h"

/* stdout of the thing under test: a pipe whose other end we hold. */
struct fixture {
	struct out *o;
	int read_fd;
	char got[1 << 16];
	size_t n;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int p[2];

	f->o = calloc(1, sizeof(*f->o));
	assert_int_equal(out_init(f->o, true, false), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	close(f->o->fd);
	f->o->fd = p[1];
	f->o->is_file = f->o->is_socket = false;
	f->read_fd = p[0];
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	out_fini(f->o);
	if (f->read_fd >= 0)
		close(f->read_fd);
	free(f->o);
	free(f);
	return 0;
}

/* An event of @program at (ring, pos, event, result). */
static void put(int fd, const char *program, const char *id)
{
	dprintf(fd, "{\"ts\":\"T\",\"host\":\"h\",\"program\":\"%s\",\"channel\":\"c\",\"event\":\"e\",\"id\":\"%s\","
		"\"tags\":{},\"data\":{}}\n", program, id);
}

static void look(struct fixture *f)
{
	ssize_t n;

	for (int i = 0; i < 4; i++) {
		out_look(f->o);
		n = read(f->read_fd, f->got + f->n, sizeof(f->got) - 1 - f->n);
		f->n += n > 0 ? (size_t)n : 0;
	}
	f->got[f->n] = '\0';
}

/* The ids that came out, with a space behind each. */
static void expect_ids(struct fixture *f, const char *ids)
{
	char text[4096] = "";

	look(f);
	for (char *p = f->got; (p = strstr(p, "\"id\":\"")); p++) {
		char *id = p + 6;

		strncat(text, id, strcspn(id, "\""));
		strcat(text, " ");
	}
	assert_string_equal(text, ids);
}

static void a_new_sinkd_repeats_and_nothing_comes_twice(void **state)
{
	struct fixture *f = *state;
	int a = out_pipe(f->o), b;

	put(a, "p", "b-1-0-0-0");
	put(a, "p", "b-1-18-0-0");
	b = out_pipe(f->o);
	put(b, "p", "b-1-18-0-0");
	put(b, "p", "b-1-20-0-0");
	put(a, "p", "b-1-19-0-0");	/* the old one's last words: read before the new one's */
	close(a);
	close(b);
	expect_ids(f, "b-1-0-0-0 b-1-18-0-0 b-1-19-0-0 b-1-20-0-0 ");
	assert_true(out_finished(f->o));
}

static void half_a_line_of_a_dead_sinkd_is_dropped(void **state)
{
	struct fixture *f = *state;
	int a = out_pipe(f->o), b;

	put(a, "p", "b-1-0-0-0");
	dprintf(a, "{\"ts\":\"T\",\"host\":\"h\",\"program\":\"p\",\"cha");
	close(a);
	b = out_pipe(f->o);
	put(b, "p", "b-1-8-0-0");
	close(b);
	expect_ids(f, "b-1-0-0-0 b-1-8-0-0 ");
	assert_null(strstr(f->got, "\"cha{"));
}

static void streams_are_told_apart_by_program_ring_and_event(void **state)
{
	struct fixture *f = *state;
	int a = out_pipe(f->o);

	put(a, "p", "b-1-10-0-0");
	put(a, "p", "b-1-8-1-0");	/* another processor takes its batch later */
	put(a, "p", "b-2-0-0-0");
	put(a, "q", "b-1-0-0-0");
	put(a, "p", "b-1-10-0-1");	/* a second result of the same event */
	put(a, "p", "b-1-10-0-0");	/* seen */
	put(a, "p", "b-1-10-0-1");	/* seen */
	close(a);
	expect_ids(f, "b-1-10-0-0 b-1-8-1-0 b-2-0-0-0 b-1-0-0-0 b-1-10-0-1 ");
}

static void a_reader_that_takes_nothing_is_waited_for(void **state)
{
	struct fixture *f = *state;
	int a = out_pipe(f->o);
	char id[64];
	size_t sent = 0, seen = 0;

	/* Until both pipes and the buffer are full. */
	fcntl(a, F_SETFL, O_NONBLOCK);
	for (int idle = 0; idle < 3; ) {
		char line[512];
		int n;

		snprintf(id, sizeof(id), "b-1-%zx-0-0", sent);
		n = snprintf(line, sizeof(line), "{\"ts\":\"T\",\"program\":\"p\",\"event\":\"e\",\"id\":\"%s\","
			     "\"data\":{\"x\":\"%0200d\"}}\n", id, 0);
		if (write(a, line, (size_t)n) == n) {
			sent++;
			idle = 0;
		} else {
			out_look(f->o);
			idle++;
		}
	}
	assert_true(f->o->text.len - f->o->done >= OUT_MAX);
	assert_true(f->o->text.len - f->o->done < OUT_MAX + 2 * LINES_MAX);
	close(a);
	do {		/* once more when it is finished: the last of it is in the pipe */
		f->n = 0;
		look(f);
		for (char *p = f->got; (p = strchr(p, '\n')); p++)
			seen++;
	} while (f->n || !out_finished(f->o));
	assert_int_equal(seen, sent);
}

static void a_reader_that_leaves_is_noticed_without_an_event(void **state)
{
	struct fixture *f = *state;

	out_look(f->o);
	assert_false(f->o->closed);
	close(f->read_fd);
	f->read_fd = -1;
	out_look(f->o);
	assert_true(f->o->closed);
	assert_int_equal(f->o->error, 0);
}

static void a_line_too_long_is_dropped_alone(void **state)
{
	struct fixture *f = *state;
	int a = out_pipe(f->o);
	char *big = calloc(1, LINES_MAX + 1000);

	memset(big, 'x', LINES_MAX + 999);
	put(a, "p", "b-1-0-0-0");
	dprintf(a, "%s\n", big);
	put(a, "p", "b-1-8-0-0");
	close(a);
	expect_ids(f, "b-1-0-0-0 b-1-8-0-0 ");
	assert_int_equal(f->o->lines.too_long, 1);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_sinkd_repeats_and_nothing_comes_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_a_line_of_a_dead_sinkd_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(streams_are_told_apart_by_program_ring_and_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_that_takes_nothing_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_that_leaves_is_noticed_without_an_event, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_line_too_long_is_dropped_alone, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
