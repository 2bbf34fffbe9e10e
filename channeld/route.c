/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "route.h"

/* A line of this length makes the longest record. */
#define LINE_MAX_BYTES ((size_t)SPOOL_REC_MAX - sizeof(struct spool_rec) - 8)

int route_init(struct route *r, const struct manifest *m, size_t index, const struct route_names *names,
	       struct envelope_clock *clock, struct diag *d)
{
	const struct manifest_route *mr = &((const struct manifest_route *)m->routes.items)[index];
	const struct manifest_channel *c = &((const struct manifest_channel *)m->channels.items)[mr->channel];
	const struct envelope_names n = { names->host, names->program, c->name, mr->event_name };
	int err;

	if (!mr->processor && !c->has_layout)
		return diag_fail(d, -EINVAL, NULL, 0, "channel '%s' has neither a layout nor a processor", c->name);
	err = envelope_init(&r->envelope, clock, &n, names->boot, (uint32_t)c->map_id, (uint16_t)mr->event);
	if (err == 0 && !mr->processor)
		err = plan_new(&c->layout, &r->plan, d);
	if (err < 0) {
		route_fini(r);
		return err;
	}
	r->channel = c;
	r->manifest = mr;
	r->rec = (struct spool_rec){
		.kind = SPOOL_KIND_JSON, .route = index, .ring = c->map_id, .event = mr->event,
		.generation = m->generation,
	};
	return 0;
}

void route_fini(struct route *r)
{
	plan_free(r->plan);
	processor_free(r->processor);
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

static bool has(const struct ring_record *r, int64_t offset, uint64_t bytes)
{
	return offset >= 0 && (uint64_t)offset <= r->len && bytes <= r->len - (uint64_t)offset;
}

/* Who, when and which: what sinks need to know of an event without reading its line. True: the time is the event's
 * own. */
static bool describe(struct route *r, const struct when *when, const struct ring_record *rr)
{
	const struct manifest_channel *c = r->channel;
	const struct manifest_route *m = r->manifest;
	const char *data = rr->data;
	bool own_time = has(rr, c->ts_offset, 8);
	uint64_t ns = own_time ? load(data + c->ts_offset, 8) : when->drain_ns;

	r->rec.time_ns = ns + (uint64_t)when->wall_offset_ns;
	r->rec.ring_pos = rr->pos;
	r->rec.pid = has(rr, c->pid_offset, c->pid_bytes) ? (uint32_t)load(data + c->pid_offset, c->pid_bytes) : 0;
	if (!has(rr, m->key_offset, m->key_bytes))
		r->rec.key = r->rec.pid;
	else if (m->key_bytes <= 8 && (m->key_bytes & (m->key_bytes - 1)) == 0)
		r->rec.key = load(data + m->key_offset, m->key_bytes);
	else
		r->rec.key = hash(data + m->key_offset, m->key_bytes);
	return own_time;
}

static char *write_line(const struct route *r, char *out, const struct ring_record *rr, bool own_time,
			const struct answer *a, bool *repaired)
{
	out = envelope_open(&r->envelope, out, r->rec.time_ns, own_time, rr->pos);
	if (a)
		out = mempcpy(out, a->json, a->len);
	else
		out = encode_record(r->plan, out, rr->data, rr->len, repaired);
	return out ? envelope_close(out) : NULL;
}

/* The longest text it could become has no place in a record; what it does become may have. */
static int write_by_copy(const struct route *r, struct spool_writer *w, const struct ring_record *rr, bool own_time,
			 size_t max, struct outcome *o)
{
	cleanup(freep) char *copy = malloc(max);
	char *end = copy ? write_line(r, copy, rr, own_time, NULL, &o->repaired) : NULL;
	char *line;

	if (!end || (size_t)(end - copy) > LINE_MAX_BYTES) {
		o->drop = SPOOL_DROP_OVERSIZE;
		return 0;
	}
	o->len = (size_t)(end - copy);
	line = spool_room(w, o->len);
	if (!line)
		return -ENOSPC;
	memcpy(line, copy, o->len);
	spool_add(w, &r->rec, o->len);
	return 0;
}

/* Where the records after the next will be written: nothing there was touched since the ring came round. */
static void prefetch(const char *line)
{
	for (size_t i = 2048; i < 2048 + 512; i += 64)
		__builtin_prefetch(line + i, 1);
}

int route_write(struct route *r, struct spool_writer *w, const struct when *when, const struct ring_record *rr,
		const struct answer *a, struct outcome *ret)
{
	struct outcome o = { .drop = a ? a->drop : SPOOL_N_DROPS };
	bool own_time;
	size_t max;
	char *line;
	int err = 0;

	if (!a && rr->len < r->plan->size)
		o.drop = SPOOL_DROP_DECODE;
	if (o.drop != SPOOL_N_DROPS)
		goto out;
	own_time = describe(r, when, rr);
	max = a ? a->len : encode_max(r->plan, rr->data, rr->len);
	if (max == SIZE_MAX || (a && r->envelope.max + max > LINE_MAX_BYTES)) {
		o.drop = SPOOL_DROP_OVERSIZE;
		goto out;
	}
	max += r->envelope.max;
	if (max > LINE_MAX_BYTES) {
		err = write_by_copy(r, w, rr, own_time, max, &o);
		goto out;
	}
	line = spool_room(w, max);
	if (!line)
		return -ENOSPC;
	prefetch(line);
	o.len = (size_t)(write_line(r, line, rr, own_time, a, &o.repaired) - line);
	spool_add(w, &r->rec, o.len);
out:
	if (err == 0)
		*ret = o;
	return err;
}

void route_count(struct spool_route *row, const struct outcome *o)
{
	if (o->drop != SPOOL_N_DROPS) {
		row->dropped[o->drop]++;
		return;
	}
	row->ok++;
	row->results++;
	if (o->no_room) {
		row->spool_full++;
		return;
	}
	row->spooled++;
	row->bytes += o->len;
	row->repaired += o->repaired;
}
