/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes over the socket on which per-CPU buffers are handed: whole, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <uv.h>

#include "../../common/buffers_link.h"
#include "../../common/spawn.h"

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A buffer of this very process: that may be opened wherever perf events may. */
static int perf_event(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW, .read_format = PERF_FORMAT_ID, .exclude_kernel = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static int need_perf_event(void)
{
	int fd = perf_event();

	if (fd < 0) {
		print_message("perf events cannot be opened here: %s\n", strerror(errno));
		skip();
	}
	return fd;
}

static struct buffers *make(size_t n)
{
	struct buffers *b = buffers_new("p", 7);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(buffers_add(b, 0, (uint16_t)i, 1, i ? perf_event() : need_perf_event(),
					     PROT_READ | PROT_WRITE), 0);
	return b;
}

static void a_descriptor_of_another_kind_is_refused_and_closed(void **state)
{
	struct buffers *b = buffers_new("p", 1);
	size_t before = open_files();
	int pair[2];

	(void)state;
	assert_int_equal(buffers_add(b, 0, 0, 1, memfd_create("x", 0), PROT_READ), -EBADF);
	assert_int_equal(buffers_add(b, 0, BUFFER_IS_ARRAY, 0, memfd_create("x", 0), 0), -EBADF);
	assert_int_equal(pipe2(pair, 0), 0);	/* a read would block for ever */
	assert_int_equal(buffers_add(b, 0, 0, 1, pair[0], PROT_READ), -EBADF);
	close(pair[1]);
	assert_int_equal(b->n, 0);
	assert_int_equal(open_files(), before);
	buffers_free(b);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	static const uint32_t pages[] = { 0, 3, 1u << 20, UINT32_MAX };
	struct buffers *b = buffers_new("p", 1);

	(void)state;
	close(need_perf_event());
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		assert_true(buffers_add(b, 0, 0, pages[i], perf_event(), PROT_READ | PROT_WRITE) < 0);
	assert_int_equal(b->n, 0);
	buffers_free(b);
}

static void messages_that_are_not_whole_are_refused(void **state)
{
	static const struct buffers_message bad[] = {
		{ .type = 0 }, { .type = 99 }, { .type = BUFFERS_SOME, .n = 2, .program = "p" },
		{ .type = BUFFERS_SOME, .n = UINT32_MAX, .program = "p" }, { .type = BUFFERS_ALL, .program = "p" },
		{ .type = BUFFERS_OFFERED },
	};
	struct buffers_message endless = { .type = BUFFERS_SOME, .n = 1 };
	size_t before = open_files();

	(void)state;
	memset(endless.program, 'x', sizeof(endless.program));
	for (size_t i = 0; i <= ARRAY_SIZE(bad); i++) {
		struct buffers *b = NULL;
		int fd = memfd_create("x", 0);

		assert_int_equal(buffers_message_take(&b, i < ARRAY_SIZE(bad) ? &bad[i] : &endless, &fd, 1, 0),
				 -EBADMSG);
		assert_null(b);
	}
	assert_int_equal(open_files(), before);
}

static void another_program_in_between_is_refused(void **state)
{
	struct buffers_message m = { .type = BUFFERS_SOME, .n = 1, .generation = 7, .program = "p" };
	struct buffers *b = NULL;
	int fd = need_perf_event();

	(void)state;
	m.rows[0].pages = 1;
	assert_int_equal(buffers_message_take(&b, &m, &fd, 1, 0), 0);
	m.generation = 8;
	fd = perf_event();
	assert_int_equal(buffers_message_take(&b, &m, &fd, 1, 0), -EBADMSG);
	m = (struct buffers_message){ .type = BUFFERS_ALL, .n = 2, .generation = 7, .program = "p" };
	assert_int_equal(buffers_message_take(&b, &m, NULL, 0, 0), -EBADMSG);
	m.n = 1;
	assert_int_equal(buffers_message_take(&b, &m, NULL, 0, 0), 1);
	buffers_free(b);
}

static void there_is_a_most(void **state)
{
	struct buffers *b = make(1);
	int err = 0;

	(void)state;
	while (!err && b->n <= BUFFERS_MAX)
		err = buffers_add(b, 0, (uint16_t)b->n, 1, perf_event(), 0);
	assert_int_equal(b->n, BUFFERS_MAX);
	assert_int_equal(err, -E2BIG);
	buffers_free(b);
}

static void what_is_sent_arrives_whole(void **state)
{
	struct buffers *b = make(19), *got = NULL;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(buffers_send(pair[0], b), 0);
	assert_int_equal(buffers_receive(pair[1], &got), 0);
	assert_string_equal(got->program, "p");
	assert_int_equal(got->generation, 7);
	assert_int_equal(got->n, 19);
	for (size_t i = 0; i < got->n; i++) {
		assert_int_equal(got->rows[i].id, b->rows[i].id);
		assert_int_equal(got->rows[i].cpu, i);
		assert_null(got->rows[i].page);
	}
	buffers_free(got);
	assert_int_equal(buffers_send(pair[0], b), 0);	/* cut */
	close(pair[0]);
	char byte[sizeof(struct buffers_message)];

	assert_true(recv(pair[1], byte, sizeof(byte), 0) > 0);
	assert_true(buffers_receive(pair[1], &got) < 0);
	close(pair[1]);
	buffers_free(b);
}

/* ---- a connection ------------------------------------------------------------------------------------------------ */

struct end {
	struct buffers_link *link;
	struct buffers *got;
	int n_got, n_offered, n_closed;
};

static void on_received(void *arg, struct buffers *b)
{
	struct end *e = arg;

	buffers_free(e->got);
	e->got = b;
	e->n_got++;
}

static void on_offered(void *arg, struct buffers_link *l)
{
	(void)l;
	((struct end *)arg)->n_offered++;
}

static void on_closed(void *arg, struct buffers_link *l)
{
	(void)l;
	((struct end *)arg)->n_closed++;
	((struct end *)arg)->link = NULL;
}

static const struct buffers_link_ops ops = { on_received, on_offered, on_closed };

static void run(uv_loop_t *loop)
{
	for (int i = 0; i < 200; i++)
		uv_run(loop, UV_RUN_NOWAIT);
}

static void both_ends_hand_over(void **state)
{
	struct buffers *b = make(11);
	struct end ends[2] = {};
	uv_loop_t loop;
	int pair[2];

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(buffers_link_new(&loop, pair[i], PROT_READ, &ops, &ends[i], &ends[i].link), 0);
	buffers_link_send(ends[0].link, b);
	buffers_link_send_offered(ends[0].link);
	buffers_link_send(ends[1].link, b);
	run(&loop);
	assert_int_equal(ends[1].n_got, 1);
	assert_int_equal(ends[1].n_offered, 1);
	assert_int_equal(ends[0].n_got, 1);
	assert_int_equal(ends[1].got->n, 11);
	assert_non_null(ends[1].got->rows[10].page);
	buffers_link_close(ends[0].link);
	run(&loop);
	assert_int_equal(ends[0].n_closed, 0);		/* its own doing */
	assert_int_equal(ends[1].n_closed, 1);
	assert_int_equal(uv_loop_close(&loop), 0);
	for (int i = 0; i < 2; i++)
		buffers_free(ends[i].got);
	buffers_free(b);
}

static void a_peer_that_sends_something_else_is_closed(void **state)
{
	const struct buffers_message m = { .type = 12 };
	size_t before = open_files();
	struct end e = {};
	uv_loop_t loop;
	int pair[2], fd = memfd_create("x", 0);

	(void)state;
	for (int what = 0; what < 3; what++) {
		uv_loop_init(&loop);
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
		assert_int_equal(buffers_link_new(&loop, pair[0], PROT_READ, &ops, &e, &e.link), 0);
		assert_int_equal(fdpass_send(pair[1], what == 1 ? "x" : (const char *)&m, what == 1 ? 1 : sizeof(m),
					     &fd, what != 2), 0);
		run(&loop);
		assert_int_equal(e.n_closed, what + 1);
		close(pair[1]);
		assert_int_equal(uv_loop_close(&loop), 0);
	}
	close(fd);
	assert_in_range(open_files(), 0, before);
}

/* What waits for it is bounded, and nobody waits for it. */
static void a_peer_that_never_reads_is_given_up(void **state)
{
	struct buffers *b = make(8);
	struct end e = {};
	uv_loop_t loop;
	int pair[2];

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(buffers_link_new(&loop, pair[0], PROT_READ, &ops, &e, &e.link), 0);
	for (int i = 0; i < 10000 && e.link; i++) {
		buffers_link_send(e.link, b);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(e.n_closed, 1);
	run(&loop);
	close(pair[1]);
	assert_int_equal(uv_loop_close(&loop), 0);
	buffers_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_of_another_kind_is_refused_and_closed),
		cmocka_unit_test(sizes_that_cannot_be_are_refused),
		cmocka_unit_test(messages_that_are_not_whole_are_refused),
		cmocka_unit_test(another_program_in_between_is_refused),
		cmocka_unit_test(there_is_a_most),
		cmocka_unit_test(what_is_sent_arrives_whole),
		cmocka_unit_test(both_ends_hand_over),
		cmocka_unit_test(a_peer_that_sends_something_else_is_closed),
		cmocka_unit_test(a_peer_that_never_reads_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
