/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "crc32c.h"
#include "memfd.h"

#define MAGIC	  0x31304e5350414e53ULL	/* "SNAPSN01" */
#define HEADS_AT  1024u
#define DATA_AT	  4096u

struct super {
	uint64_t magic;
	struct snapshot_shape shape;
	uint64_t begun_ns;
	uint32_t crc;			/* CRC32C of all above */
	uint32_t spare;
};
_Static_assert(sizeof(struct snapshot_shape) == 24 && sizeof(struct super) == 48, "no padding: it has a CRC");
_Static_assert(sizeof(struct snapshot_head) == 48, "no padding: it has a CRC");

static uint32_t super_crc(const struct super *s)
{
	return crc32c(0, s, offsetof(struct super, crc));
}

static uint32_t head_crc(const struct snapshot_head *h)
{
	return crc32c(0, h, offsetof(struct snapshot_head, crc));
}

uint32_t snapshot_capacity(uint32_t max_entries)
{
	return (uint32_t)MIN((uint64_t)max_entries + max_entries / 4 + 64, (uint64_t)UINT32_MAX);
}

static uint64_t keys_size(const struct snapshot_shape *s)
{
	return ALIGN_UP((uint64_t)s->capacity * s->key_size, 8);
}

static uint64_t values_size(const struct snapshot_shape *s)
{
	return ALIGN_UP((uint64_t)s->capacity * s->value_size, 8);
}

static uint64_t half_size(const struct snapshot_shape *s)
{
	return ALIGN_UP(keys_size(s) + values_size(s) + (uint64_t)s->capacity * sizeof(uint32_t), 4096);
}

uint64_t snapshot_size(const struct snapshot_shape *s)
{
	return DATA_AT + 2 * half_size(s);
}

static uint32_t data_crc(const struct snapshot_shape *s, const struct snapshot_half *h,
			 const struct snapshot_head *head)
{
	uint32_t crc = crc32c(0, h->keys, (size_t)head->stored * s->key_size);

	crc = crc32c(crc, h->values, (size_t)head->stored * s->value_size);
	return crc32c(crc, h->order, (size_t)head->n * sizeof(*h->order));
}

static bool order_is_within(const struct snapshot_half *h, const struct snapshot_head *head)
{
	for (uint32_t i = 0; i < head->n; i++)
		if (h->order[i] >= head->stored)
			return false;
	return true;
}

static bool counts(const struct snapshot *s, const struct snapshot_half *h)
{
	struct snapshot_head head = *h->head;

	return head.number && head.crc == head_crc(&head) && head.stored <= s->shape.capacity &&
	       head.n <= head.stored && head.given <= head.n && head.data_crc == data_crc(&s->shape, h, &head) &&
	       order_is_within(h, &head);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static bool is_ours(int fd, const struct snapshot_shape *shape, struct super *ret)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == snapshot_size(shape) &&
	       pread(fd, ret, sizeof(*ret), 0) == sizeof(*ret) && ret->magic == MAGIC && ret->crc == super_crc(ret) &&
	       memcmp(&ret->shape, shape, sizeof(*shape)) == 0;
}

/* The super block comes last: a file without one is nobody's. */
static int make(int fd, const struct snapshot_shape *shape, uint64_t now_ns, struct super *ret)
{
	struct super s = { .magic = MAGIC, .shape = *shape, .begun_ns = now_ns };
	int r;

	s.crc = super_crc(&s);
	if (ftruncate(fd, 0) < 0)
		return -errno;
	r = file_allocate(fd, snapshot_size(shape));
	if (r < 0)
		return r;
	if (pwrite(fd, &s, sizeof(s), 0) != sizeof(s))
		return -EIO;
	*ret = s;
	return 0;
}

static void place(struct snapshot *s)
{
	for (int i = 0; i < 2; i++) {
		struct snapshot_half *h = &s->halves[i];
		uint8_t *data = (uint8_t *)s->map + DATA_AT + (size_t)i * half_size(&s->shape);

		h->head = (struct snapshot_head *)((uint8_t *)s->map + HEADS_AT) + i;
		h->keys = data;
		h->values = data + keys_size(&s->shape);
		h->order = (uint32_t *)(h->values + values_size(&s->shape));
	}
}

int snapshot_open(struct snapshot *s, const char *path, const struct snapshot_shape *shape, uint64_t now_ns)
{
	cleanup(closep) int fd = -1;
	size_t size = snapshot_size(shape);
	struct super super;
	void *map;
	int err = 0;

	if (size > SNAPSHOT_SIZE_MAX)
		return -EFBIG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0660);
	if (fd < 0)
		return -errno;
	if (!is_ours(fd, shape, &super))
		err = make(fd, shape, now_ns, &super);
	if (err < 0)
		return err;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*s = (struct snapshot){
		.map = map, .size = size, .fd = take_fd(&fd), .shape = *shape, .begun_ns = super.begun_ns,
	};
	place(s);
	return 0;
}

void snapshot_close(struct snapshot *s)
{
	if (!s->map)
		return;
	munmap(s->map, s->size);
	close(s->fd);
	*s = (struct snapshot){};
}

/* ---- readings ---------------------------------------------------------------------------------------------------- */

void snapshot_last(const struct snapshot *s, struct snapshot_half **ret_last, struct snapshot_half **ret_before)
{
	struct snapshot_half *a = (struct snapshot_half *)&s->halves[0], *b = (struct snapshot_half *)&s->halves[1];

	if (!counts(s, a))
		a = NULL;
	if (!counts(s, b))
		b = NULL;
	if (a && b && a->head->number < b->head->number) {
		struct snapshot_half *swap = a;

		a = b;
		b = swap;
	}
	*ret_last = a ? a : b;
	*ret_before = a && b && b->head->number + 1 == a->head->number ? b : NULL;
}

struct snapshot_half *snapshot_begin(struct snapshot *s, const struct snapshot_half *last)
{
	struct snapshot_half *h = last == &s->halves[0] ? &s->halves[1] : &s->halves[0];

	__atomic_store_n(&h->head->number, 0, __ATOMIC_RELAXED);
	/* No byte of the data changes before. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return h;
}

void snapshot_publish(struct snapshot *s, struct snapshot_half *h, const struct snapshot_head *head)
{
	struct snapshot_head new = *head;

	new.data_crc = data_crc(&s->shape, h, &new);
	new.crc = head_crc(&new);
	/* With its number, which is written last, it counts. */
	h->head->first = new.first;
	h->head->given = new.given;
	h->head->time_ns = new.time_ns;
	h->head->stored = new.stored;
	h->head->n = new.n;
	h->head->data_crc = new.data_crc;
	h->head->crc = new.crc;
	__atomic_store_n(&h->head->number, new.number, __ATOMIC_RELEASE);
}

int snapshot_look(const char *path, uint32_t map_id, struct snapshot_head *ret)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct snapshot_head heads[2], *last = NULL;
	struct super super;

	if (fd < 0)
		return -errno;
	if (pread(fd, &super, sizeof(super), 0) != sizeof(super) || super.magic != MAGIC ||
	    super.crc != super_crc(&super) || super.shape.map_id != map_id ||
	    pread(fd, heads, sizeof(heads), HEADS_AT) != sizeof(heads))
		return -ENODATA;
	for (int i = 0; i < 2; i++)
		if (heads[i].number && heads[i].crc == head_crc(&heads[i]) &&
		    (!last || heads[i].number > last->number))
			last = &heads[i];
	if (!last)
		return -ENODATA;
	*ret = *last;
	return 0;
}
