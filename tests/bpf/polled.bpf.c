// SPDX-License-Identifier: GPL-2.0-or-later
/* Maps of every kind that is polled, filled by tests/tools/ticker: its n-th call of getpriority(MAGIC, n) adds to entry
 * n % ENTRIES of each. So a test knows their contents to the last one. */
#include "ticker.bpf.h"

#define ENTRIES 4096
#define SLOTS	16

const volatile __u32 entries = 64;
const volatile bool delete_odd = false;

struct key {
	__u32 n;
	char comm[16];
};

struct value {
	__u64 calls;
	__u64 sum;
	__u32 last;
	__u32 __pad;
};

struct hist {
	__u32 slots[SLOTS];
};

#define MAP(name_, type_, key_, value_, max_)    \
	struct {                                 \
		__uint(type, type_);             \
		__type(key, key_);               \
		__type(value, value_);           \
		__uint(max_entries, max_);       \
	} name_ SEC(".maps")
MAP(by_hash, BPF_MAP_TYPE_HASH, struct key, struct value, ENTRIES);
MAP(by_index, BPF_MAP_TYPE_ARRAY, __u32, __u64, 64);
MAP(total, BPF_MAP_TYPE_ARRAY, __u32, __u64, 1);
MAP(per_cpu, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, 4);
MAP(cpu_hash, BPF_MAP_TYPE_PERCPU_HASH, __u32, struct value, ENTRIES);
/* An LRU evicts long before it is full. */
MAP(recent, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 4 * ENTRIES);
MAP(cpu_lru, BPF_MAP_TYPE_LRU_PERCPU_HASH, __u32, __u64, 4 * ENTRIES);
MAP(sizes, BPF_MAP_TYPE_HASH, __u32, struct hist, 16);
MAP(linear, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct hist, 1);
struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
	__uint(max_entries, 256);
} stacks SEC(".maps");

static void add(void *map, const void *key)
{
	__u64 one = 1, *v = bpf_map_lookup_elem(map, key);

	if (v)
		__sync_fetch_and_add(v, 1);
	else
		bpf_map_update_elem(map, key, &one, BPF_NOEXIST);
}

static void add_value(void *map, const void *key, __u32 n)
{
	struct value first = { .calls = 1, .sum = n, .last = n }, *v = bpf_map_lookup_elem(map, key);

	if (!v) {
		bpf_map_update_elem(map, key, &first, BPF_NOEXIST);
		return;
	}
	__sync_fetch_and_add(&v->calls, 1);
	__sync_fetch_and_add(&v->sum, n);
	v->last = n;
}

static void add_slot(void *map, const void *key, __u64 slot)
{
	static struct hist none;
	struct hist *h;

	asm volatile("%0 &= 15" : "+r"(slot));	/* clang leaves an & out that the verifier needs to see */
	bpf_map_update_elem(map, key, &none, BPF_NOEXIST);
	h = bpf_map_lookup_elem(map, key);
	if (h)
		__sync_fetch_and_add(&h->slots[slot], 1);
}

static __u32 log2_of(__u32 v)
{
	__u32 r = 0;

	for (int i = 0; i < 31 && v > 1; i++, r++)
		v >>= 1;
	return r;
}

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	__u32 n, i, few, some, zero = 0;
	struct key key = {};

	if (!ticker_called(ctx, &n))
		return 0;
	key.n = i = n % (entries ?: 1);
	few = n % 4;
	some = n % 64;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	add_value(&by_hash, &key, n);
	add(&by_index, &some);
	add(&total, &zero);
	add(&per_cpu, &few);
	add_value(&cpu_hash, &i, n);
	add(&recent, &i);
	add(&cpu_lru, &i);
	add_slot(&sizes, &few, log2_of(n % 1000));
	add_slot(&linear, &zero, n % 160 / 10);
	bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	if (delete_odd && i % 2)
		bpf_map_delete_elem(&recent, &i);
	return 0;
}
