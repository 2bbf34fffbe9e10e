// SPDX-License-Identifier: GPL-2.0-or-later
/* An event with every C type that the decoder knows, but for those of floats.bpf.c. Its bytes are what a test put into
 * the map `input`, so that bpftool can print the very same bytes. */
#include "ticker.bpf.h"
#include "agent.bpf.h"

enum colour { RED = 1, GREEN = 2, BLUE = 0x7fffffff };
enum level { LOW = -1, MID = 0, HIGH = 1 };

struct point {
	__s16 x, y;
};

struct nested {
	struct point at;
	__u8 raw[3];
	struct {
		__s8 deep;
		_Bool on;
	} inner;
};

struct every {
	__u8 u8;
	__s8 s8;
	__u16 u16;
	__s16 s16;
	__u32 u32;
	__s32 s32;
	__u64 u64;
	__s64 s64;
	_Bool yes, no;
	char letter_text[12];
	enum colour colour;
	enum level level;
	struct nested nested;
	union {
		__u32 word;
		__u8 bytes[4];
		struct point as_point;
	} choice;
	union {
		__u16 anon_a;
		__u16 anon_b;
	};
	__u32 array[3];
	__s16 matrix[2][3];
	struct point points[2];
	enum colour colours[2];
	__u32 bit1 : 1, bits5 : 5, bits20 : 20;
	__s32 sbits3 : 3, sbits9 : 9;
	__u64 wide37 : 37;
	void *pointer;
	struct point *to_point;
	unsigned long ulong;
	long slong;
	__int128 s128;
	unsigned __int128 u128;
	char names[2][8];
};

AGENT_RING(events, 1 << 20);
AGENT_EVENT(events, every);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct every);
} input SEC(".maps");

SEC(TICKER_SECTION)
int on_getpriority(struct sys_enter *ctx)
{
	__u32 zero = 0, n;
	struct every *e;

	if (!ticker_called(ctx, &n))
		return 0;
	e = bpf_map_lookup_elem(&input, &zero);
	if (e)
		agent_output(events, e, sizeof(*e));
	return 0;
}
