// SPDX-License-Identifier: GPL-2.0-or-later
/* What functions around a load set, and nobody else: each event says what the program found when it ran. */
#include "ticker.bpf.h"
#include "agent.bpf.h"

const volatile char greeting[16] = "nobody";
const volatile __u8 small;
__u64 order;		/* .bss: who came first */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, char[16]);
	__type(value, __u64);
} settings SEC(".maps");

struct pair {
	__u32 a, b;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct pair);
} pairs SEC(".maps");

struct {
	__uint(type, 3);	/* BPF_MAP_TYPE_PROG_ARRAY */
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} jumps SEC(".maps");

struct found {
	__u64 ts_ns;
	__u64 n, order;
	__u64 init, preload, postload, word;
	__u32 pid, a, b;
	__u8 small;
	char greeting[16];
};
AGENT_RING(found_events, 1 << 16);
AGENT_EVENT(found_events, found);

static __u64 setting(const char *name, int len)
{
	char key[16] = {};
	__u64 *v;

	for (int i = 0; i < len && i < 15; i++)
		key[i] = name[i];
	v = bpf_map_lookup_elem(&settings, key);
	return v ? *v : 0;
}
#define SETTING(name) setting(name, sizeof(name) - 1)

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	__u32 one = 1;
	struct pair *p = bpf_map_lookup_elem(&pairs, &one);
	struct found *f;
	__u32 n;

	if (!ticker_called(ctx, &n))
		return 0;
	if ((__s32)n < 0)	/* never: the map must only be there */
		bpf_tail_call(ctx, &jumps, 0);
	f = agent_reserve(found_events, sizeof(*f));
	if (!f)
		return 0;
	f->ts_ns = bpf_ktime_get_ns();
	f->pid = bpf_get_current_pid_tgid() >> 32;
	f->n = n;
	f->order = order;
	f->init = SETTING("init");
	f->preload = SETTING("preload");
	f->postload = SETTING("postload");
	f->word = SETTING("word");
	f->a = p ? p->a : 0;
	f->b = p ? p->b : 0;
	f->small = small;
	for (int i = 0; i < 16; i++)
		f->greeting[i] = greeting[i];
	bpf_ringbuf_submit(f, 0);
	return 0;
}
