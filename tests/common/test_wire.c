/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir.h"

#include <nanomsg/nn.h>
#include <nanomsg/pipeline.h>
#include <poll.h>

#include "common/paths.h"
#include "common/wire.h"

#ifdef AGENT_SAN
#include <sanitizer/lsan_interface.h>
#else
static void __lsan_disable(void) { }
static void __lsan_enable(void) { }
#endif

static int make_hint_folder(void **state)
{
	char path[PATH_MAX];

	if (rundir_make(state) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/hint", rundir);
	return mkdir(path, 0755);
}

static bool receives(struct wire *w, struct hint *h)
{
	struct pollfd p = { .fd = wire_fd(w), .events = POLLIN };

	return poll(&p, 1, 20) >= 0 && wire_receive(w, h) == 0;
}

static void a_hint_arrives_whichever_end_came_first(void **state)
{
	struct wire *reader, *early, *late;
	struct hint h = { 0 };

	(void)state;
	assert_int_equal(wire_connect("sinkd", &early), 0);
	wire_send(early, HINT_SPOOL, "nobody");		/* dropped, and does not block */
	assert_int_equal(wire_bind("sinkd", &reader), 0);
	assert_int_equal(wire_connect("sinkd", &late), 0);
	assert_int_equal(wire_receive(reader, &h), -EAGAIN);

	eventually(({ wire_send(late, HINT_SPOOL, "exec"); receives(reader, &h); }));
	assert_int_equal(h.type, HINT_SPOOL);
	assert_string_equal(h.program, "exec");
	eventually(({ wire_send(early, HINT_DRAINED, NULL); receives(reader, &h) && h.type == HINT_DRAINED; }));
	assert_string_equal(h.program, "");
	wire_free(early);
	wire_free(late);
	wire_free(reader);
}

static void a_reader_that_comes_back_hears_the_next_hint(void **state)
{
	struct wire *reader, *writer;
	struct hint h;

	(void)state;
	assert_int_equal(wire_bind("loaderd", &reader), 0);
	assert_int_equal(wire_connect("loaderd", &writer), 0);
	eventually(({ wire_send(writer, HINT_DRAINED, "a"); receives(reader, &h); }));
	wire_free(reader);
	wire_send(writer, HINT_DRAINED, "b");
	assert_int_equal(wire_bind("loaderd", &reader), 0);
	eventually(({ wire_send(writer, HINT_DRAINED, "c"); receives(reader, &h) && h.program[0] == 'c'; }));
	wire_free(writer);
	wire_free(reader);
}

static void what_is_no_hint_is_passed_over(void **state)
{
	struct hint good = { .version = HINT_VERSION, .type = HINT_MANIFEST, .program = "good" };
	struct hint newer = good, endless = good, h;
	char path[PATH_MAX], address[PATH_MAX + 8], big[300] = { HINT_VERSION };
	struct wire *reader;
	int sock;

	(void)state;
	newer.version++;
	memset(endless.program, 'x', sizeof(endless.program));
	assert_int_equal(wire_bind("channeld", &reader), 0);
	path_hint("channeld", path);
	snprintf(address, sizeof(address), "ipc://%s", path);
	sock = nn_socket(AF_SP, NN_PUSH);
	assert_true(nn_connect(sock, address) >= 0);
	nn_send(sock, "", 0, 0);
	nn_send(sock, "x", 1, 0);
	nn_send(sock, big, sizeof(big), 0);
	nn_send(sock, &newer, sizeof(newer), 0);
	nn_send(sock, &endless, sizeof(endless), 0);
	nn_send(sock, &good, sizeof(good), 0);
	eventually(receives(reader, &h));
	assert_string_equal(h.program, "good");
	nn_close(sock);
	wire_free(reader);
}

static void a_flood_neither_blocks_nor_fails(void **state)
{
	struct wire *reader, *writer;
	struct hint h;

	(void)state;
	assert_int_equal(wire_bind("tagd", &reader), 0);
	assert_int_equal(wire_connect("tagd", &writer), 0);
	for (int i = 0; i < 20000; i++)
		wire_send(writer, HINT_SPOOL, "flood");
	eventually(({ wire_send(writer, HINT_DRAINED, "after"); receives(reader, &h) && h.type == HINT_DRAINED; }));
	wire_free(writer);
	wire_free(reader);
}

static void names_that_leave_the_folder_and_taken_places_are_refused(void **state)
{
	struct wire *w = NULL, *second = NULL;

	(void)state;
	assert_int_equal(wire_bind("../lock/x", &w), -EINVAL);
	assert_int_equal(wire_connect("", &w), -EINVAL);
	assert_null(w);
	assert_int_equal(wire_bind("xdpd", &w), 0);
	__lsan_disable();	/* nanomsg 1.1.5 forgets 736 bytes when a bind fails */
	assert_int_equal(wire_bind("xdpd", &second), -EADDRINUSE);
	__lsan_enable();
	assert_null(second);
	wire_send(NULL, HINT_DRAINED, "x");
	wire_free(NULL);
	wire_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hint_arrives_whichever_end_came_first),
		cmocka_unit_test(a_reader_that_comes_back_hears_the_next_hint),
		cmocka_unit_test(what_is_no_hint_is_passed_over),
		cmocka_unit_test(a_flood_neither_blocks_nor_fails),
		cmocka_unit_test(names_that_leave_the_folder_and_taken_places_are_refused),
	};

	return cmocka_run_group_tests(tests, make_hint_folder, rundir_drop);
}
