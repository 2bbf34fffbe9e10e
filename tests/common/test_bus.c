/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server in a child, with its loop; this process is the client. */
#include "testbus.h"

#define NAME "org.ebpfagent.testbus1"
#define PATH "/org/ebpfagent/testbus1"

static pid_t dbus, server;
static sd_bus *client;

/* ---- the server ---------------------------------------------------------------------------------------------- */

static int method_rows(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_rows r;

	(void)userdata, (void)error;
	bus_rows_begin(&r, m);
	for (int i = 0; i < 2; i++) {
		bus_row_begin(&r);
		bus_row_str(&r, "name", i ? "second" : NULL);
		bus_row_strf(&r, "text", "row %d", i);
		bus_row_u64(&r, "count", UINT64_MAX - i);
		bus_row_bool(&r, "yes", i);
		bus_row_end(&r);
	}
	return bus_rows_send(&r);
}

static int method_bad_rows(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_rows r;

	(void)userdata, (void)error;
	bus_rows_begin(&r, m);
	bus_row_begin(&r);
	bus_row_str(&r, "name", "\xff\xfe");	/* not UTF-8: sticks */
	bus_row_u64(&r, "count", 1);
	bus_row_end(&r);
	return bus_rows_send(&r);
}

static int method_fail(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m, (void)userdata;
	return bus_fail(error, AGENT_ERR_LOAD_FAILED, "line %d: caf\xc3\xa9 \xff", 3);
}

static int method_guarded(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	int err = bus_check_may_change(m, error);

	(void)userdata;
	return err < 0 ? err : sd_bus_reply_method_return(m, NULL);
}

static int take_option(sd_bus_message *m, const char *key, const char *type, void *arg, sd_bus_error *error)
{
	if (strcmp(key, "count") || strcmp(type, "u"))
		return 0;
	if (sd_bus_message_read(m, "v", "u", arg) < 0)
		return -EBADMSG;
	return *(uint32_t *)arg > 9 ? bus_fail(error, AGENT_ERR_INVALID, "count: at most 9") : 1;
}

static int method_options(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	uint32_t count = 0;
	int err = bus_read_options(m, take_option, &count, error);

	(void)userdata;
	return err < 0 ? err : sd_bus_reply_method_return(m, "u", count);
}

static int method_no_options(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	int err = bus_read_options(m, NULL, NULL, error);

	(void)userdata;
	return err < 0 ? err : sd_bus_reply_method_return(m, "u", 0);
}

static int method_quit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct bus_loop **b = userdata;

	(void)error;
	sd_bus_reply_method_return(m, NULL);
	bus_loop_free(*b);	/* out of a handler */
	return 1;
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Rows", "a{sv}", "aa{sv}", method_rows, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("BadRows", "a{sv}", "aa{sv}", method_bad_rows, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Fail", "a{sv}", "", method_fail, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Guarded", "a{sv}", "", method_guarded, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Options", "a{sv}", "u", method_options, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("NoOptions", "a{sv}", "u", method_no_options, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Quit", "a{sv}", "", method_quit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static void on_closed(void *arg)
{
	bus_loop_free(*(struct bus_loop **)arg);
}

/* 0: the loop ended by itself and nothing was left open in it. */
static int serve(void)
{
	struct bus_loop *b;
	uv_loop_t loop;
	sd_bus *bus;

	uv_loop_init(&loop);
	if (bus_connect(&bus) < 0 || bus_loop_new(&loop, bus, on_closed, &b, &b) < 0)
		return 1;
	if (sd_bus_add_object_vtable(bus, NULL, PATH, NAME, methods, &b) < 0 ||
	    sd_bus_request_name_async(bus, NULL, NAME, 0, NULL, NULL) < 0)
		return 2;
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop) < 0 ? 3 : 0;
}

static pid_t start_server(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(serve());
	eventually(testbus_has_owner(client, NAME));
	return pid;
}

static int setup(void **state)
{
	if (rundir_make(state) < 0)
		return -1;
	dbus = testbus_start();
	client = testbus_client();
	server = start_server();
	return 0;
}

static int teardown(void **state)
{
	kill(server, SIGKILL);
	wait_status(server);
	sd_bus_flush_close_unref(client);
	testbus_end(dbus);
	return rundir_drop(state);
}

/* ---- the client ---------------------------------------------------------------------------------------------- */

static int call(const char *method, sd_bus_error *e, sd_bus_message **ret)
{
	return sd_bus_call_method(client, NAME, PATH, NAME, method, e, ret, "a{sv}", 0);
}

static void rows_arrive_as_they_were_made(void **state)
{
	sd_bus_message *m = NULL;
	const char *name, *text;
	uint64_t count;
	int yes;

	(void)state;
	assert_true(call("Rows", NULL, &m) >= 0);
	assert_string_equal(sd_bus_message_get_signature(m, 1), "aa{sv}");
	assert_true(sd_bus_message_enter_container(m, 'a', "a{sv}") > 0);
	for (int i = 0; i < 2; i++) {
		const char *k[4];

		assert_true(sd_bus_message_read(m, "a{sv}", 4, &k[0], "s", &name, &k[1], "s", &text, &k[2], "t",
						&count, &k[3], "b", &yes) > 0);
		assert_string_equal(name, i ? "second" : "");
		assert_string_equal(text, i ? "row 1" : "row 0");
		assert_true(count == UINT64_MAX - i);
		assert_int_equal(yes, i);
	}
	assert_true(sd_bus_message_at_end(m, false) > 0);
	sd_bus_message_unref(m);
}

static void a_row_that_cannot_be_said_is_an_error_not_half_an_answer(void **state)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;

	(void)state;
	assert_true(call("BadRows", &e, NULL) < 0);
	assert_string_equal(e.name, SD_BUS_ERROR_INVALID_ARGS);
	sd_bus_error_free(&e);
}

static void a_failure_keeps_its_name_and_text(void **state)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;

	(void)state;
	assert_true(call("Fail", &e, NULL) < 0);
	assert_string_equal(e.name, AGENT_ERR_LOAD_FAILED);
	assert_string_equal(e.message, "line 3: caf\xc3\xa9 ?");
	sd_bus_error_free(&e);
}

static void only_root_and_the_group_may_change_things(void **state)
{
	struct testbus_caller c = { NAME, PATH, NAME, "Guarded", 0, 0 };

	(void)state;
	if (geteuid() != 0) {
		print_message("# skipped: being somebody else needs root\n");
		skip();
	}
	assert_int_equal(in_child(testbus_call_as, &c), 0);
	c.uid = 65534;	/* of whom dbus-daemon knows: it refuses a uid without a name */
	c.group = 61004;
	assert_int_equal(in_child(testbus_call_as, &c), 1);
	c.group = getegid();
	assert_int_equal(in_child(testbus_call_as, &c), 0);
	c.method = "Rows";	/* whoever may not change may look */
	c.group = 61004;
	assert_int_equal(in_child(testbus_call_as, &c), 0);
}

/* With options count = 7 and @key = @value. @want: the number answered, or what the error AGENT_ERR_INVALID says. */
static void expect(const char *method, const char *key, const char *type, uint32_t value, const char *want)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL, *reply = NULL;
	char got[16];
	uint32_t n;

	assert_true(sd_bus_message_new_method_call(client, &m, NAME, PATH, NAME, method) >= 0);
	assert_true(sd_bus_message_append(m, "a{sv}", 2, "count", "u", 7, key, type, value) >= 0);
	if (sd_bus_call(client, m, 0, &e, &reply) < 0) {
		assert_string_equal(e.name, AGENT_ERR_INVALID);
		assert_string_equal(e.message, want);
	} else {
		assert_true(sd_bus_message_read(reply, "u", &n) > 0);
		snprintf(got, sizeof(got), "%u", n);
		assert_string_equal(got, want);
	}
	sd_bus_error_free(&e);
	sd_bus_message_unref(reply);
	sd_bus_message_unref(m);
}

static void options_are_read_and_what_nobody_knows_is_refused_by_name(void **state)
{
	(void)state;
	expect("Options", "count", "u", 9, "9");
	expect("Options", "count", "u", 10, "count: at most 9");
	expect("Options", "count", "b", 1, "unknown option 'count' of type 'b'");
	expect("Options", "Count", "u", 1, "unknown option 'Count' of type 'u'");
	expect("NoOptions", "count", "u", 1, "unknown option 'count' of type 'u'");
	assert_true(call("NoOptions", NULL, NULL) >= 0);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	int *answered = userdata;

	(void)error;
	answered[sd_bus_message_is_method_error(m, NULL) != 0]++;
	return 0;
}

/* More than one batch of the pump, and while each answer of the guarded one makes a call of its own. */
static void a_flood_is_answered_to_the_last_call(void **state)
{
	enum { CALLS = 500 };
	int answered[2] = { 0 };	/* well, with an error */

	(void)state;
	for (int i = 0; i < CALLS; i++)
		assert_true(sd_bus_call_method_async(client, NULL, NAME, PATH, NAME, i % 10 ? "Rows" : "Guarded",
						     on_reply, answered, "a{sv}", 0) >= 0);
	for (int i = 0; i < 20 * CALLS && answered[0] + answered[1] < CALLS; i++)
		if (sd_bus_process(client, NULL) == 0)
			sd_bus_wait(client, 5000000);
	assert_int_equal(answered[0], CALLS);
}

static void an_idle_server_sleeps(void **state)
{
	char path[64], line[512] = "";
	unsigned long before[2], after[2];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/stat", server);
	for (int i = 0; i < 2; i++) {
		f = fopen(path, "re");
		assert_non_null(fgets(line, sizeof(line), f));
		fclose(f);
		assert_int_equal(sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
					i ? &after[0] : &before[0], i ? &after[1] : &before[1]), 2);
		if (i == 0)
			sleep_ms(500);
	}
	assert_true(after[0] + after[1] - before[0] - before[1] <= 1);	/* a tick is 10 ms */
}

static void the_loop_ends_clean_when_the_server_frees_it_or_the_bus_dies(void **state)
{
	(void)state;
	assert_true(call("Quit", NULL, NULL) >= 0);
	assert_int_equal(wait_status(server), 0);
	server = start_server();
	sd_bus_flush_close_unref(client);
	testbus_end(dbus);
	assert_int_equal(wait_status(server), 0);
	dbus = testbus_start();
	client = testbus_client();
	server = start_server();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_arrive_as_they_were_made),
		cmocka_unit_test(a_row_that_cannot_be_said_is_an_error_not_half_an_answer),
		cmocka_unit_test(a_failure_keeps_its_name_and_text),
		cmocka_unit_test(options_are_read_and_what_nobody_knows_is_refused_by_name),
		cmocka_unit_test(only_root_and_the_group_may_change_things),
		cmocka_unit_test(a_flood_is_answered_to_the_last_call),
		cmocka_unit_test(an_idle_server_sleeps),
		cmocka_unit_test(the_loop_ends_clean_when_the_server_frees_it_or_the_bus_dies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
