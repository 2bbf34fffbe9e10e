/* SPDX-License-Identifier: GPL-2.0-or-later */
/* librdkafka's settings, by their own names: checked by librdkafka itself, but for those that would break a promise. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/conf_text.h"
#include "kafka_conf.h"
#include "rdkafka.h"

#define SECRET_MAX 8192

/* Fixed: only the value that it has anyway may be said. */
static const struct {
	const char *name, *values[3], *why;
} fixed[] = {
	{ "enable.idempotence", { "true" }, "without it a record could be there twice, or out of order" },
	{ "acks", { "all", "-1" }, "a record counts as delivered when all replicas have it" },
	{ "partitioner", { "murmur2_random" }, "the same key goes to the same partition as with other clients" },
	{ "queuing.strategy", { "fifo" }, "records keep their order" },
	{ "delivery.report.only.error", { "false" }, "the cursor moves by delivery reports" },
	{ "transactional.id", { NULL }, "sinkd makes no transactions" },
	{ "statistics.interval.ms", { NULL }, "sinkd sets it itself" },
	{ "enabled_events", { NULL }, "sinkd sets it itself" },
	{ "log.queue", { NULL }, "sinkd sets it itself" },
	{ "internal.termination.signal", { NULL }, "sinkd's signals are its own" },
	{ "test.mock.num.brokers", { NULL }, "records go to brokers that are there" },
	{ "plugin.library.paths", { NULL }, "no foreign code runs in sinkd" },
	{ "interceptors", { NULL }, "no foreign code runs in sinkd" },
	{ "ssl.engine.location", { NULL }, "no foreign code runs in sinkd" },
	{ "ssl.engine.id", { NULL }, "no foreign code runs in sinkd" },
	{ "ssl.providers", { NULL }, "no foreign code runs in sinkd" },
	{ "sasl.kerberos.kinit.cmd", { NULL }, "sinkd starts no commands" },
};

/* librdkafka knows some settings by two names; here each has one, or they would not stand in each other's place. */
static const struct {
	const char *alias, *name;
} aliases[] = {
	{ "request.required.acks", "acks" },
	{ "metadata.broker.list", "bootstrap.servers" },
	{ "delivery.timeout.ms", "message.timeout.ms" },
	{ "message.send.max.retries", "retries" },
	{ "queue.buffering.max.ms", "linger.ms" },
	{ "compression.codec", "compression.type" },
	{ "max.in.flight.requests.per.connection", "max.in.flight" },
	{ "sasl.mechanisms", "sasl.mechanism" },
};

static const char *canonical(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (!strcmp(aliases[i].alias, name))
			return aliases[i].name;
	return name;
}

static const char *const secrets[] = {
	"sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem", "ssl_key",
	"sasl.oauthbearer.client.secret", "sasl.oauthbearer.config",
};

static bool is_secret(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (!strcmp(secrets[i], name))
			return true;
	return false;
}

static int refuse(const struct yaml_node *n, const char *name, const char *why, struct diag *d)
{
	char text[DIAG_EXCERPT];

	return diag_fail(d, -EINVAL, n->file, n->line, "settings: %s: %s", diag_excerpt(text, name), why);
}

static int check_fixed(const struct yaml_node *n, const char *name, const char *value, struct diag *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (strcmp(fixed[i].name, name))
			continue;
		for (size_t j = 0; fixed[i].values[j]; j++)
			if (!strcasecmp(fixed[i].values[j], value))
				return 0;
		return diag_fail(d, -EINVAL, n->file, n->line, "settings: %s cannot be set%s%s: %s", name,
				 fixed[i].values[0] ? " to anything but " : "", fixed[i].values[0] ?: "", fixed[i].why);
	}
	return 0;
}

/* As librdkafka sees it. Without the library nobody can tell, and nothing goes to Kafka either. */
static int check_by_library(const struct yaml_node *n, const struct kafka_setting *s, struct diag *d)
{
	const char *why;
	const struct rdkafka *lib = rdkafka_load(&why);
	char error[256] = "";
	rd_kafka_conf_t *conf;
	rd_kafka_conf_res_t r;

	if (!lib) {
		diag_warn(d, n->file, n->line, "settings: %s cannot be checked: %s", s->name, why);
		return 0;
	}
	conf = lib->conf_new();
	r = lib->conf_set(conf, s->name, s->value, error, sizeof(error));
	lib->conf_destroy(conf);
	if (r == RD_KAFKA_CONF_OK)
		return 0;
	if (s->secret)		/* its words may hold the value */
		return refuse(n, s->said_name, "librdkafka does not take this value", d);
	return refuse(n, s->said_name, error, d);
}

static int read_secret(struct arena *a, const struct yaml_node *n, struct kafka_setting *s, struct diag *d)
{
	cleanup(closep) int fd = open(n->value, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[SECRET_MAX + 1];
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0)
		return diag_fail(d, -EINVAL, n->file, n->line, "settings: %s: %s: %m", s->said_name, n->value);
	if (!S_ISREG(st.st_mode))
		return refuse(n, s->said_name, "that is not a regular file", d);
	len = read(fd, text, sizeof(text));
	if (len < 0)
		return diag_fail(d, -EINVAL, n->file, n->line, "settings: %s: %s: %m", s->said_name, n->value);
	if (len > SECRET_MAX)
		return refuse(n, s->said_name, "that file is too long for a secret", d);
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (!len || memchr(text, '\0', len))
		return refuse(n, s->said_name, "there is no secret in that file", d);
	s->value = arena_strndup(a, text, len);
	s->said_value = n->value;
	return s->value ? 0 : -ENOMEM;
}

/* "sasl.password_file": the secret is in the file. */
static bool names_a_file(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, "_file");
}

static bool is_path(const char *name)
{
	return names_a_file(name) || strstr(name, "location") || strstr(name, "keytab") || strstr(name, "path");
}

static int read_one(struct arena *a, const char *name, const struct yaml_node *n, bool route,
		    struct kafka_setting *ret, struct diag *d)
{
	struct kafka_setting s = { .name = canonical(name), .said_name = name, .secret = is_secret(name) };
	int r;

	if (n->kind != YAML_NODE_SCALAR || yaml_is_null(n))
		return refuse(n, name, "expected a single value", d);
	if (route && (is_path(name) || s.secret))
		return refuse(n, name, "secrets and files are named in sinkd.yaml's kafka.settings only", d);
	if (names_a_file(name)) {
		s.name = arena_strndup(a, name, strlen(name) - 5);
		if (!s.name)
			return -ENOMEM;
		s.secret = is_secret(s.name);
		if (!s.secret)
			return refuse(n, name, "only secrets are read from files", d);
		r = read_secret(a, n, &s, d);
		if (r < 0)
			return r;
	} else {
		s.value = n->value;
		s.said_value = s.secret ? NULL : n->value;
	}
	for (const char *p = s.value; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\n' && *p != '\r' && *p != '\t')
			return refuse(n, name, "has a control character", d);
	r = check_fixed(n, s.name, s.value, d);
	if (r == 0)
		r = check_by_library(n, &s, d);
	if (r == 0)
		*ret = s;
	return r;
}

static int read_all(struct arena *a, const struct yaml_node *n, bool route, struct kafka_settings *ret, struct diag *d)
{
	struct kafka_settings all = {};

	if (n->kind != YAML_NODE_MAPPING)
		return diag_fail(d, -EINVAL, n->file, n->line,
				 "settings: expected a mapping of librdkafka's settings, such as {linger.ms: 5}");
	all.s = arena_alloc(a, (n->n + 1) * sizeof(*all.s));
	if (!all.s)
		return -ENOMEM;
	for (; all.n < n->n; all.n++) {
		int r = read_one(a, n->keys[all.n], n->items[all.n], route, &all.s[all.n], d);

		if (r < 0)
			return r;
	}
	*ret = all;
	return 0;
}

int kafka_settings_parse(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	return read_all(a, n, false, field, d);
}

int kafka_route_settings_parse(struct arena *a, const struct yaml_node *n, void *field, struct diag *d)
{
	return read_all(a, n, true, field, d);
}

void kafka_settings_print(const void *field, FILE *f)
{
	const struct kafka_settings *all = field;

	fputs("{", f);
	for (size_t i = 0; i < all->n; i++) {
		fputs(i ? ", " : " ", f);
		conf_print_text(f, all->s[i].said_name);
		fputs(": ", f);
		conf_print_text(f, all->s[i].said_value ?: CONF_SECRET_TEXT);
	}
	fputs(all->n ? " }" : "}", f);
}
