/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may be said of Kafka, in sinkd.yaml and by a route. */
#ifndef EBPF_AGENT_SINKD_KAFKA_CONF_H
#define EBPF_AGENT_SINKD_KAFKA_CONF_H

#include "../common/conf.h"

enum kafka_when_full { KAFKA_EXPIRE, KAFKA_HOLD };

/* One of librdkafka's own settings. */
struct kafka_setting {
	const char *name, *value;
	const char *said_name, *said_value;	/* as they stand in the file; a secret's value is NULL */
	bool secret;
};
struct kafka_settings {
	struct kafka_setting *s;
	size_t n;
};

struct kafka_conf {
	struct conf_strs brokers;
	const char *topic;		/* template */
	uint64_t window;		/* records */
	int when_full;			/* enum kafka_when_full */
	int spare;
	struct kafka_settings settings;
};

/* sinkd.yaml's `kafka:`, and a route's `storage: {kafka: {…}}`. */
extern const struct conf_schema kafka_schema, kafka_route_schema;

/* kafka_settings.c: for the `settings:` rows. A route may neither name files nor carry secrets. */
int kafka_settings_parse(struct arena *a, const struct yaml_node *n, void *field, struct diag *d);
int kafka_route_settings_parse(struct arena *a, const struct yaml_node *n, void *field, struct diag *d);
void kafka_settings_print(const void *field, FILE *f);

#endif
