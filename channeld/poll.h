/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A polled map: read as a whole from time to time, laid beside the reading before, and given entry by entry. */
#ifndef EBPF_AGENT_POLL_H
#define EBPF_AGENT_POLL_H

#include <linux/bpf.h>

#include "../common/manifest.h"
#include "../common/snapshot.h"

struct poll {
	int fd;
	struct bpf_map_info info;
	const struct manifest_poll *conf;
	uint32_t copies, stride;	/* of a value: as many as CPUs of a per-CPU map, else 1; bytes of each */
	bool is_stack;
	struct snapshot snapshot;
	struct snapshot_half *now, *before;	/* the reading that is given, and the one before; NULL: none */
	uint32_t now_n, before_n;	/* entries in their orders */
	uint32_t now_at, before_at;	/* in their orders: what is looked at next */
};

/* An entry that is given. */
struct poll_entry {
	uint32_t now;			/* index in p->now */
	bool has_base;			/* there is something that its values count from */
	uint32_t base;			/* index in p->before */
};
#define POLL_ALL_CPUS UINT32_MAX

/* poll_read.c: reads the whole map into @h and puts it in order: *ret_stored entries, of which *ret_n are in the order.
 * -E2BIG: it holds more than it may, for the moment: try again; other -errno: the kernel's. */
int poll_read(const struct poll *p, struct snapshot_half *h, uint32_t *ret_stored, uint32_t *ret_n);

/* poll_walk.c: from the start of p->now. */
void poll_rewind(struct poll *p);
/* The next entry that is given: every one, or, with `reset`, and of stacks, those that changed. It follows from the two
 * readings alone. False: there is none. */
bool poll_next(struct poll *p, struct poll_entry *ret);
/* A value of an entry: what it is, or (with `reset`) what was added; of one CPU, or the sum. */
uint64_t poll_value(const struct poll *p, const struct poll_entry *e, const struct manifest_value *v, uint32_t slot,
		    uint32_t cpu);
/* Bytes of a record: the key, then the value of one CPU in which the values are as poll_value() has them; without
 * values that are known as such: the copies of all CPUs. */
uint32_t poll_record_len(const struct poll *p);
void poll_record(const struct poll *p, const struct poll_entry *e, uint8_t *out);

static inline const uint8_t *poll_key(const struct poll *p, const struct snapshot_half *h, uint32_t i)
{
	return h->keys + (size_t)i * p->info.key_size;
}

static inline const uint8_t *poll_copies(const struct poll *p, const struct snapshot_half *h, uint32_t i)
{
	return h->values + (size_t)i * p->stride * p->copies;
}

/* Types that are polled. */
bool poll_type_known(uint32_t type);
/* Do values of this type come once per CPU? */
bool poll_is_per_cpu(uint32_t type);

#endif
