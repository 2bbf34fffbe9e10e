// SPDX-License-Identifier: GPL-2.0-or-later
/* The first example's processor, in C: the names that its result gives the fields. */
#include "tracer.h"

#include "../bpf/oom_slide.h"

TRACER_EXPORT void process(struct tracer_ctx *ctx);

void process(struct tracer_ctx *ctx)
{
	const struct slide_event *ev = tracer_event(ctx, sizeof(*ev));

	if (!ev)
		return;
	tracer_printf(ctx, "{\"comm\":");
	tracer_string(ctx, ev->comm, sizeof(ev->comm));
	tracer_printf(ctx, ",\"message\":");
	tracer_string(ctx, ev->message, sizeof(ev->message));
	tracer_printf(ctx, ",\"timestamp\":%llu,\"delta_time\":%llu,\"tid\":%d,\"pid\":%d,\"ppid\":%d", ev->ts_ns,
		      ev->delta_time, ev->pid, ev->tgid, ev->ppid);
	tracer_printf(ctx, ",\"state\":%u,\"exit_code\":%d,\"cgroup\":%llu}", ev->state, ev->exit_code, ev->cgroup);
}
