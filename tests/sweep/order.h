/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the driver (sweep.py; order.py reads the tables, repeats the struct) tells the shim, and hears from it: a file
 * beside the shim, mapped by every process of an instance. It outlives them, so a failure that has happened does not
 * happen again to whoever is started instead. */
#ifndef EBPF_AGENT_SWEEP_ORDER_H
#define EBPF_AGENT_SWEEP_ORDER_H

#include <stdint.h>

/* Processes that are made to fail, by the name they were started under. */
#define SWEEP_KINDS(X)                                                                                       \
	X(loaderd,  "ebpf-loaderd",  "")                                                                     \
	X(load,     "ebpf-load",     "")                                                                     \
	X(broker,   "ebpf-broker",   "")                                                                     \
	X(channeld, "ebpf-channeld", "")                                                                     \
	X(worker,   "ebpf-channeld", "worker")                                                               \
	X(launcher, "ebpf-launcher", "")                                                                     \
	X(sandbox,  "ebpf-sandbox",  "")                                                                     \
	X(sinkd,    "ebpf-sinkd",    "")                                                                     \
	X(tagd,     "ebpf-tagd",     "")                                                                     \
	X(xdpd,     "ebpf-xdpd",     "")

/* Calls, and what each can fail with on Linux. A write is one to a regular file; one to a pipe, a socket or an eventfd
 * that blocks can only be interrupted, and one that does not block cannot even be that. */
#define SWEEP_CALLS(X)                                                                                       \
	X(malloc,    "ENOMEM")                                                                               \
	X(write,     "ENOSPC EIO EINTR")                                                                     \
	X(stream,    "EINTR")                                                                                \
	X(pwrite,    "ENOSPC EIO EINTR")                                                                     \
	X(mmap,      "ENOMEM EPERM")                                                                         \
	X(fallocate, "ENOSPC EIO EINTR EPERM")                                                               \
	X(fsync,     "EIO ENOSPC EINTR")                                                                     \
	X(rename,    "ENOSPC EPERM EIO ENOMEM")                                                              \
	X(bpf,       "ENOMEM EPERM")

enum sweep_kind {
#define X(name, binary, argument) SWEEP_##name,
	SWEEP_KINDS(X)
#undef X
	SWEEP_N_KINDS
};
enum sweep_call {
#define X(name, errors) SWEEP_CALL_##name,
	SWEEP_CALLS(X)
#undef X
	SWEEP_N_CALLS
};

#define SWEEP_MAGIC   0x70657773u
#define SWEEP_FRAMES  24
#define SWEEP_CRASHES 8
#define SWEEP_SITES   (1 << 17)		/* calls of one kind whose places are remembered */

struct sweep_where {
	int32_t pid, number;		/* number: the signal, or the errno */
	char kind[16];
	char frames[SWEEP_FRAMES][64];	/* "module+0xoffset", innermost first */
};

struct sweep_order {
	uint32_t magic, by_site;	/* by_site: note where calls come from; addresses are not random then */
	uint32_t armed, kind, call, error;
	uint64_t n;			/* the call to fail, from 1 on */
	uint32_t fired;			/* it has: once per order, whoever it was */
	uint32_t n_crashes;
	uint64_t counts[SWEEP_N_KINDS][SWEEP_N_CALLS];
	struct sweep_where where;	/* of the failure */
	struct sweep_where crashes[SWEEP_CRASHES];
	uint32_t sites[SWEEP_N_KINDS][SWEEP_N_CALLS][SWEEP_SITES];
};

#endif
