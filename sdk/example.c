/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A processor for the events of the shipped `exec` program: keeps only what failed, and says it in words.
 *
 * Of the records that bpf/exec.bpf.c submits (abi/exec.h), process() passes on the ends of processes that were killed
 * or gave an exit code other than 0; everything else it leaves unsaid, which counts as filtered. README.md has the
 * YAML. */
#include "tracer.h"

#include "exec.h"

TRACER_EXPORT void process(struct tracer_ctx *ctx);

static const char *verdict(const struct exec_event *ev)
{
	if (ev->signal)
		return ev->core_dumped ? "killed, core dumped" : "killed";
	return "failed";
}

void process(struct tracer_ctx *ctx)
{
	const struct exec_event *ev = tracer_event(ctx, sizeof(*ev));

	if (!ev || ev->kind != EXIT || (ev->exit_code == 0 && ev->signal == 0))
		return;
	tracer_printf(ctx, "{\"verdict\":\"%s\",\"pid\":%u,\"ppid\":%u,\"uid\":%u,\"comm\":", verdict(ev), ev->pid,
		      ev->ppid, ev->uid);
	tracer_string(ctx, ev->comm, sizeof(ev->comm));
	if (ev->signal)
		tracer_printf(ctx, ",\"signal\":%u", ev->signal);
	else
		tracer_printf(ctx, ",\"exit_code\":%u", ev->exit_code);
	tracer_printf(ctx, ",\"run_ms\":%.3f}", (double)ev->run_ns / 1e6);
}
