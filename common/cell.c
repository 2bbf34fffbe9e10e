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

void cell_publish(struct spool_cell *c, uint32_t slot_size, uint32_t len)
{
	uint32_t seq = seq_after(__atomic_load_n(&c->seq, __ATOMIC_RELAXED));
	struct spool_slot *s = slot_of(c, slot_size, seq), head = { .seq = seq, .len = len };

	/* Never read back: the other side may write here, too, and its length would be ours. */
	head.crc = slot_crc(&head, s + 1);
	*s = head;
	/* Everything before, the records that the payload speaks of included, is seen by whoever sees this number. */
	__atomic_store_n(&c->seq, seq, __ATOMIC_RELEASE);
}

static int slot_check(const struct spool_slot *s, uint32_t seq, const void *payload)
{
	return s->seq == seq && s->crc == slot_crc(s, payload) ? 0 : -EBADMSG;
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
