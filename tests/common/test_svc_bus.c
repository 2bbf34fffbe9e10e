/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon on the bus: what it is asked, what it tells, and coming back after the bus was away. */
#include <signal.h>

#include "svctest.h"

static void a_reload_is_whole_or_nothing(void **state)
{
	pid_t pid = begin(NULL, NULL);
	sd_bus *bus = testbus_client();
	sd_bus_error e = SD_BUS_ERROR_NULL;

	(void)state;
	eventually(notified("READY=1"));
	configure("size: 7\n");
	kill(pid, SIGHUP);
	eventually(notified("RELOADING=1\nMONOTONIC_USEC="));
	eventually(notified("READY=1"));
	eventually(property_has(bus, "Status", "s", "size 7 "));

	configure("size: 8\nsize: 9\n");
	assert_true(reload_by_bus(bus, &e) < 0);
	assert_string_equal(e.name, AGENT_ERR_INVALID);
	assert_non_null(strstr(e.message, "testd.yaml:2: "));
	sd_bus_error_free(&e);
	assert_true(property_has(bus, "Degraded", "as", "config: "));
	configure("size: 13\n");	/* what the daemon refuses */
	assert_true(reload_by_bus(bus, &e) < 0);
	sd_bus_error_free(&e);
	assert_true(property_has(bus, "Degraded", "as", "config: "));
	assert_true(property_has(bus, "Status", "s", "size 7 "));

	configure("size: 14\nlog-level: error\n");
	assert_true(reload_by_bus(bus, &e) >= 0);
	assert_false(property_has(bus, "Degraded", "as", ""));
	eventually(property_has(bus, "Status", "s", "size 14 "));
	sd_bus_flush_close_unref(bus);
	assert_int_equal(end(pid), 0);
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m, (void)error;
	++*(int *)userdata;
	return 0;
}

static void trouble_is_shown_told_once_and_cleared(void **state)
{
	pid_t pid = begin(NULL, NULL);
	sd_bus *bus = testbus_client();
	int changes = 0;

	(void)state;
	eventually(notified("READY=1"));
	assert_true(sd_bus_match_signal(bus, NULL, NULL, PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged",
					on_changed, &changes) >= 0);
	for (int i = 0; i < 3; i++)
		assert_true(sd_bus_call_method(bus, NAME, PATH, NAME, "Degrade", NULL, NULL, "s", "bro%sken") >= 0);
	assert_true(property_has(bus, "Degraded", "as", "test:it: bro%sken"));
	assert_true(sd_bus_call_method(bus, NAME, PATH, NAME, "Degrade", NULL, NULL, "s", "") >= 0);
	assert_false(property_has(bus, "Degraded", "as", ""));
	eventually(({ while (sd_bus_process(bus, NULL) > 0); changes >= 2; }));
	sd_bus_flush_close_unref(bus);
	assert_int_equal(end(pid), 0);
	assert_true(logged("warning: test:it: bro%sken"));
	assert_null(strstr(strstr(text_buf, "bro%sken") + 1, "bro%sken"));	/* once */
	assert_true(logged("test:it: as it should be again"));
}

static bool has_child(sd_bus *bus)
{
	return sd_bus_call_method(bus, NAME, PATH "/child", NAME ".Child", "Degrade", NULL, NULL, "s", "") >= 0;
}

static void it_comes_back_to_a_bus_that_was_away(void **state)
{
	int added = 0;
	pid_t pid;
	sd_bus *bus;

	(void)state;
	testbus_end(dbus);
	pid = begin(NULL, NULL);
	eventually(notified("READY=1"));	/* it works all the same */
	assert_true(logged("warning: bus: "));
	dbus = testbus_start();
	bus = testbus_client();
	eventually(testbus_has_owner(bus, NAME));
	eventually(!property_has(bus, "Degraded", "as", ""));
	assert_true(has_child(bus));
	sd_bus_flush_close_unref(bus);
	testbus_end(dbus);
	eventually(logged("the bus is gone"));
	kill(pid, SIGSTOP);			/* or it would be there before anybody listens */
	dbus = testbus_start();
	bus = testbus_client();
	assert_true(sd_bus_match_signal(bus, NULL, NULL, PATH, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
					on_changed, &added) >= 0);
	sd_bus_flush(bus);
	kill(pid, SIGCONT);
	eventually(testbus_has_owner(bus, NAME));
	assert_true(has_child(bus));
	eventually(({ while (sd_bus_process(bus, NULL) > 0); added > 0; }));	/* objects, too, and it tells of them */
	sd_bus_flush_close_unref(bus);
	assert_int_equal(end(pid), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		svc_test(a_reload_is_whole_or_nothing),
		svc_test(trouble_is_shown_told_once_and_cleared),
		svc_test(it_comes_back_to_a_bus_that_was_away),
	};
	int status = testd_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, setup, teardown);
}
