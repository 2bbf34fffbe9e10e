// SPDX-License-Identifier: GPL-2.0-or-later
/* Fills a ring buffer when told, with numbered records: run by BPF_PROG_TEST_RUN, so that a test knows each of them. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define FILL_MAX 1024		/* more in one run is beyond the verifier of older kernels */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 << 10);
} ring SEC(".maps");

struct fill_args {
	__u64 first, n;
};

/* Returns how many got no room. */
SEC("syscall")
int fill(struct fill_args *a)
{
	int full = 0;

	for (__u32 i = 0; i < FILL_MAX; i++) {
		__u64 number;

		if (i >= a->n)
			break;
		number = a->first + i;
		if (bpf_ringbuf_output(&ring, &number, sizeof(number), 0))
			full++;
	}
	return full;
}
