/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel, as far as a BPF program sees it, for programs of bpf/ that were compiled for user space: what a test sets
 * before it calls a program, and what came out. A helper that is used in a way that the verifier would refuse, or that
 * would corrupt a ring, ends the test (abort).
 *
 * Include it behind the program: it needs nothing of it but its maps. */
#ifndef TESTS_BPF_USER_H
#define TESTS_BPF_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USER_MAPS    8
#define USER_CPUS    4
#define USER_REGIONS 16

enum user_helper { USER_RESERVE, USER_OUTPUT, USER_QUERY, USER_PERF_OUTPUT };

struct user_map {
	const void *map;		/* the variable in the program */
	unsigned type;			/* enum bpf_map_type */
	uint32_t max_entries, key_size, value_size;
	bool absent;			/* look-ups find nothing, updates fail */
	/* a ring */
	uint64_t produced, consumed;	/* positions */
	bool locked;			/* whoever asks for a place is in NMI context, and the lock is held */
	int perf_error;			/* of a perf event array: what output says, -errno */
	/* others: entries in the order of their update */
	struct user_entry *first;
};

struct user_record {
	struct user_record *next;
	const void *map;
	size_t size;
	char data[];			/* NUL behind it: a sanitizer sees who reads on */
};

struct user_region {
	uintptr_t at;
	const void *bytes;
	size_t size;
};

extern struct user {
	uint64_t now_ns, pid_tgid, uid_gid, cgroup_id;
	char comm[16];
	unsigned cpu;
	/* What a place in a ring holds before the program writes: an earlier record. */
	unsigned char garbage;
	/* Memory that can be read, of the kernel and of the current process. All else faults, and so does the n-th read
	 * from now if fault_in is n (1: the next). */
	struct user_region kernel[USER_REGIONS], process[USER_REGIONS];
	unsigned fault_in;
	/* Called before a helper works: what others do in the meantime. */
	void (*meanwhile)(enum user_helper h, struct user_map *m);
	struct user_map maps[USER_MAPS];
	struct user_record *records, **last;	/* submitted, in order */
	unsigned n_records, n_reserved, n_discarded;	/* n_reserved: neither submitted nor discarded yet */
	unsigned n_reads;
} user;

/* Frees what there is; maps are to be added again. */
void user_reset(void);
/* The same, as cmocka has it. */
int user_teardown(void **state);
void user_kernel_memory(const void *bytes, size_t size);
/* @bytes as the current process has them at @at. */
void user_process_memory(uintptr_t at, const void *bytes, size_t size);

struct user_map *user_add_map(const void *map, unsigned type, uint32_t max_entries, uint32_t key_size,
			      uint32_t value_size);
#define USER_NUMBER(x) (sizeof(*(x)) / sizeof(int))	/* what __uint() hid in a type */
#define USER_ADD_RING(m) user_add_map(&(m), USER_NUMBER((m).type), USER_NUMBER((m).max_entries), 0, 0)
#define USER_ADD_PERF(m) user_add_map(&(m), USER_NUMBER((m).type), 0, USER_NUMBER((m).key_size), 0)
#define USER_ADD_MAP(m) \
	user_add_map(&(m), USER_NUMBER((m).type), USER_NUMBER((m).max_entries), sizeof(*(m).key), sizeof(*(m).value))
struct user_map *user_find_map(const void *map);

/* Takes all records out of a ring, as a consumer does; they stay in user.records. */
void user_consume(struct user_map *ring);
/* Another producer takes @size bytes of a ring. False: no room. */
bool user_produce(struct user_map *ring, uint64_t size);
/* The record that was submitted last; NULL: none was. */
const struct user_record *user_last(void);
/* The value of a per-CPU array on @cpu. */
void *user_per_cpu(const void *map, unsigned cpu);

#endif
