// SPDX-License-Identifier: GPL-2.0-or-later
/* nmi OBJECT N: with tests/bpf/nmi.bpf.o, N events and N interrupts in the middle of making them. Prints how many
 * interrupts came, and what was counted: produced, ring_full, nmi. Status 3: this machine has no such breakpoints. */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../abi/counts.h"
#include "../../common/base.h"

static struct {
	uint64_t address, interrupts;
} bss;

static int die(const char *what)
{
	fprintf(stderr, "nmi: %s: %s\n", what, strerror(errno));
	return 1;
}

static int fd_of(struct bpf_object *o, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(o, name));
}

static int run(struct bpf_object *o, const char *name)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(fd_of(o, name), &opts);

	return err < 0 ? err : (int)opts.retval;
}

static void read_bss(struct bpf_object *o)
{
	uint32_t zero = 0;

	bpf_map_lookup_elem(bpf_map__fd(bpf_object__find_map_by_name(o, ".bss")), &zero, &bss);
}

static void print_counts(struct bpf_object *o)
{
	int n = libbpf_num_possible_cpus();
	struct agent_counts counts[n > 0 ? n : 1], sum = {};
	uint32_t zero = 0;

	bpf_map_lookup_elem(bpf_map__fd(bpf_object__find_map_by_name(o, "events_counts")), &zero, counts);
	for (int i = 0; i < n; i++) {
		sum.produced += counts[i].produced;
		sum.ring_full += counts[i].ring_full;
		sum.nmi += counts[i].nmi;
	}
	read_bss(o);
	printf("%llu %llu %llu %llu\n", (unsigned long long)bss.interrupts, (unsigned long long)sum.produced,
	       (unsigned long long)sum.ring_full, (unsigned long long)sum.nmi);
}

int main(int argc, char **argv)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_BREAKPOINT, .size = sizeof(attr), .sample_period = 1,
					.bp_type = HW_BREAKPOINT_W, .bp_len = HW_BREAKPOINT_LEN_8 };
	struct bpf_object *o = argc > 2 ? bpf_object__open(argv[1]) : NULL;
	struct bpf_link *link;
	int fd;

	if (!o || bpf_object__load(o) < 0)
		return die("load");
	if (run(o, "find") != 0)
		return die("find");
	read_bss(o);
	attr.bp_addr = bss.address;
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		die("perf_event_open");
		return 3;
	}
	link = bpf_program__attach_perf_event(bpf_object__find_program_by_name(o, "on_breakpoint"), fd);
	if (!link)
		return die("attach");
	for (long i = atol(argv[2]); i > 0; i--)
		if (run(o, "produce") < 0)
			return die("produce");
	print_counts(o);
	bpf_link__destroy(link);
	bpf_object__close(o);
	return 0;
}
