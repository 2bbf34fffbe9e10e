/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole daemon: this binary, started again as "daemon"; and as its helper, when it finds itself called so. */
#include "testbus.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "common/paths.h"
#include "common/svc.h"
#include "common/wire.h"

#define NAME "org.ebpfagent.test1"
#define PATH "/org/ebpfagent/test1"

/* ---- the daemon ---------------------------------------------------------------------------------------------- */

struct testd_conf {
	uint64_t size;
};

struct testd {
	struct svc *svc;
	uv_timer_t timer;	/* what a daemon must not forget to close */
	unsigned looks;
};

static const struct conf_key keys[] = {
	{ "size", CONF_SIZE, offsetof(struct testd_conf, size), "1K", .min = 1, .max = 1 << 20, .help = "something" },
	{ 0 },
};
static const struct conf_schema schema = { .name = "testd.yaml", .size = sizeof(struct testd_conf), .keys = keys };

static void tell(struct testd *d)
{
	const struct testd_conf *c = svc_conf(d->svc);

	svc_status(d->svc, "size %d looks %u", (int)c->size, d->looks);
}

static int start(struct svc *s, void **ret_self)
{
	struct testd *d = calloc(1, sizeof(*d));

	d->svc = s;
	uv_timer_init(svc_loop(s), &d->timer);
	d->timer.data = d;
	*ret_self = d;
	tell(d);
	return 0;
}

static int reload(void *self, const void *conf)
{
	const struct testd_conf *c = conf;

	(void)self;
	return c->size == 13 ? -EDOM : 0;	/* valid to the table, not to the daemon */
}

static void look(void *self)
{
	struct testd *d = self;

	d->looks++;
	tell(d);
}

static void on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

static void stop(void *self)
{
	struct testd *d = self;

	if (!getenv("TEST_LEAK"))
		uv_close((uv_handle_t *)&d->timer, on_timer_closed);
}

static int method_degrade(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct testd *d = userdata;
	const char *text;

	(void)error;
	sd_bus_message_read(m, "s", &text);
	svc_degraded(d->svc, "test:it", *text ? "%s" : NULL, text);
	return sd_bus_reply_method_return(m, "i", svc_helper_fd(d->svc));
}

static const sd_bus_vtable methods[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Degrade", "s", "i", method_degrade, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const struct rights with_helper = { .helper = "test_svc" };
static struct svc_def testd = {
	.name = "testd", .bus = "test1", .about = "a daemon for tests", .conf_size = sizeof(struct testd_conf),
	.schema = &schema,
	.methods = methods, .start = start, .reload = reload, .look = look, .stop = stop,
};

/* Says its pid in a file; goes when the daemon closes its end. */
static int helper_main(void)
{
	char c, path[128], text[16];

	testbus_path("helper", path);
	snprintf(text, sizeof(text), "%d", getpid());
	testbus_write(path, text);
	return read(3, &c, 1) != 0;
}

static int daemon_main(int argc, char **argv)
{
	static const struct rights none = { 0 };

	testd.rights = getenv("TEST_HELPER") ? &with_helper : &none;
	return svc_main(&testd, argc, argv);
}

/* ---- the test's side ----------------------------------------------------------------------------------------- */

static char etc[128], log_file[128], text_buf[8192];
static pid_t dbus, daemon_pid;	/* 0: none runs */
static int notify = -1;

static const char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text_buf, 1, sizeof(text_buf) - 1, f) : 0;

	text_buf[n] = '\0';
	if (f)
		fclose(f);
	return text_buf;
}

static void configure(const char *text)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/testd.yaml", etc);
	testbus_write(path, text);
}

/* Starts the daemon with up to two arguments; its output goes to a file. */
static pid_t begin(const char *a, const char *b)
{
	char *self = realpath("/proc/self/exe", NULL), *argv[] = { "testd", (char *)a, a ? (char *)b : NULL, NULL };
	int out = open(log_file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	struct spawn_fd fds[] = { { out, STDOUT_FILENO }, { out, STDERR_FILENO } };
	struct spawn s = { .path = self, .argv = argv, .fds = fds, .n_fds = 2, .keep_caps = true };
	pid_t pid = spawn(&s);

	assert_true(pid > 0);
	close(out);
	free(self);
	return daemon_pid = pid;
}

static bool logged(const char *what)
{
	return strstr(slurp(log_file), what) != NULL;
}

static int end(pid_t pid)
{
	kill(pid, SIGTERM);
	return wait_status(pid);
}

/* The next notification that contains @what; those before it are dropped. */
static bool notified(const char *what)
{
	char text[1024];
	ssize_t n = recv(notify, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[MAX(n, (ssize_t)0)] = '\0';
	return n > 0 && strstr(text, what);
}

static void forget_notifications(void)
{
	char text[1024];

	while (recv(notify, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
}

static bool property_has(sd_bus *bus, const char *property, const char *type, const char *what)
{
	sd_bus_message *m = NULL;
	const char *value = "";
	bool has = false;

	if (sd_bus_get_property(bus, NAME, PATH, AGENT_BUS_DAEMON, property, NULL, &m, type) < 0)
		return false;
	if (*type == 'a')
		sd_bus_message_enter_container(m, 'a', "s");
	while (sd_bus_message_read(m, "s", &value) > 0)
		has |= strstr(value, what) != NULL;
	sd_bus_message_unref(m);
	return has;
}

static int reload_by_bus(sd_bus *bus, sd_bus_error *e)
{
	return sd_bus_call_method(bus, NAME, PATH, AGENT_BUS_DAEMON, "Reload", e, NULL, "a{sv}", 0);
}

/* A test that failed left its daemon behind. */
static int after_each(void **state)
{
	(void)state;
	if (daemon_pid && waitpid(daemon_pid, NULL, WNOHANG) == 0) {
		fprintf(stderr, "%s", slurp(log_file));
		kill(daemon_pid, SIGKILL);
		wait_status(daemon_pid);
	}
	daemon_pid = 0;
	return 0;
}

static int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (rundir_make(state) < 0)
		return -1;
	testbus_path("etc", etc);
	testbus_path("log.txt", log_file);
	mkdir(etc, 0755);
	setenv(AGENT_ENV_CONFIG, etc, 1);
	dbus = testbus_start();
	testbus_path("notify", a.sun_path);
	notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(notify, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -1;
	return setenv("NOTIFY_SOCKET", a.sun_path, 1);
}

static int teardown(void **state)
{
	close(notify);
	testbus_end(dbus);
	return rundir_drop(state);
}

static int before_each(void **state)
{
	(void)state;
	configure("");
	forget_notifications();
	return 0;
}

static void check_prints_the_effective_configuration(void **state)
{
	(void)state;
	configure("size: 2K\n");
	assert_int_equal(wait_status(begin("--check", NULL)), 0);
	assert_true(logged("size: 2048") || logged("size: 2K"));
	assert_true(logged("log-level: info"));
	configure("size: 2K\nlog-level: loud\n");
	assert_int_equal(wait_status(begin("--check", NULL)), 1);
	assert_true(logged("testd.yaml:2: "));
	configure("sice: 2K\n");
	assert_int_equal(wait_status(begin(NULL, NULL)), 1);	/* nor does it start */
	assert_true(logged("testd.yaml:1: "));
	assert_int_equal(wait_status(begin("--frobnicate", NULL)), 2);
	assert_int_equal(wait_status(begin("--log-level", "loud")), 2);
	assert_int_equal(wait_status(begin("argument", NULL)), 2);
	assert_int_equal(wait_status(begin("--version", NULL)), 0);
	assert_true(logged("ebpf-testd " AGENT_VERSION));
	assert_int_equal(wait_status(begin("--help", NULL)), 0);
	assert_true(logged("a daemon for tests"));
}

static void it_says_when_it_is_ready_and_when_it_stops(void **state)
{
	pid_t pid = begin(NULL, NULL);
	sd_bus *bus = testbus_client();

	(void)state;
	eventually(notified("READY=1"));
	assert_true(testbus_has_owner(bus, NAME));
	assert_true(property_has(bus, "Version", "s", AGENT_VERSION));
	assert_true(property_has(bus, "About", "s", "a daemon for tests"));
	assert_true(property_has(bus, "Status", "s", "size 1024 looks"));
	assert_false(property_has(bus, "Degraded", "as", ""));
	assert_int_equal(end(pid), 0);
	eventually(notified("STOPPING=1"));
	assert_false(testbus_has_owner(bus, NAME));
	sd_bus_flush_close_unref(bus);
}

static void the_watchdog_is_fed(void **state)
{
	pid_t pid;

	(void)state;
	setenv("WATCHDOG_USEC", "100000", 1);
	pid = begin(NULL, NULL);
	unsetenv("WATCHDOG_USEC");
	eventually(notified("READY=1"));
	for (int i = 0; i < 3; i++)
		eventually(notified("WATCHDOG=1"));
	kill(pid, SIGSTOP);
	sleep_ms(60);
	forget_notifications();
	sleep_ms(250);
	assert_false(notified("WATCHDOG=1"));
	kill(pid, SIGCONT);
	assert_int_equal(end(pid), 0);
}

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

static unsigned looks_of(sd_bus *bus)
{
	char *s = NULL;
	unsigned n = 0;

	sd_bus_get_property_string(bus, NAME, PATH, AGENT_BUS_DAEMON, "Status", NULL, &s);
	if (s)
		sscanf(s, "size %*d looks %u", &n);
	free(s);
	return n;
}

static void it_looks_once_a_second_and_at_every_hint(void **state)
{
	pid_t pid = begin(NULL, NULL);
	sd_bus *bus = testbus_client();
	struct wire *w;
	unsigned n;

	(void)state;
	eventually(notified("READY=1"));
	n = looks_of(bus);
	assert_true(n >= 1);
	sleep_ms(2500);
	assert_in_range(looks_of(bus) - n, 1, 4);
	assert_int_equal(wire_connect("testd", &w), 0);
	for (unsigned i = 0; i < 10; i++) {
		n = looks_of(bus);
		for (int k = 0; k < 25 && looks_of(bus) == n; k++) {
			wire_send(w, HINT_MANIFEST, "x");
			sleep_ms(10);
		}
		assert_true(looks_of(bus) > n);	/* within a quarter of a second, ten times: no timer does that */
	}
	wire_free(w);
	sd_bus_flush_close_unref(bus);
	assert_int_equal(end(pid), 0);
}

static void there_is_one_of_each_on_a_directory(void **state)
{
	pid_t pid = begin(NULL, NULL);
	char sentence[128];

	(void)state;
	eventually(notified("READY=1"));
	assert_int_equal(wait_status(begin(NULL, NULL)), 1);
	snprintf(sentence, sizeof(sentence), "another testd runs on %s", rundir);
	assert_true(logged(sentence));
	kill(pid, SIGKILL);
	wait_status(pid);
	pid = begin(NULL, NULL);	/* a killed one is in nobody's way */
	eventually(notified("READY=1"));
	assert_int_equal(end(pid), 0);
}

static void without_its_directory_it_says_one_sentence(void **state)
{
	(void)state;
	setenv(AGENT_ENV_RUNTIME, "/nowhere/at/all", 1);
	assert_int_equal(wait_status(begin(NULL, NULL)), 1);
	setenv(AGENT_ENV_RUNTIME, rundir, 1);
	assert_true(logged("/nowhere/at/all"));
	assert_ptr_equal(strchr(text_buf, '\n'), strrchr(text_buf, '\n'));
}

static void it_comes_back_to_a_bus_that_was_away(void **state)
{
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
	sd_bus_flush_close_unref(bus);
	testbus_end(dbus);
	eventually(logged("the bus is gone"));
	dbus = testbus_start();
	bus = testbus_client();
	eventually(testbus_has_owner(bus, NAME));
	sd_bus_flush_close_unref(bus);
	assert_int_equal(end(pid), 0);
}

static pid_t helper_pid(void)
{
	char path[128];

	testbus_path("helper", path);
	return atoi(slurp(path));
}

static void it_does_not_outlive_its_helper_nor_the_helper_it(void **state)
{
	char path[128];
	pid_t pid;

	(void)state;
	setenv("TEST_HELPER", rundir, 1);
	for (int i = 0; i < 3; i++) {
		testbus_path("helper", path);
		unlink(path);
		pid = begin(NULL, NULL);
		eventually(notified("READY=1"));
		eventually(helper_pid() > 0);
		assert_int_equal(kill(helper_pid(), 0), 0);
		if (i == 0) {
			kill(helper_pid(), SIGKILL);
			assert_int_equal(wait_status(pid), 1);
			assert_true(logged("error: test_svc was killed by signal 9"));
		} else if (i == 1) {
			assert_int_equal(end(pid), 0);
		} else {
			kill(pid, SIGKILL);
			wait_status(pid);
		}
		eventually(kill(helper_pid(), 0) < 0 && errno == ESRCH);
	}
	unsetenv("TEST_HELPER");
}

static void a_handle_that_was_left_open_fails(void **state)
{
	pid_t pid;

	(void)state;
	setenv("TEST_LEAK", "1", 1);
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);	/* the leak is on purpose */
	pid = begin(NULL, NULL);
	unsetenv("TEST_LEAK");
	unsetenv("ASAN_OPTIONS");
	eventually(notified("READY=1"));
	assert_int_equal(end(pid), 1);
	assert_true(logged("bug: a timer handle was left open"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(check_prints_the_effective_configuration),
		TEST(it_says_when_it_is_ready_and_when_it_stops),
		TEST(the_watchdog_is_fed),
		TEST(a_reload_is_whole_or_nothing),
		TEST(trouble_is_shown_told_once_and_cleared),
		TEST(it_looks_once_a_second_and_at_every_hint),
		TEST(there_is_one_of_each_on_a_directory),
		TEST(without_its_directory_it_says_one_sentence),
		TEST(it_comes_back_to_a_bus_that_was_away),
		TEST(it_does_not_outlive_its_helper_nor_the_helper_it),
		TEST(a_handle_that_was_left_open_fails),
	};

	if (getenv("TEST_HELPER") && strcmp(argv[0], "test_svc") == 0) {
		snprintf(rundir, sizeof(rundir), "%s", getenv("TEST_HELPER"));
		return helper_main();
	}
	if (strcmp(argv[0], "testd") == 0)
		return daemon_main(argc, argv);
	return cmocka_run_group_tests(tests, setup, teardown);
}
