/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cell.h"
#include "crc32c.h"

#define READ_TRIES 1000

static struct spool_slot *slot_of(const struct spool_cell *c, uint32_t slot_size, uint32_t seq)
{
	return (struct spool_slot *)((char *)(c + 1) + (size_t)(seq & 1) * slot_size);
}

/* 0 means "nothing yet", so 2 follows the last number: the slots go on taking turns. */
static uint32_t seq_after(uint32_t seq)
{
	return seq == UINT32_MAX ? 2 : seq + 1;
}

static uint32_t slot_crc(const struct spool_slot *head, const void *payload)
{
	return crc32c(crc32c(0, head, offsetof(struct spool_slot, crc)), payload, head->len);
}

void *cell_prepare(struct spool_cell *c, uint32_t slot_size)
{
	/* Whoever sees what is written into this slot from now on sees, too, that the other one counts: the release in
	 * cell_publish() says so of what came before it, not of what comes after. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return slot_of(c, slot_size, seq_after(__atomic_load_n(&c->seq, __ATOMIC_RELAXED))) + 1;
}

void cell_publish(struct spool_cell *c, uint32_t slot_size, uint32_t len, struct spool_slot *copy)
{
	uint32_t seq = seq_after(__atomic_load_n(&c->seq, __ATOMIC_RELAXED));
	struct spool_slot *s = slot_of(c, slot_size, seq), head = { .seq = seq, .len = len };

	/* Never read back: the other side may write here, too, and its length would be ours. */
	head.crc = slot_crc(&head, s + 1);
	if (copy) {
		memcpy(copy + 1, s + 1, len);
		*copy = head;
	}
	*s = head;
	/* Everything before, the records that the payload speaks of included, is seen by whoever sees this number. */
	__atomic_store_n(&c->seq, seq, __ATOMIC_RELEASE);
}

static int slot_check(const struct spool_slot *s, uint32_t seq, const void *payload)
{
	return s->seq == seq && s->crc == slot_crc(s, payload) ? 0 : -EBADMSG;
}

static bool is_whole(const struct spool_slot *s, uint32_t slot_size, uint32_t size)
{
	return s->seq && s->len <= MIN(size, slot_size - (uint32_t)sizeof(*s)) && slot_check(s, s->seq, s + 1) == 0;
}

/* 0 is no number, hence the step over it. */
static bool is_newer(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

int cell_recover(struct spool_cell *c, uint32_t slot_size, const struct spool_slot *copy, void *ret, uint32_t size)
{
	const struct spool_slot *slots[] = { slot_of(c, slot_size, 0), slot_of(c, slot_size, 1), copy }, *newest = NULL;
	unsigned whole = 0;
	bool certain;

	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
		const struct spool_slot *s = slots[i];

		if (!s || !is_whole(s, slot_size, size) || (i < 2 && (s->seq & 1) != i))
			continue;
		whole |= 1u << i;
		if (!newest || is_newer(s->seq, newest->seq))
			newest = s;
	}
	if (!newest)
		return c->seq ? -EBADMSG : -ENODATA;
	certain = c->seq == newest->seq || (whole & 3) == 3 || (whole & 4 && copy->seq == newest->seq);
	memcpy(ret, newest + 1, newest->len);
	memset((char *)ret + newest->len, 0, size - newest->len);
	__atomic_store_n(&c->seq, newest->seq, __ATOMIC_RELEASE);
	return certain ? 0 : 1;
}

int cell_read(const struct spool_cell *c, uint32_t slot_size, void *ret, uint32_t size)
{
	uint8_t buf[slot_size];
	struct spool_slot slot;

	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE);
		const struct spool_slot *s = slot_of(c, slot_size, seq);
		uint32_t n;

		if (seq == 0)
			return -ENODATA;
		memcpy(&slot, s, sizeof(slot));
		n = MIN(slot.len, (uint32_t)(slot_size - sizeof(slot)));
		memcpy(buf, s + 1, n);
		/* The copy is made before the number is looked at again. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&c->seq, __ATOMIC_RELAXED) != seq)
			continue;
		if (slot.len != n || n > size || slot_check(&slot, seq, buf) < 0)
			return -EBADMSG;
		memcpy(ret, buf, n);
		memset((char *)ret + n, 0, size - n);
		return 0;
	}
	return -EAGAIN;
}
