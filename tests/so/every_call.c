/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A processor for tests/bpf/tick.bpf.c: event n tries the system calls with the numbers from 60 n on, without
 * arguments, and says how many of them were refused. */
#define _GNU_SOURCE
#include "tracer.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

struct tick {
	uint64_t ts_ns, n;
};

/* What ends or waits for ever; and what is refused without a word, by all or by units (channeld/sandbox_calls.c). */
static int is_left_out(long nr)
{
	static const long numbers[] = {
		SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_pselect6, SYS_ppoll, SYS_mremap, SYS_clone3,
		SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_sched_setaffinity,
#ifdef SYS_select
		SYS_select,
#endif
#ifdef __x86_64__
		335, 336,	/* uretprobe, uprobe: seccomp lets them pass; elsewhere than at a probe they end */
#endif
	};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i] == nr)
			return 1;
	return 0;
}

TRACER_EXPORT void process(struct tracer_ctx *ctx)
{
	const struct tick *t = ctx->ring.data.data;
	int refused = 0;

	for (long nr = (long)t->n * 60; nr < (long)t->n * 60 + 60; nr++)
		if (!is_left_out(nr))
			refused += syscall(nr, 0, 0, 0, 0, 0, 0) < 0 && errno == EPERM;
	tracer_printf(ctx, "{\"refused\":%d}", refused);
}
