/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "../common/crc32c.h"
#include "kafka.h"

static const char *const when_full_names[] = { [KAFKA_EXPIRE] = "expire", [KAFKA_HOLD] = "hold", NULL };

#define KAFKA_KEYS(settings_parse) \
	{ "brokers", CONF_STRS, offsetof(struct kafka_conf, brokers), \
	  .help = "HOST:PORT of some of the cluster's brokers; the others are found through them. A program's own " \
		  "brokers are not told the secrets of sinkd.yaml" }, \
	{ "topic", CONF_STR, offsetof(struct kafka_conf, topic), "ebpf-agent.{program}", .min = 1, \
	  .max = KAFKA_TEMPLATE_MAX - 1, \
	  .help = "where records go; {host}, {program}, {channel} and {event} stand for their names" }, \
	{ "window", CONF_UINT, offsetof(struct kafka_conf, window), "65536", .min = 1, .max = 1 << 20, \
	  .help = "records of one program that may be under way: as many can be there twice after a crash" }, \
	{ "when-full", CONF_ENUM, offsetof(struct kafka_conf, when_full), "expire", .choices = when_full_names, \
	  .help = "what happens when the spool is nearly full and the brokers take nothing: expire (the oldest " \
		  "records are given up and counted; other sinks go on) or hold (nothing is given up; when the spool " \
		  "is full, all sinks of the program wait, and then the kernel's ring fills)" }, \
	{ "settings", CONF_CUSTOM, offsetof(struct kafka_conf, settings), .parse = settings_parse, \
	  .print = kafka_settings_print, \
	  .help = "librdkafka's own, by name: security.protocol, ssl.ca.location, sasl.mechanism, linger.ms, … A " \
		  "secret may lie in a file of its own: sasl.password_file: PATH" }, \
	{ NULL }

static int check_topic(struct arena *a, const struct yaml_node *n, void *obj, struct diag *d)
{
	const struct kafka_conf *k = obj;
	const struct yaml_node *topic = yaml_get(n, "topic") ?: n;
	char why[128], text[DIAG_EXCERPT];

	(void)a;
	if (k->topic && kafka_template_check(k->topic, why) < 0)
		return diag_fail(d, -EINVAL, topic->file, topic->line, "topic: \"%s\": %s",
				 diag_excerpt(text, k->topic), why);
	return 0;
}

static const struct conf_key conf_keys[] = { KAFKA_KEYS(kafka_settings_parse) };
const struct conf_schema kafka_schema = {
	"the Kafka sink", sizeof(struct kafka_conf), conf_keys, .check = check_topic,
};
static const struct conf_key route_keys[] = { KAFKA_KEYS(kafka_route_settings_parse) };
const struct conf_schema kafka_route_schema = {
	"storage: kafka", sizeof(struct kafka_conf), route_keys, .check = check_topic,
};

/* ---- a route's options ---- */

/* Unless somebody says otherwise. */
static const struct kafka_setting ours[] = {
	{ "client.id", "ebpf-agent" },
	{ "enable.idempotence", "true" },
	{ "acks", "all" },
	{ "partitioner", "murmur2_random" },
	{ "message.timeout.ms", "0" },			/* the spool is where records wait, for as long as it takes */
	{ "linger.ms", "20" },				/* fuller batches: a third less work for both ends */
	{ "queue.buffering.max.kbytes", "32768" },
	{ "topic.metadata.propagation.max.ms", "5000" },	/* then a topic that is not there is said to be so */
	{ "reconnect.backoff.max.ms", "2000" },
	{ "socket.keepalive.enable", "true" },
	{ "log.connection.close", "false" },		/* brokers close idle connections; that is no trouble */
};

#define SETTINGS_ROWS 256
#define BROKERS       "bootstrap.servers"

struct rows {
	const struct kafka_setting *r[SETTINGS_ROWS];
	size_t n;
};

static size_t find_row(const struct rows *rows, const char *name)
{
	size_t i;

	for (i = 0; i < rows->n && strcmp(rows->r[i]->name, name); i++)
		;
	return i;
}

/* Later ones win. */
static int put(struct rows *rows, const struct kafka_setting *s, size_t n, bool secrets_too)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = find_row(rows, s[i].name);

		if (s[i].secret && !secrets_too)
			continue;
		if (at == SETTINGS_ROWS)
			return -E2BIG;
		rows->r[at] = &s[i];
		rows->n = MAX(rows->n, at + 1);
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct kafka_setting *const *)a)->name, (*(const struct kafka_setting *const *)b)->name);
}

static int print_rows(struct rows *rows, char *ret, size_t size)
{
	size_t len = 0;

	qsort(rows->r, rows->n, sizeof(rows->r[0]), by_name);
	for (size_t i = 0; i < rows->n; i++) {
		len += snprintf(ret + len, size - len, "%s=%s" KAFKA_SEPARATOR, rows->r[i]->name, rows->r[i]->value);
		if (len >= size)
			return -E2BIG;
	}
	return 0;
}

static const char *join_brokers(struct arena *a, const struct conf_strs *brokers)
{
	const char *all = NULL;

	for (size_t i = 0; i < brokers->n; i++)
		all = all ? arena_printf(a, "%s,%s", all, brokers->s[i]) : brokers->s[i];
	return all;
}

/* Another cluster than sinkd.yaml's is told none of its secrets, nor is whoever could listen, or take its place: a
 * route that says anything of these goes without them. */
static bool is_elsewhere(const struct kafka_conf *route)
{
	static const char *const names[] = {
		BROKERS, "security.protocol", "enable.ssl.certificate.verification",
		"ssl.endpoint.identification.algorithm", "ssl.ca.pem", "sasl.oauthbearer.token.endpoint.url",
	};

	for (size_t i = 0; i < route->settings.n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			if (!strcmp(route->settings.s[i].name, names[j]))
				return true;
	return route->brokers.n;
}

static int fill_settings(struct arena *a, const struct kafka_conf *conf, const struct kafka_conf *route,
			 struct kafka_options *o)
{
	struct kafka_setting brokers = { .name = BROKERS, .value = join_brokers(a, &conf->brokers) };
	struct kafka_setting other = { .name = BROKERS, .value = join_brokers(a, &route->brokers) };
	struct rows rows = {};
	int r = put(&rows, ours, ARRAY_SIZE(ours), true);

	if (r == 0)
		r = put(&rows, &brokers, !!brokers.value, true);
	if (r == 0)
		r = put(&rows, conf->settings.s, conf->settings.n, !is_elsewhere(route));
	if (r == 0)
		r = put(&rows, &other, !!other.value, true);
	if (r == 0)
		r = put(&rows, route->settings.s, route->settings.n, true);
	if (r == 0 && find_row(&rows, BROKERS) == rows.n)
		snprintf(o->error, sizeof(o->error),
			 "no broker is known: say `kafka: {brokers: HOST:PORT}` in sinkd.yaml");
	return r < 0 ? r : print_rows(&rows, o->settings, sizeof(o->settings));
}

/* Two routes that ask for the same share a cursor; sinkd.yaml's part is left out, so that a change of it changes no
 * cursor. */
static uint32_t hash_node(uint32_t h, const struct yaml_node *n)
{
	if (n->kind == YAML_NODE_SCALAR)
		return crc32c(h, n->value, strlen(n->value) + 1);
	for (size_t i = 0; i < n->n; i++) {
		if (n->kind == YAML_NODE_MAPPING)
			h = crc32c(h, n->keys[i], strlen(n->keys[i]) + 1);
		h = hash_node(h, n->items[i]);
	}
	return h;
}

int kafka_options_read(const struct sinkd_conf *conf, const struct yaml_node *n, struct kafka_options *ret,
		       char ret_cursor[SINK_NAME_MAX])
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	bool says = n && n->kind == YAML_NODE_MAPPING && n->n;
	struct kafka_conf route = {};
	struct diag d = {};
	int r = a ? 0 : -ENOMEM;

	if (says)
		snprintf(ret_cursor, SINK_NAME_MAX, "kafka:%08x", hash_node(0, n));
	else
		snprintf(ret_cursor, SINK_NAME_MAX, "kafka");
	if (r == 0 && says)
		r = conf_parse(a, &kafka_route_schema, n, &route, &d);
	if (r == 0)
		r = fill_settings(a, &conf->kafka, &route, ret);
	ret->window = says && yaml_get(n, "window") ? route.window : conf->kafka.window;
	ret->when_full = says && yaml_get(n, "when-full") ? route.when_full : conf->kafka.when_full;
	snprintf(ret->topic, sizeof(ret->topic), "%s",
		 (says && yaml_get(n, "topic") ? route.topic : conf->kafka.topic) ?: "");
	if (r < 0)
		snprintf(ret->error, sizeof(ret->error), "%.255s",
			 d.error[0] ? d.error : r == -E2BIG ? "settings: there are too many" : strerror(-r));
	diag_fini(&d);
	return r == -ENOMEM ? r : 0;
}
