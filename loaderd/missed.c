/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "missed.h"

#include <bpf/bpf.h>
#include <errno.h>

#define HAS(type, len, field) ((len) >= offsetof(type, field) + sizeof(((type *)0)->field))

/* enum bpf_link_type, enum bpf_perf_event_type */
enum { LINK_RAW_TRACEPOINT = 1, LINK_TRACING = 2, LINK_PERF_EVENT = 7, LINK_KPROBE_MULTI = 8 };
enum { PERF_UPROBE = 1, PERF_URETPROBE, PERF_KPROBE, PERF_KRETPROBE, PERF_TRACEPOINT };

/* What runs from a perf event is skipped while any such prog runs on the CPU. That is counted since 6.7
 * (trace_call_bpf), which is also when the link began to say what its kprobe missed; not for events that are sampled
 * (bpf_overflow_handler), and not what a uretprobe gives up on (too many returns pending). */
static int of_perf_event(const struct bpf_prog_info *prog, const struct missed_link_info *link, uint32_t link_len,
			 uint64_t *ret)
{
	if (!HAS(struct missed_link_info, link_len, perf_event.missed))
		return -ENODATA;
	switch (link->perf_event.type) {
	case PERF_KPROBE:
	case PERF_KRETPROBE:
		*ret = prog->recursion_misses + link->perf_event.missed;
		return 0;
	case PERF_UPROBE:
	case PERF_TRACEPOINT:
		*ret = prog->recursion_misses;
		return 0;
	}
	return -ENODATA;
}

int missed_judge(const struct bpf_prog_info *prog, uint32_t prog_len, const struct missed_link_info *link,
		 uint32_t link_len, uint64_t *ret)
{
	if (!HAS(struct bpf_prog_info, prog_len, recursion_misses) || !link_len)
		return -ENODATA;
	switch (link->type) {
	case LINK_RAW_TRACEPOINT:	/* raw_tp; tp_btf, too */
	case LINK_TRACING:
		*ret = prog->recursion_misses;
		return 0;
	case LINK_KPROBE_MULTI:
		if (!HAS(struct missed_link_info, link_len, perf_event.missed))
			return -ENODATA;
		*ret = prog->recursion_misses + link->kprobe_multi.missed;
		return 0;
	case LINK_PERF_EVENT:
		return of_perf_event(prog, link, link_len, ret);
	}
	return -ENODATA;
}

int missed_read(int prog_fd, int link_fd, uint64_t *ret)
{
	struct missed_link_info link = {};
	struct bpf_prog_info prog = {};
	uint32_t prog_len = sizeof(prog), link_len = link_fd < 0 ? 0 : sizeof(link);

	if (bpf_obj_get_info_by_fd(prog_fd, &prog, &prog_len) < 0 ||
	    (link_len && bpf_obj_get_info_by_fd(link_fd, &link, &link_len) < 0))
		return -errno;
	return missed_judge(&prog, prog_len, &link, link_len, ret);
}
