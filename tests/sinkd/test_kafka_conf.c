/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be said of Kafka, in sinkd.yaml and by a program; librdkafka itself checks its settings. */
#include <sys/stat.h>

#include "fixture.h"
#include "sinkd/kafka.h"

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static struct diag diag;

/* sinkd.yaml; what was there before stays if it is refused. */
static int say(const char *text)
{
	struct sinkd_conf conf = {};
	struct yaml_node *root;
	int r;

	diag_fini(&diag);
	memset(&diag, 0, sizeof(diag));
	r = yaml_parse(fx_arena, "sinkd.yaml", text, strlen(text), &root, &diag);
	if (r == 0)
		r = conf_parse(fx_arena, &sinkd_schema, root, &conf, &diag);
	if (r == 0)
		fx.conf = conf;
	return r;
}

static const struct kafka_options *route(const char *text, char cursor[SINK_NAME_MAX])
{
	static struct kafka_options o;
	struct yaml_node *root = NULL;
	struct diag d = {};

	memset(&o, 0, sizeof(o));
	if (text)
		assert_int_equal(yaml_parse(fx_arena, "p.yaml", text, strlen(text), &root, &d), 0);
	kafka_options_read(&fx.conf, root, &o, cursor);
	return &o;
}

static bool sets(const struct kafka_options *o, const char *row)
{
	char text[512];

	snprintf(text, sizeof(text), KAFKA_SEPARATOR "%s" KAFKA_SEPARATOR, row);
	return !strncmp(o->settings, text + 1, strlen(text + 1)) || strstr(o->settings, text);
}

static bool mentions(const struct kafka_options *o, const char *text)
{
	return strstr(o->settings, text);
}

static const char *printed(void)
{
	static char text[16384];
	FILE *f = fmemopen(text, sizeof(text), "w");

	conf_print(&sinkd_schema, &fx.conf, f);
	fclose(f);
	return text;
}

static void promises_are_kept_where_nobody_says_anything(void **state)
{
	static const char *const rows[] = {
		"acks=all", "enable.idempotence=true", "partitioner=murmur2_random", "message.timeout.ms=0",
		"bootstrap.servers=a:1,b:2",
	};
	char cursor[SINK_NAME_MAX];
	const struct kafka_options *o;

	(void)state;
	assert_int_equal(say("kafka: { brokers: [ 'a:1', 'b:2' ] }"), 0);
	o = route(NULL, cursor);
	assert_string_equal(o->error, "");
	assert_string_equal(cursor, "kafka");
	assert_string_equal(o->topic, "ebpf-agent.{program}");
	assert_int_equal(o->window, 65536);
	assert_int_equal(o->when_full, KAFKA_EXPIRE);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!sets(o, rows[i]))
			fail_msg("%s is not set", rows[i]);
}

static void what_would_break_a_promise_is_refused_by_name_file_and_line(void **state)
{
	static const struct {
		const char *setting, *said;
	} rows[] = {
		{ "enable.idempotence: false", "enable.idempotence cannot be set to anything but true: without it" },
		{ "acks: 1", "acks cannot be set to anything but all: " },
		{ "request.required.acks: 0", "acks cannot be set to anything but all: " },
		{ "partitioner: random", "partitioner cannot be set to anything but murmur2_random: " },
		{ "queuing.strategy: lifo", "queuing.strategy cannot be set to anything but fifo: " },
		{ "delivery.report.only.error: true", "delivery.report.only.error cannot be set" },
		{ "transactional.id: x", "transactional.id cannot be set: " },
		{ "plugin.library.paths: /tmp/x.so", "plugin.library.paths cannot be set: no foreign code" },
		{ "ssl.engine.location: /tmp/x.so", "ssl.engine.location cannot be set: no foreign code" },
		{ "sasl.kerberos.kinit.cmd: reboot", "sasl.kerberos.kinit.cmd cannot be set: " },
		{ "test.mock.num.brokers: 3", "test.mock.num.brokers cannot be set: " },
		{ "internal.termination.signal: 9", "internal.termination.signal cannot be set: " },
		{ "no.such.setting: 1", "No such configuration property: \"no.such.setting\"" },
		{ "linger.ms: soon", "linger.ms" },
		{ "linger.ms: -1", "linger.ms" },
		{ "compression.type: rar", "compression.type" },
		{ "log_cb: x", "log_cb" },
		{ "linger.ms: [ 1 ]", "expected a single value" },
		{ "linger.ms: null", "expected a single value" },
		{ "client.id: \"a\\x1eb\"", "control character" },
		{ "linger.ms_file: /etc/hostname", "only secrets are read from files" },
		{ "sasl.password_file: /no/such/file", "/no/such/file: No such file" },
		{ "sasl.password_file: /dev/zero", "not a regular file" },
		{ "sasl.password_file: /", "not a regular file" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[256];

		snprintf(text, sizeof(text), "kafka:\n  settings:\n    client.id: x\n    %s\n", rows[i].setting);
		if (!strncmp(rows[i].setting, "client", 6))
			snprintf(text, sizeof(text), "kafka:\n  settings:\n    linger.ms: 1\n    %s\n",
				 rows[i].setting);
		if (say(text) != -EINVAL || !strstr(diag.error, rows[i].said) ||
		    strncmp(diag.error, "sinkd.yaml:4: ", 14))
			fail_msg("%s: \"%s\"", rows[i].setting, diag.error);
	}
	/* What it is anyway may be said. */
	assert_int_equal(say("kafka: { settings: { acks: -1, enable.idempotence: true,"
			     " partitioner: murmur2_random } }"),
			 0);
}

static void the_nearest_says_and_a_setting_has_one_name(void **state)
{
	char cursor[SINK_NAME_MAX], other[SINK_NAME_MAX];
	const struct kafka_options *o;

	(void)state;
	assert_int_equal(say("kafka: { brokers: 'a:1', topic: t, window: 5, when-full: hold,"
			     " settings: { queue.buffering.max.ms: 7, compression.codec: lz4,"
			     " delivery.timeout.ms: 9000 } }"),
			 0);
	o = route("{ topic: '{program}', settings: { linger.ms: 9 } }", cursor);
	assert_string_equal(o->error, "");
	assert_string_equal(o->topic, "{program}");
	assert_int_equal(o->window, 5);
	assert_int_equal(o->when_full, KAFKA_HOLD);
	assert_true(sets(o, "linger.ms=9"));
	assert_true(sets(o, "compression.type=lz4"));
	assert_true(sets(o, "message.timeout.ms=9000"));
	assert_false(mentions(o, "queue.buffering.max.ms"));
	assert_false(mentions(o, "delivery.timeout.ms"));
	o = route("{ brokers: 'b:2', window: 6, when-full: expire, topic: u }", other);
	assert_true(sets(o, "bootstrap.servers=b:2"));
	assert_true(sets(o, "linger.ms=7"));
	assert_int_equal(o->window, 6);
	assert_int_equal(o->when_full, KAFKA_EXPIRE);
	assert_string_not_equal(cursor, other);
}

static void what_is_wrong_with_a_route_is_kept_for_status(void **state)
{
	static const struct {
		const char *route, *said;
	} rows[] = {
		{ "{ topic: 'a b' }", "p.yaml:1: topic: \"a b\": a topic has letters" },
		{ "{ window: 0 }", "p.yaml:1: " },
		{ "{ when-full: sometimes }", "p.yaml:1: " },
		{ "{ tpoic: x }", "did you mean \"topic\"" },
		{ "{ settings: { acks: 0 } }", "acks cannot be set" },
		{ "{ settings: { sasl.password: x } }", "sinkd.yaml's kafka.settings only" },
		{ "{ settings: { sasl.password_file: /etc/shadow } }", "sinkd.yaml's kafka.settings only" },
		{ "{ settings: { ssl.ca.location: /etc/shadow } }", "sinkd.yaml's kafka.settings only" },
		{ "{ settings: { ssl.key.location: /etc/shadow } }", "sinkd.yaml's kafka.settings only" },
	};
	char cursor[SINK_NAME_MAX];

	(void)state;
	assert_int_equal(say("{}"), 0);
	assert_has(route(NULL, cursor)->error, "no broker is known");
	assert_int_equal(say("kafka: { brokers: 'a:1' }"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strstr(route(rows[i].route, cursor)->error, rows[i].said))
			fail_msg("%s: \"%s\"", rows[i].route, route(rows[i].route, cursor)->error);
}

static void secrets_are_used_and_never_shown(void **state)
{
	char text[PATH_MAX + 256], row[PATH_MAX + 64], cursor[SINK_NAME_MAX];
	const struct kafka_options *o;

	(void)state;
	fx_write(fx_path("password"), "hunter2\n", 8);
	snprintf(text, sizeof(text), "kafka: { brokers: 'a:1', settings: { sasl.username: me, sasl.password_file: %s,"
		 " ssl.key.password: hunter3 } }", fx_path("password"));
	assert_int_equal(say(text), 0);
	o = route(NULL, cursor);
	assert_string_equal(o->error, "");
	assert_true(sets(o, "sasl.password=hunter2"));
	assert_true(sets(o, "ssl.key.password=hunter3"));
	assert_null(strstr(printed(), "hunter"));
	snprintf(row, sizeof(row), "sasl.password_file: %s,", fx_path("password"));
	assert_has(printed(), row);
	assert_has(printed(), "ssl.key.password: \"(hidden)\"");
	assert_has(printed(), "sasl.username: me,");

	/* Another cluster does not get them, however it is named. */
	o = route("{ topic: t }", cursor);
	assert_true(mentions(o, "hunter2"));
	o = route("{ brokers: 'evil:1' }", cursor);
	assert_false(mentions(o, "hunter"));
	assert_true(sets(o, "sasl.username=me"));
	o = route("{ settings: { bootstrap.servers: 'evil:1' } }", cursor);
	assert_false(mentions(o, "hunter"));
	o = route("{ settings: { metadata.broker.list: 'evil:1' } }", cursor);
	assert_false(mentions(o, "hunter"));
	/* Nor does whoever could listen, or stand between. */
	o = route("{ settings: { security.protocol: sasl_plaintext } }", cursor);
	assert_string_equal(o->error, "");
	assert_false(mentions(o, "hunter"));
	o = route("{ settings: { enable.ssl.certificate.verification: false } }", cursor);
	assert_string_equal(o->error, "");
	assert_false(mentions(o, "hunter"));
	o = route("{ settings: { ssl.endpoint.identification.algorithm: none } }", cursor);
	assert_string_equal(o->error, "");
	assert_false(mentions(o, "hunter"));
}

static void a_bad_secret_file_is_refused(void **state)
{
	char text[PATH_MAX + 128];

	(void)state;
	snprintf(text, sizeof(text), "kafka: { settings: { sasl.password_file: %s } }", fx_path("password"));
	fx_write(fx_path("password"), "\n", 1);
	assert_int_equal(say(text), -EINVAL);
	assert_has(diag.error, "no secret in that file");
	fx_write(fx_path("password"), "a\0b", 3);
	assert_int_equal(say(text), -EINVAL);
	assert_has(diag.error, "no secret in that file");
	assert_int_equal(truncate(fx_path("password"), 1 << 20), 0);
	assert_int_equal(say(text), -EINVAL);
	assert_has(diag.error, "too long for a secret");
	assert_int_equal(unlink(fx_path("password")), 0);
	assert_int_equal(mkfifo(fx_path("password"), 0600), 0);
	assert_int_equal(say(text), -EINVAL);	/* and does not wait for a writer */
	assert_has(diag.error, "not a regular file");
}

static void sinkd_yaml_s_storage_is_checked_when_it_is_read(void **state)
{
	static const struct {
		const char *storage, *said;
	} rows[] = {
		{ "{ kafka: { topic: '{x}' } }", "the places are" },
		{ "{ kafka: { settings: { acks: 0 } } }", "acks cannot be set" },
		{ "{ kafka: { settings: { sasl.password: hunter2 } } }", "kafka.settings only" },
		{ "{ file: { pth: x } }", "did you mean \"path\"" },
		{ "{ kakfa: true }", "did you mean \"kafka\"" },
		{ "{ kafka: perhaps }", "neither true nor false" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[256];

		snprintf(text, sizeof(text), "storage: %s\n", rows[i].storage);
		if (say(text) != -EINVAL || !strstr(diag.error, rows[i].said) ||
		    strncmp(diag.error, "sinkd.yaml:1: ", 14) ||
		    strstr(diag.error, "hunter"))
			fail_msg("%s: \"%s\"", rows[i].storage, diag.error);
	}
	assert_int_equal(say("storage: { kafka: { topic: x }, file: false }\nkafka: { brokers: 'a:1' }"), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fx_setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(promises_are_kept_where_nobody_says_anything),
		T(what_would_break_a_promise_is_refused_by_name_file_and_line),
		T(the_nearest_says_and_a_setting_has_one_name),
		T(what_is_wrong_with_a_route_is_kept_for_status),
		T(secrets_are_used_and_never_shown),
		T(a_bad_secret_file_is_refused),
		T(sinkd_yaml_s_storage_is_checked_when_it_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("sinkd/kafka_conf", tests, NULL, NULL);
}
