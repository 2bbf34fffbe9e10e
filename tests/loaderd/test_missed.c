/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel says of misses, as kernels of different age say it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../loaderd/missed.h"

enum { RAW = 1, TRACING = 2, XDP = 6, PERF = 7, MULTI = 8 };
enum { UPROBE = 1, URETPROBE, KPROBE, KRETPROBE, TRACEPOINT, EVENT };
#define OLD_PROG offsetof(struct bpf_prog_info, recursion_misses)	/* 5.11 */
#define PROG     sizeof(struct bpf_prog_info)
#define OLD_LINK 48	/* up to 6.6 */
#define LINK     56

static const struct row {
	uint32_t type, perf_type, prog_len, link_len;
	int err;
	uint64_t missed;	/* of 100 by recursion, and 7 by the probe */
} rows[] = {
	{ TRACING, 0, PROG, OLD_LINK, 0, 100 },
	{ RAW, 0, PROG, OLD_LINK, 0, 100 },
	{ TRACING, 0, OLD_PROG, OLD_LINK, -ENODATA, 0 },
	{ PERF, KPROBE, PROG, LINK, 0, 107 },
	{ PERF, KRETPROBE, PROG, LINK, 0, 107 },
	{ PERF, TRACEPOINT, PROG, LINK, 0, 100 },
	{ PERF, UPROBE, PROG, LINK, 0, 100 },
	{ PERF, URETPROBE, PROG, LINK, -ENODATA, 0 },
	{ PERF, EVENT, PROG, LINK, -ENODATA, 0 },
	{ PERF, 0, PROG, OLD_LINK, -ENODATA, 0 },
	{ PERF, KPROBE, PROG, OLD_LINK, -ENODATA, 0 },
	{ PERF, TRACEPOINT, PROG, OLD_LINK, -ENODATA, 0 },
	{ MULTI, 0, PROG, LINK, 0, 107 },
	{ MULTI, 0, PROG, OLD_LINK, -ENODATA, 0 },
	{ XDP, 0, PROG, LINK, -ENODATA, 0 },
	{ TRACING, 0, PROG, 0, -ENODATA, 0 },	/* detached */
};

static void a_kernel_without_the_counter_is_unknown_and_never_zero(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct missed_link_info link = { .type = rows[i].type };
		struct bpf_prog_info prog = { .recursion_misses = 100 };
		uint64_t missed = 0;

		if (rows[i].type == MULTI)
			link.kprobe_multi.missed = 7;
		if (rows[i].type == PERF) {
			link.perf_event.type = rows[i].perf_type;
			link.perf_event.missed = 7;
		}
		assert_int_equal(missed_judge(&prog, rows[i].prog_len, &link, rows[i].link_len, &missed), rows[i].err);
		assert_int_equal(missed, rows[i].missed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_without_the_counter_is_unknown_and_never_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
