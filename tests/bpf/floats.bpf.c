// SPDX-License-Identifier: GPL-2.0-or-later
/* What every.bpf.c leaves out because Debian's bpftool cannot print it: floating point. BPF has no such arithmetic, but
 * carries the bytes. tests/e2e/helpers/floats.py knows this struct. */
#include "ticker.bpf.h"
#include "agent.bpf.h"

struct floats {
	float single;
	double wide;
	float singles[3];
	double wides[2];
	long double eight;	/* 8 bytes, for this target */
	struct {
		double deep;
		float deeper;
	} inner;
	union {
		float as_float;
		__u32 as_word;
	} either;
};

AGENT_RING(events, 1 << 20);
AGENT_EVENT(events, floats);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct floats);
} input SEC(".maps");

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	__u32 zero = 0, n;
	struct floats *f;

	if (!ticker_called(ctx, &n))
		return 0;
	f = bpf_map_lookup_elem(&input, &zero);
	if (f)
		agent_output(events, f, sizeof(*f));
	return 0;
}
