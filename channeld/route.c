/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "route.h"

/* A line of this length makes the longest record. */
#define LINE_MAX_BYTES ((size_t)SPOOL_REC_MAX - sizeof(struct spool_rec) - 8)

struct text {
	const char *s;
	size_t len;
};

int route_init(struct route *r, const struct manifest *m, size_t index, const struct route_names *names,
	       struct envelope_clock *clock, struct diag *d)
{
	const struct manifest_route *mr = &((const struct manifest_route *)m->routes.items)[index];
	const struct manifest_channel *c = &((const struct manifest_channel *)m->channels.items)[mr->channel];
	const struct envelope_names n = { names->host, names->program, c->name, mr->event_name };
	const struct transport *t = transport_of((int)c->type);
	bool by_layout = !mr->processor && !t->decode;
	int err;

	if (by_layout && !c->has_layout)
		return diag_fail(d, -EINVAL, NULL, 0, "channel '%s' has neither a layout nor a processor", c->name);
	err = envelope_init(&r->envelope, clock, &n, names->boot, (uint16_t)mr->event);
	if (err == 0 && by_layout)
		err = plan_new(&c->layout, &r->plan, d);
	if (err < 0) {
		route_fini(r);
		return err;
	}
	r->channel = c;
	r->manifest = mr;
	r->rec = (struct spool_rec){
		.route = index, .event = mr->event,
		.generation = m->generation,
	};
	return 0;
}

void route_fini(struct route *r)
{
	plan_free(r->plan);
	envelope_fini(&r->envelope);
	*r = (struct route){};
}

static uint64_t load(const char *at, uint64_t bytes)
{
	uint64_t v = 0;
	uint32_t v4;
	uint16_t v2;

	switch (bytes) {
	case 8: memcpy(&v, at, 8); return v;
	case 4: memcpy(&v4, at, 4); return v4;
	case 2: memcpy(&v2, at, 2); return v2;
	case 1: return (uint8_t)*at;
	}
	return 0;
}

/* FNV-1a of a text: equal texts, equal keys, on every machine. */
static uint64_t hash(const char *at, uint64_t bytes)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; bytes && *at; at++, bytes--)
		h = (h ^ (uint8_t)*at) * 0x100000001b3ULL;
	return h;
}

static bool has(const struct record *r, int64_t offset, uint64_t bytes)
{
	return offset >= 0 && (uint64_t)offset <= r->len && bytes <= r->len - (uint64_t)offset;
}

/* Who, when and which: what sinks need to know of an event without reading its line. True: the time is the kernel's. */
static bool describe(struct route *r, const struct when *when, const struct record *rr, const struct answer *a)
{
	const struct manifest_channel *c = r->channel;
	const struct manifest_route *m = r->manifest;
	const char *data = rr->data;
	bool own_time = has(rr, c->ts_offset, 8);
	uint64_t ns = own_time ? load(data + c->ts_offset, 8) : rr->time_ns ? rr->time_ns : when->drain_ns;

	r->rec.time_ns = ns + (uint64_t)when->wall_offset_ns;
	r->rec.source = rr->source->row->id;
	r->rec.source_pos = rr->pos;
	r->rec.pid = has(rr, c->pid_offset, c->pid_bytes) ? (uint32_t)load(data + c->pid_offset, c->pid_bytes) : 0;
	if (a && a->keyed)
		r->rec.key = a->key;
	else if (!has(rr, m->key_offset, m->key_bytes))
		r->rec.key = r->rec.pid;
	else if (m->key_bytes <= 8 && (m->key_bytes & (m->key_bytes - 1)) == 0)
		r->rec.key = load(data + m->key_offset, m->key_bytes);
	else
		r->rec.key = hash(data + m->key_offset, m->key_bytes);
	return own_time || (rr->time_ns && !rr->channel->transport->time_is_drain);
}

/* The line of one result: its text as it is, or (NULL) by the layout. NULL: too long. */
static char *write_line(const struct route *r, char *out, const struct record *rr, bool kernel_time,
			const struct text *result, uint32_t *repaired)
{
	bool was_repaired = false;

	out = envelope_open(&r->envelope, out, r->rec.time_ns, kernel_time, rr->source, rr->pos, r->rec.result);
	if (result)
		out = mempcpy(out, result->s, result->len);
	else
		out = encode_record(r->plan, out, rr->data, rr->len, &was_repaired);
	*repaired += was_repaired;
	return out ? envelope_close(out) : NULL;
}

static void add(struct route *r, struct spool_writer *w, size_t len, struct outcome *o)
{
	spool_add(w, &r->rec, len);
	o->results++;
	o->spooled++;
	o->bytes += len;
}

/* Nobody will make room for it. */
static int no_room(bool wait, struct outcome *o)
{
	if (wait)
		return -ENOSPC;
	o->results++;
	return 0;
}

/* The longest text it could become has no place in a record; what it does become may have. */
static int write_by_copy(struct route *r, struct spool_writer *w, const struct record *rr, bool kernel_time, size_t max,
			 bool wait, struct outcome *o)
{
	cleanup(freep) char *copy = malloc(max);
	char *end = copy ? write_line(r, copy, rr, kernel_time, NULL, &o->repaired) : NULL;
	char *line;
	size_t len;

	if (!end || (size_t)(end - copy) > LINE_MAX_BYTES) {
		o->drop = SPOOL_DROP_OVERSIZE;
		return 0;
	}
	len = (size_t)(end - copy);
	line = spool_room(w, len);
	if (!line)
		return no_room(wait, o);
	memcpy(line, copy, len);
	add(r, w, len, o);
	return 0;
}

/* Where the records after the next will be written: nothing there was touched since the ring came round. */
static void prefetch(const char *line)
{
	for (size_t i = 2048; i < 2048 + 512; i += 64)
		__builtin_prefetch(line + i, 1);
}

static int write_by_layout(struct route *r, struct spool_writer *w, const struct record *rr, bool kernel_time,
			   bool wait, struct outcome *o)
{
	size_t max = encode_max(r->plan, rr->data, rr->len);
	char *line;

	if (max == SIZE_MAX) {
		o->drop = SPOOL_DROP_OVERSIZE;
		return 0;
	}
	r->rec.result = 0;
	r->rec.kind = SPOOL_KIND_JSON;
	max += r->envelope.max;
	if (max > LINE_MAX_BYTES)
		return write_by_copy(r, w, rr, kernel_time, max, wait, o);
	line = spool_room(w, max);
	if (!line)
		return no_room(wait, o);
	prefetch(line);
	add(r, w, (size_t)(write_line(r, line, rr, kernel_time, NULL, &o->repaired) - line), o);
	return 0;
}

static int write_result(struct route *r, struct spool_writer *w, const struct record *rr, bool kernel_time,
			const struct text *result, bool wait, struct outcome *o)
{
	char *line = spool_room(w, r->envelope.max + result->len);

	if (!line)
		return no_room(wait, o);
	add(r, w, (size_t)(write_line(r, line, rr, kernel_time, result, &o->repaired) - line), o);
	return 0;
}

/* The next result of several, its kind told by its first character. */
static struct text next_result(struct text *all, uint8_t *ret_kind)
{
	const char *end = memchr(all->s, '\n', all->len);
	struct text result = { all->s, end ? (size_t)(end - all->s) : all->len };
	size_t used = result.len + (end != NULL);

	*ret_kind = answer_kind(result.s, result.len);
	if (*ret_kind != SPOOL_KIND_JSON)
		result = (struct text){ result.s + 1, result.len - 1 };
	*all = (struct text){ all->s + used, all->len - used };
	return result;
}

/* Mostly all of them together would. */
static bool all_fit(const struct route *r, struct text all)
{
	while (r->envelope.max + all.len > LINE_MAX_BYTES) {
		uint8_t kind;

		if (r->envelope.max + next_result(&all, &kind).len > LINE_MAX_BYTES)
			return false;
	}
	return true;
}

static int write_answer(struct route *r, struct spool_writer *w, const struct record *rr, bool kernel_time,
			const struct answer *a, bool wait, struct outcome *o)
{
	struct text all = { a->text, a->len };
	int err = 0;

	if (!all_fit(r, all)) {
		o->drop = SPOOL_DROP_OVERSIZE;
		return 0;
	}
	for (r->rec.result = 0; all.len > 0 && err == 0; r->rec.result++) {
		struct text result = next_result(&all, &r->rec.kind);

		err = write_result(r, w, rr, kernel_time, &result, wait, o);
	}
	o->repaired += a->repaired;
	return err;
}

int route_write(struct route *r, struct spool_writer *w, const struct when *when, const struct record *rr,
		const struct answer *a, bool wait, struct outcome *o)
{
	bool by_layout, kernel_time;

	*o = (struct outcome){ .drop = a ? a->drop : SPOOL_N_DROPS };
	by_layout = !a || (o->drop == SPOOL_N_DROPS && !a->text);
	if (by_layout && rr->len < r->plan->size)
		o->drop = SPOOL_DROP_DECODE;
	if (o->drop != SPOOL_N_DROPS)
		return 0;
	kernel_time = describe(r, when, rr, a);
	return by_layout ? write_by_layout(r, w, rr, kernel_time, wait, o)
			 : write_answer(r, w, rr, kernel_time, a, wait, o);
}

void route_count(struct spool_route *row, const struct outcome *o)
{
	if (o->drop != SPOOL_N_DROPS) {
		row->dropped[o->drop]++;
		return;
	}
	row->ok++;
	row->results += o->results;
	row->spooled += o->spooled;
	row->spool_full += o->results - o->spooled;
	row->bytes += o->bytes;
	row->repaired += o->repaired;
}
