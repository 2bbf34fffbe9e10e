/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "batch.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "memfd.h"
#include "results.h"

/* Packed one after the other, yet each row is offered its whole room: only what results fill is ever touched. */
#define OUT_SIZE ((uint64_t)BATCH_MAX * BATCH_OUT_ROOM)
#define ROW_UNTOUCHED INT32_MIN		/* in `err`: the sandbox never wrote this row */

/* The other side changes it at any time: exactly one read. */
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

static int make_area(struct batch *b)
{
	size_t size = BATCH_IN_OFFSET + BATCH_IN_SIZE + OUT_SIZE;
	void *area;
	int fd = memfd_shared("ebpf-agent-batch", size, &area);

	if (fd < 0)
		return fd;
	b->fd = fd;
	b->area = area;
	b->area_size = size;
	return 0;
}

int batch_init_room(struct batch *b, uint32_t room)
{
	int r;

	memset(b, 0, sizeof(*b));
	b->fd = b->request = b->done = -1;
	if (room < 4096 || room > OUT_SIZE)
		return -EINVAL;
	b->room = room;
	r = make_area(b);
	if (r == 0) {
		/* Not blocking: a sandbox may fill our own request counter up, and we would wait for it for ever. */
		b->request = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		b->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		b->in = malloc(BATCH_IN_SIZE);
		b->result = malloc(room);
		if (b->request < 0 || b->done < 0)
			r = -errno;
		else if (!b->in || !b->result)
			r = -ENOMEM;
	}
	if (r < 0)
		batch_fini(b);
	return r;
}

int batch_init(struct batch *b)
{
	return batch_init_room(b, BATCH_OUT_ROOM);
}

void batch_fini(struct batch *b)
{
	if (b->area) {
		munmap(b->area, b->area_size);
		closep(&b->fd);
		closep(&b->request);
		closep(&b->done);
	}
	free(b->in);
	free(b->result);
	memset(b, 0, sizeof(*b));
}

int batch_add(struct batch *b, const struct batch_call *call, const void *data, uint32_t len, uint64_t cookie)
{
	uint32_t off = ALIGN_UP(b->used, 8);

	if (len > BATCH_IN_SIZE)
		return -EMSGSIZE;
	if (b->n == BATCH_MAX || off > BATCH_IN_SIZE - len)
		return -ENOSPC;
	if (len)
		memcpy(b->in + off, data, len);
	b->records[b->n++] = (struct batch_record){ .off = off, .len = len, .call = *call, .cookie = cookie };
	b->used = off + len;
	return 0;
}

int batch_add_call(struct batch *b, uint16_t function, const void *data, uint32_t len, uint64_t cookie)
{
	const struct batch_call call = { .function = function, .hash = BATCH_NO_FUNCTION };

	return batch_add(b, &call, data, len, cookie);
}

void batch_clear(struct batch *b)
{
	b->n = b->used = 0;
}

void batch_reset(struct batch *b)
{
	uint64_t count;

	while (read(b->request, &count, sizeof(count)) > 0)
		;
	batch_take_ring(b);
	memset(b->area, 0, sizeof(*b->area));
	b->area->in_size = BATCH_IN_SIZE;
	b->area->out_size = OUT_SIZE;
	b->area->out_room = b->room;
	b->area->done_seq = b->seq;
	for (size_t i = 0; i < BATCH_MAX_CHANNELS; i++)
		if (b->channels[i])
			snprintf(b->area->channels[i], sizeof(b->area->channels[i]), "%s", b->channels[i]);
}

/* The rows are written. */
static int hand_over(struct batch *b, uint32_t n)
{
	struct batch_area *a = b->area;
	const uint64_t one = 1;

	a->n = n;
	a->in_flight = 0;
	batch_take_ring(b);
	__atomic_store_n(&a->seq, ++b->seq, __ATOMIC_RELEASE);
	if (write(b->request, &one, sizeof(one)) < 0 && errno != EAGAIN)	/* full: it is readable all the same */
		return -errno;
	return 0;
}

int batch_submit(struct batch *b, uint32_t first, uint32_t n)
{
	const struct batch_record *rec = b->records + first, *last = rec + n - 1;
	struct batch_area *a = b->area;

	memcpy((char *)a + BATCH_IN_OFFSET + rec->off, b->in + rec->off, last->off + last->len - rec->off);
	for (uint32_t i = 0; i < n; i++)
		a->rows[i] = (struct batch_row){
			.in_off = rec[i].off, .in_len = rec[i].len, .input = BATCH_INPUT_AREA,
			.function = rec[i].call.function, .hash = rec[i].call.hash, .channel = rec[i].call.channel,
			.err = ROW_UNTOUCHED,
		};
	return hand_over(b, n);
}

int batch_submit_file(struct batch *b, uint16_t function, uint32_t len)
{
	b->area->rows[0] = (struct batch_row){
		.in_len = len, .function = function, .hash = BATCH_NO_FUNCTION, .input = BATCH_INPUT_FILE,
		.err = ROW_UNTOUCHED,
	};
	return hand_over(b, 1);
}

bool batch_take_ring(struct batch *b)
{
	uint64_t count;

	return read(b->done, &count, sizeof(count)) == sizeof(count);
}

bool batch_finished(const struct batch *b)
{
	return __atomic_load_n(&b->area->done_seq, __ATOMIC_ACQUIRE) == b->seq;
}

uint32_t batch_through(const struct batch *b, uint32_t n)
{
	uint32_t in_flight;

	if (batch_finished(b))
		return n;
	in_flight = __atomic_load_n(&b->area->in_flight, __ATOMIC_ACQUIRE);
	return in_flight >= 1 && in_flight <= n ? in_flight - 1 : 0;
}

enum spool_drop batch_copy(struct batch *b, uint32_t i, int32_t *ret_err, size_t *ret_len)
{
	const struct batch_row *row = &b->area->rows[i];
	uint32_t off = READ_ONCE(row->out_off), len = READ_ONCE(row->out_len);

	*ret_err = READ_ONCE(row->err);
	*ret_len = 0;
	if (len == 0)
		return SPOOL_DROP_FILTERED;
	if (len > b->room)
		return SPOOL_DROP_OVERSIZE;
	if (off > OUT_SIZE - len)
		return SPOOL_DROP_SO_ERROR;
	memcpy(b->result, (const char *)b->area + BATCH_IN_OFFSET + BATCH_IN_SIZE + off, len);
	*ret_len = len;
	return SPOOL_N_DROPS;
}

enum spool_drop batch_result(struct batch *b, uint32_t i, size_t *ret_len)
{
	int32_t err;
	size_t len;
	enum spool_drop drop = batch_copy(b, i, &err, &len);

	if (err != 0)
		return SPOOL_DROP_SO_ERROR;
	if (drop != SPOOL_N_DROPS)
		return drop;
	if (results_check(b->result, len) < 0)
		return SPOOL_DROP_SO_ERROR;
	*ret_len = len;
	return SPOOL_N_DROPS;
}

bool batch_key(const struct batch *b, uint32_t i, uint64_t *ret)
{
	const struct batch_row *row = &b->area->rows[i];

	if (READ_ONCE(row->err) != 0)
		return false;
	*ret = READ_ONCE(row->key);
	return true;
}
