// SPDX-License-Identifier: GPL-2.0-or-later
/* A prog that is entered again while it runs: it is called at each page fault of the kernel, and causes one. Of each
 * fault at fault_address it makes an event, and the kernel counts a miss. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "agent.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u64 fault_address = 0;

struct fault {
	__u64 ts_ns;
	__u64 address;
};
AGENT_RING(faults, 1 << 20);
AGENT_EVENT(faults, fault);

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(on_fault, unsigned long address)
{
	struct fault *f;
	char byte;

	if (!fault_address || address != fault_address)
		return 0;
	/* Below any mapping: faults, always. */
	bpf_probe_read_user(&byte, 1, (void *)16);
	f = agent_reserve(faults, sizeof(*f));
	if (!f)
		return 0;
	f->ts_ns = bpf_ktime_get_ns();
	f->address = address;
	bpf_ringbuf_submit(f, 0);
	return 0;
}
