/* SPDX-License-Identifier: GPL-2.0-or-later */
/* librdkafka, loaded when the first route asks for it: sinkd stays small where nobody does. Its functions are called as
 * lib->producev(…) for rd_kafka_producev(…). */
#ifndef EBPF_AGENT_SINKD_RDKAFKA_H
#define EBPF_AGENT_SINKD_RDKAFKA_H

#include <librdkafka/rdkafka.h>

#define RDKAFKA_LIBRARY "librdkafka.so.1"
#define RDKAFKA_PACKAGE "librdkafka1"

#define RDKAFKA_LIST(X)                                                                                     \
	X(conf_new) X(conf_destroy) X(conf_set) X(conf_set_events) X(new) X(destroy) X(set_log_queue)           \
	X(queue_get_main) X(queue_destroy) X(queue_io_event_enable) X(queue_poll)                               \
	X(event_type) X(event_destroy) X(event_message_next) X(event_error) X(event_error_string)               \
	X(event_error_is_fatal) X(event_stats) X(event_log)                                                     \
	X(message_status) X(producev) X(headers_new) X(header_add) X(headers_destroy)                           \
	X(topic_new) X(topic_destroy) X(topic_name) X(err2str) X(last_error) X(fatal_error)

struct rdkafka {
#define X(f) __typeof__(rd_kafka_##f) *f;
	RDKAFKA_LIST(X)
#undef X
};

/* The same for all, for ever. NULL: it is not there, or too old; *ret_why says so, and what to install. */
const struct rdkafka *rdkafka_load(const char **ret_why);

#endif
