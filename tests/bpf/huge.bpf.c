// SPDX-License-Identifier: GPL-2.0-or-later
/* An event whose description is larger than a message on the bus may be: 40,000 names of 70 characters. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

#define TEN(p) p##0, p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9
#define HUNDRED(p) \
	TEN(p##0), TEN(p##1), TEN(p##2), TEN(p##3), TEN(p##4), TEN(p##5), TEN(p##6), TEN(p##7), TEN(p##8), TEN(p##9)
#define THOUSAND(p) \
	HUNDRED(p##0), HUNDRED(p##1), HUNDRED(p##2), HUNDRED(p##3), HUNDRED(p##4), HUNDRED(p##5), HUNDRED(p##6), \
	HUNDRED(p##7), HUNDRED(p##8), HUNDRED(p##9)
#define MANY(p) \
	THOUSAND(p##0), THOUSAND(p##1), THOUSAND(p##2), THOUSAND(p##3), THOUSAND(p##4), THOUSAND(p##5), \
	THOUSAND(p##6), THOUSAND(p##7), THOUSAND(p##8), THOUSAND(p##9)

enum names {
	MANY(a_name_that_is_as_long_as_the_names_of_a_generated_header_may_be__),
	MANY(b_name_that_is_as_long_as_the_names_of_a_generated_header_may_be__),
	MANY(c_name_that_is_as_long_as_the_names_of_a_generated_header_may_be__),
	MANY(d_name_that_is_as_long_as_the_names_of_a_generated_header_may_be__),
};

struct event {
	__u64 ts_ns;
	enum names name;
};

AGENT_RING(events, 4096);
AGENT_EVENT(events, event);

SEC("tp_btf/sched_process_exit")
int on_exit(void *ctx)
{
	return 0;
}
