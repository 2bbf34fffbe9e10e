// SPDX-License-Identifier: GPL-2.0-or-later
/* A map whose values are nested deeper than can be shown. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define IN(outer, inner) struct outer { struct inner in; }
struct l1 {
	__u32 word;
};
IN(l2, l1);
IN(l3, l2);
IN(l4, l3);
IN(l5, l4);
IN(l6, l5);
IN(l7, l6);
IN(l8, l7);
IN(l9, l8);
IN(l10, l9);
IN(l11, l10);
IN(l12, l11);
IN(l13, l12);
IN(l14, l13);
IN(l15, l14);
IN(l16, l15);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct l16);
} deep SEC(".maps");
