/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf_helpers.h>

/* enum bpf_map_type and BPF_RB_…, linux/bpf.h */
enum { ARRAY = 2, PERF_EVENT_ARRAY = 4, PERCPU_ARRAY = 6, LRU_HASH = 9, RINGBUF = 27 };
enum { AVAIL_DATA, RING_SIZE, CONS_POS, PROD_POS };
#define CURRENT_CPU 0xffffffffULL
#define HEADER 8

struct user user;

struct user_entry {
	struct user_entry *next;
	void *key, *value;	/* of their own, so that a sanitizer sees their ends; per CPU: USER_CPUS values */
};

struct reserved {
	struct user_map *ring;
	size_t size;
	uint64_t canary;
	char data[];
};
#define CANARY 0x5ca1ab1e0ddba11ULL

#define check(cond)                                                                              \
	do {                                                                                     \
		if (!(cond)) {                                                                   \
			fprintf(stderr, "bpf_user: %s: %s\n", __func__, #cond);                  \
			abort();                                                                 \
		}                                                                                \
	} while (0)

static void *must(void *p)
{
	check(p);
	return p;
}

/* ---- a test's side ----------------------------------------------------------------------------------------------- */

static void free_entry(struct user_entry *e)
{
	free(e->key);
	free(e->value);
	free(e);
}

void user_reset(void)
{
	check(user.n_reserved == 0);
	for (size_t i = 0; i < USER_MAPS; i++)
		for (struct user_entry *e = user.maps[i].first, *next; e; e = next) {
			next = e->next;
			free_entry(e);
		}
	for (struct user_record *r = user.records, *next; r; r = next) {
		next = r->next;
		free(r);
	}
	user = (struct user){ .now_ns = 1000, .pid_tgid = 7ULL << 32 | 8, .comm = "someone", .garbage = 0xa5 };
	user.last = &user.records;
}

int user_teardown(void **state)
{
	(void)state;
	user_reset();
	return 0;
}

static void add_region(struct user_region *regions, uintptr_t at, const void *bytes, size_t size)
{
	for (size_t i = 0; i < USER_REGIONS; i++)
		if (!regions[i].size) {
			regions[i] = (struct user_region){ at, bytes, size };
			return;
		}
	check(!"room for a region");
}

void user_kernel_memory(const void *bytes, size_t size)
{
	add_region(user.kernel, (uintptr_t)bytes, bytes, size);
}

void user_process_memory(uintptr_t at, const void *bytes, size_t size)
{
	add_region(user.process, at, bytes, size);
}

static struct user_entry *new_entry(const struct user_map *m, const void *key)
{
	size_t copies = m->type == PERCPU_ARRAY ? USER_CPUS : 1;
	struct user_entry *e = must(calloc(1, sizeof(*e)));

	e->key = must(malloc(m->key_size));
	e->value = must(malloc(m->value_size * copies));
	memcpy(e->key, key, m->key_size);
	return e;
}

static bool is_array(const struct user_map *m)
{
	return m->type == ARRAY || m->type == PERCPU_ARRAY;
}

static void fill_array(struct user_map *m)
{
	size_t copies = m->type == PERCPU_ARRAY ? USER_CPUS : 1;

	for (uint32_t i = 0; i < m->max_entries; i++) {
		struct user_entry *e = new_entry(m, &i);

		memset(e->value, 0, m->value_size * copies);
		e->next = m->first;
		m->first = e;
	}
}

struct user_map *user_add_map(const void *map, unsigned type, uint32_t max_entries, uint32_t key_size,
			      uint32_t value_size)
{
	for (size_t i = 0; i < USER_MAPS; i++) {
		struct user_map *m = &user.maps[i];

		if (m->map)
			continue;
		*m = (struct user_map){ .map = map, .type = type, .max_entries = max_entries, .key_size = key_size,
					.value_size = value_size };
		if (is_array(m))
			fill_array(m);
		return m;
	}
	check(!"room for a map");
	return NULL;
}

struct user_map *user_find_map(const void *map)
{
	for (size_t i = 0; i < USER_MAPS; i++)
		if (user.maps[i].map == map)
			return &user.maps[i];
	check(!"a map that was added");
	return NULL;
}

void user_consume(struct user_map *ring)
{
	ring->consumed = ring->produced;
}

static struct user_entry *find_entry(struct user_map *m, const void *key)
{
	for (struct user_entry *e = m->first; e; e = e->next)
		if (memcmp(e->key, key, m->key_size) == 0)
			return e;
	return NULL;
}

void *user_per_cpu(const void *map, unsigned cpu)
{
	struct user_map *m = user_find_map(map);
	uint32_t zero = 0;

	check(m->type == PERCPU_ARRAY && cpu < USER_CPUS);
	return (char *)find_entry(m, &zero)->value + (size_t)cpu * m->value_size;
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

void *bpf_map_lookup_elem(void *map, const void *key)
{
	struct user_map *m = user_find_map(map);
	struct user_entry *e = m->absent ? NULL : find_entry(m, key);

	check(m->key_size);
	if (!e)
		return NULL;
	return (char *)e->value + (m->type == PERCPU_ARRAY ? user.cpu : 0) * (size_t)m->value_size;
}

/* The oldest goes, as in an LRU map that is full. */
static void evict(struct user_map *m)
{
	struct user_entry **e = &m->first;
	size_t n = 0;

	for (struct user_entry *i = m->first; i; i = i->next)
		n++;
	if (n < m->max_entries)
		return;
	while ((*e)->next)
		e = &(*e)->next;
	free_entry(*e);
	*e = NULL;
}

long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
{
	struct user_map *m = user_find_map(map);
	struct user_entry *e = find_entry(m, key);

	check(m->key_size && m->type != PERCPU_ARRAY && flags <= 2);
	if (m->absent)
		return -ENOMEM;
	if (flags == 1 && e)
		return -EEXIST;
	if (flags == 2 && !e)
		return -ENOENT;
	if (!e) {
		evict(m);
		e = new_entry(m, key);
		e->next = m->first;
		m->first = e;
	}
	memcpy(e->value, value, m->value_size);
	return 0;
}

long bpf_map_delete_elem(void *map, const void *key)
{
	struct user_map *m = user_find_map(map);

	check(m->key_size && !is_array(m));
	for (struct user_entry **e = &m->first; *e; e = &(*e)->next)
		if (memcmp((*e)->key, key, m->key_size) == 0) {
			struct user_entry *gone = *e;

			*e = gone->next;
			free_entry(gone);
			return 0;
		}
	return -ENOENT;
}

/* ---- rings: kernel/bpf/ringbuf.c --------------------------------------------------------------------------------- */

static struct user_map *find_ring(enum user_helper h, void *map)
{
	struct user_map *m = user_find_map(map);

	check(m->type == (h == USER_PERF_OUTPUT ? PERF_EVENT_ARRAY : RINGBUF));
	if (user.meanwhile)
		user.meanwhile(h, m);
	return m;
}

static bool take_room(struct user_map *m, uint64_t size)
{
	uint64_t need = (size + HEADER + 7) / 8 * 8;

	if (need > m->max_entries || m->produced + need - m->consumed > m->max_entries - 1)
		return false;
	m->produced += need;
	return true;
}

bool user_produce(struct user_map *ring, uint64_t size)
{
	return take_room(ring, size);
}

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	struct user_map *m = find_ring(USER_RESERVE, ring);
	struct reserved *r;

	check(flags == 0);
	if (m->locked || !take_room(m, size))
		return NULL;
	r = must(malloc(sizeof(*r) + size));
	*r = (struct reserved){ m, size, CANARY };
	memset(r->data, user.garbage, size);
	user.n_reserved++;
	return r->data;
}

static void add_record(const void *map, const void *data, size_t size)
{
	struct user_record *r = must(malloc(sizeof(*r) + size));

	*r = (struct user_record){ .map = map, .size = size };
	memcpy(r->data, data, size);
	*user.last = r;
	user.last = &r->next;
	user.n_records++;
}

const struct user_record *user_last(void)
{
	const struct user_record *r = user.records;

	while (r && r->next)
		r = r->next;
	return r;
}

static void let_go(void *record, bool submit)
{
	struct reserved *r = (struct reserved *)((char *)record - offsetof(struct reserved, data));

	check(record && r->canary == CANARY && user.n_reserved);
	if (submit)
		add_record(r->ring->map, r->data, r->size);
	else
		user.n_discarded++;
	user.n_reserved--;
	r->canary = 0;
	free(r);
}

void bpf_ringbuf_submit(void *record, __u64 flags)
{
	check(flags <= 2);
	let_go(record, true);
}

void bpf_ringbuf_discard(void *record, __u64 flags)
{
	check(flags <= 2);
	let_go(record, false);
}

long bpf_ringbuf_output(void *ring, void *data, __u64 size, __u64 flags)
{
	struct user_map *m = find_ring(USER_OUTPUT, ring);

	check(flags <= 2);
	if (m->locked || !take_room(m, size))
		return -EAGAIN;
	add_record(ring, data, size);
	return 0;
}

__u64 bpf_ringbuf_query(void *ring, __u64 what)
{
	struct user_map *m = find_ring(USER_QUERY, ring);

	switch (what) {
	case AVAIL_DATA: return m->produced - m->consumed;
	case RING_SIZE: return m->max_entries;
	case CONS_POS: return m->consumed;
	case PROD_POS: return m->produced;
	}
	return 0;
}

long bpf_perf_event_output(void *ctx, void *map, __u64 flags, void *data, __u64 size)
{
	struct user_map *m = find_ring(USER_PERF_OUTPUT, map);

	check(ctx && flags == CURRENT_CPU);
	if (m->perf_error)
		return m->perf_error;
	add_record(map, data, size);
	return 0;
}

/* ---- memory and whoever is running ------------------------------------------------------------------------------- */

static const char *find_bytes(const struct user_region *regions, uintptr_t at, size_t size, size_t *ret_left)
{
	user.n_reads++;
	if (user.fault_in && --user.fault_in == 0)
		return NULL;
	for (size_t i = 0; i < USER_REGIONS; i++)
		if (at >= regions[i].at && at - regions[i].at <= regions[i].size &&
		    size <= regions[i].size - (at - regions[i].at)) {
			*ret_left = regions[i].size - (at - regions[i].at);
			return (const char *)regions[i].bytes + (at - regions[i].at);
		}
	return NULL;
}

/* What cannot be read becomes zeros, all of it. */
static long probe_read(const struct user_region *regions, void *to, size_t size, const void *from)
{
	size_t left;
	const char *bytes = find_bytes(regions, (uintptr_t)from, size, &left);

	if (!bytes) {
		memset(to, 0, size);
		return -EFAULT;
	}
	memcpy(to, bytes, size);
	return 0;
}

long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
	return probe_read(user.kernel, to, size, from);
}

long bpf_probe_read_user(void *to, __u32 size, const void *from)
{
	return size ? probe_read(user.process, to, size, from) : 0;
}

long bpf_probe_read_kernel_str(void *to, __u32 size, const void *from)
{
	size_t left, len;
	const char *bytes = find_bytes(user.kernel, (uintptr_t)from, 1, &left);

	if (!bytes) {
		memset(to, 0, size);
		return -EFAULT;
	}
	if (!size)
		return 0;
	len = strnlen(bytes, left < size - 1 ? left : size - 1);
	memcpy(to, bytes, len);
	((char *)to)[len] = '\0';
	return (long)len + 1;
}

__u64 bpf_ktime_get_ns(void) { return user.now_ns; }
__u64 bpf_get_current_pid_tgid(void) { return user.pid_tgid; }
__u64 bpf_get_current_uid_gid(void) { return user.uid_gid; }
__u64 bpf_get_current_cgroup_id(void) { return user.cgroup_id; }
__u64 bpf_get_socket_cookie(void *sk) { return (uintptr_t)sk; }

long bpf_get_current_comm(void *to, __u32 size)
{
	memset(to, 0, size);
	memcpy(to, user.comm, strnlen(user.comm, size - 1));
	return 0;
}
