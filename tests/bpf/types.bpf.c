// SPDX-License-Identifier: GPL-2.0-or-later
/* An event of every C type: the test writes its bytes into the map `input`, and each ticker call sends them as they are, so that
 * the decoder and bpftool can be asked about the same bytes. The test knows where booleans, enums and texts lie. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum colour { RED = 1, GREEN = 2, LAST = 0x7fffffff };
enum level { BELOW = -1, EVEN = 0, ABOVE = 1 };

struct point {
	short x, y;
};

struct everything {
	__u64 u64;
	__s64 s64;
	__u32 u32;
	__s32 s32;
	__u16 u16;
	__s16 s16;
	__u8 u8;
	__s8 s8;
	__u8 raw[2];
	bool yes, no;		/* at 32 */
	char text[12];		/* at 34 */
	__u8 pair[2];
	enum colour colour;	/* at 48 */
	enum level level;	/* at 52 */
	void *pointer;
	struct {		/* at 64 */
		bool on;
		__u8 count;
		__u16 port;
		struct point at;
	} nested;
	__u32 bits3 : 3;
	__s32 bits5 : 5;
	__u32 bits24 : 24;
	__u32 numbers[3];
	struct point points[3];
	__s16 grid[2][3];
	union {
		__u32 word;
		__u8 bytes[4];
	} either;
	union {
		__u64 wide;
		__u32 halves[2];
	};
	char texts[2][8];	/* at the end */
};
_Static_assert(__builtin_offsetof(struct everything, yes) == 32 && __builtin_offsetof(struct everything, text) == 34 &&
	       __builtin_offsetof(struct everything, colour) == 48 && __builtin_offsetof(struct everything, nested) == 64 &&
	       __builtin_offsetof(struct everything, texts) == sizeof(struct everything) - 16, "decode.t knows these places");

AGENT_RING(events, 1 << 20);
AGENT_EVENT(events, everything);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct everything);
} input SEC(".maps");

struct sys_enter_getpriority {
	__u64 common;
	long nr;
	long which, who;
};

SEC("tracepoint/syscalls/sys_enter_getpriority")
int on_getpriority(struct sys_enter_getpriority *ctx)
{
	__u32 zero = 0;
	struct everything *e = bpf_map_lookup_elem(&input, &zero);

	if (ctx->which != 0x5eed || !e)
		return 0;
	agent_output(events, e, sizeof(*e));
	return 0;
}
