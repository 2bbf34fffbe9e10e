/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two readings side by side, both in the order of their keys. */
#include <endian.h>
#include <string.h>

#include "poll.h"

static const struct manifest_value *values_of(const struct poll *p)
{
	return p->conf->values.items;
}

static uint64_t load(const uint8_t *at, uint64_t bytes, bool is_signed)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;

	switch (bytes) {
	case 8: memcpy(&v8, at, 8); return v8;
	case 4: memcpy(&v4, at, 4); return is_signed ? (uint64_t)(int32_t)v4 : v4;
	case 2: memcpy(&v2, at, 2); return is_signed ? (uint64_t)(int16_t)v2 : v2;
	default: return is_signed ? (uint64_t)(int8_t)*at : *at;
	}
}

static uint64_t value_in(const struct poll *p, const struct snapshot_half *h, uint32_t i,
			 const struct manifest_value *v, uint32_t slot, uint32_t cpu)
{
	const uint8_t *at = poll_copies(p, h, i) + v->offset + slot * v->bytes;
	uint64_t sum = 0;

	if (cpu != POLL_ALL_CPUS)
		return load(at + (size_t)cpu * p->stride, v->bytes, v->is_signed);
	for (uint32_t c = 0; c < p->copies; c++)
		sum += load(at + (size_t)c * p->stride, v->bytes, v->is_signed);
	return sum;
}

uint64_t poll_value(const struct poll *p, const struct poll_entry *e, const struct manifest_value *v, uint32_t slot,
		    uint32_t cpu)
{
	uint64_t now = value_in(p, p->now, e->now, v, slot, cpu);

	return e->has_base ? now - value_in(p, p->before, e->base, v, slot, cpu) : now;
}

/* ---- which are given --------------------------------------------------------------------------------------------- */

static bool is_less(uint64_t a, uint64_t b, bool is_signed)
{
	return is_signed ? (int64_t)a < (int64_t)b : a < b;
}

/* An entry that has less than before is another one: it went away and came back. */
static bool went_back(const struct poll *p, uint32_t now, uint32_t before)
{
	const struct manifest_value *v = values_of(p);

	for (size_t i = 0; i < p->conf->values.n; i++)
		for (uint32_t slot = 0; slot < MAX(v[i].slots, 1UL); slot++)
			for (uint32_t c = 0; c < p->copies; c++) {
				uint32_t cpu = p->conf->per_cpu ? c : POLL_ALL_CPUS;

				if (is_less(value_in(p, p->now, now, &v[i], slot, cpu),
					    value_in(p, p->before, before, &v[i], slot, cpu), v[i].is_signed))
					return true;
				if (!p->conf->per_cpu)
					break;
			}
	return false;
}

static bool is_zero(const uint8_t *at, size_t n)
{
	return n == 0 || (*at == 0 && memcmp(at, at + 1, n - 1) == 0);
}

/* Of a sum that nothing was added to there is no sample, whatever its parts did. */
static bool has_anything(const struct poll *p, const struct poll_entry *e)
{
	const struct manifest_value *v = values_of(p);

	for (size_t i = 0; i < p->conf->values.n; i++)
		for (uint32_t slot = 0; slot < MAX(v[i].slots, 1UL); slot++)
			for (uint32_t c = 0; c < (p->conf->per_cpu ? p->copies : 1); c++)
				if (poll_value(p, e, &v[i], slot, p->conf->per_cpu ? c : POLL_ALL_CPUS))
					return true;
	return false;
}

/* Is there something to say of it? Of stacks each one once; with `reset`, what was added to. */
static bool is_given(const struct poll *p, struct poll_entry *e, bool was_there, uint32_t before)
{
	size_t size = (size_t)p->stride * p->copies;

	if (!p->is_stack && !p->conf->reset)
		return true;
	if (p->is_stack || p->conf->values.n == 0)
		return !was_there ||
		       memcmp(poll_copies(p, p->now, e->now), poll_copies(p, p->before, before), size) != 0;
	if (!was_there && is_zero(poll_copies(p, p->now, e->now), size))
		return false;
	if (was_there && memcmp(poll_copies(p, p->now, e->now), poll_copies(p, p->before, before), size) == 0)
		return false;
	e->has_base = was_there && !went_back(p, e->now, before);
	e->base = before;
	return has_anything(p, e);
}

void poll_rewind(struct poll *p)
{
	p->now_at = p->before_at = 0;
}

/* The reading before goes on up to @key. True: it has that key, too. */
static bool find_before(struct poll *p, const uint8_t *key, uint32_t *ret)
{
	while (p->before && p->before_at < p->before_n) {
		uint32_t i = p->before->order[p->before_at];
		int c = memcmp(poll_key(p, p->before, i), key, p->info.key_size);

		if (c > 0)
			return false;
		p->before_at++;
		if (c == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

bool poll_next(struct poll *p, struct poll_entry *ret)
{
	while (p->now && p->now_at < p->now_n) {
		struct poll_entry e = { .now = p->now->order[p->now_at++] };
		uint32_t before = 0;
		bool was_there = find_before(p, poll_key(p, p->now, e.now), &before);

		if (!is_given(p, &e, was_there, before))
			continue;
		*ret = e;
		return true;
	}
	return false;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

uint32_t poll_record_len(const struct poll *p)
{
	size_t value = p->conf->values.n || p->copies == 1 ? p->conf->value_size : (size_t)p->stride * p->copies;

	return p->info.key_size + (uint32_t)value;
}

/* As much of it as its field can hold. */
static void store(uint8_t *at, const struct manifest_value *v, uint64_t value)
{
	unsigned bits = (unsigned)v->bytes * 8;
	uint64_t max = v->is_signed ? UINT64_MAX >> (65 - bits) : UINT64_MAX >> (64 - bits);

	if (v->is_signed)
		value = (int64_t)value > (int64_t)max ? max : (int64_t)value < -(int64_t)max - 1 ? ~max : value;
	else
		value = MIN(value, max);
#if __BYTE_ORDER == __LITTLE_ENDIAN
	memcpy(at, &value, v->bytes);
#else
	memcpy(at, (uint8_t *)&value + 8 - v->bytes, v->bytes);
#endif
}

/* Of what is no number, the first CPU's that has anything counts. */
static const uint8_t *first_used(const struct poll *p, const uint8_t *copies)
{
	for (uint32_t c = 0; c < p->copies; c++)
		if (!is_zero(copies + (size_t)c * p->stride, p->conf->value_size))
			return copies + (size_t)c * p->stride;
	return copies;
}

void poll_record(const struct poll *p, const struct poll_entry *e, uint8_t *out)
{
	const struct manifest_value *v = values_of(p);
	const uint8_t *copies = poll_copies(p, p->now, e->now);

	memcpy(out, poll_key(p, p->now, e->now), p->info.key_size);
	out += p->info.key_size;
	if (p->conf->values.n == 0) {
		memcpy(out, copies, poll_record_len(p) - p->info.key_size);
		return;
	}
	memcpy(out, first_used(p, copies), p->conf->value_size);
	for (size_t i = 0; i < p->conf->values.n; i++)
		for (uint32_t slot = 0; slot < MAX(v[i].slots, 1UL); slot++)
			store(out + v[i].offset + slot * v[i].bytes, &v[i],
			      poll_value(p, e, &v[i], slot, POLL_ALL_CPUS));
}
