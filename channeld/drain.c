/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "drain.h"

/* ---- out of the rings --------------------------------------------------------------------------------- */

static void gather_from(struct drain *d, struct channel *c, size_t quota)
{
	struct item *item = &d->items[d->n_items], *end = item + quota;

	while (item < end && ring_next(&c->ring, &item->rec)) {
		item->channel = c;
		item++;
	}
	d->n_items = (size_t)(item - d->items);
}

/* All rings get the same share; what one leaves goes to those behind it, whose order changes every time. */
static void gather(struct drain *d)
{
	size_t n = d->n_channels;

	d->n_items = 0;
	for (size_t i = 0; i < n; i++) {
		struct channel *c = &d->channels[(d->turn + i) % n];

		if (c->ring.map)
			gather_from(d, c, (DRAIN_BATCH - d->n_items) / (n - i));
	}
	if (n > 1)
		d->turn = (d->turn + 1) % n;
}

static void put_back(struct drain *d)
{
	for (; d->n_items; d->n_items--)
		d->items[d->n_items - 1].channel->ring.pos = d->items[d->n_items - 1].rec.pos;
}

/* ---- processors --------------------------------------------------------------------------------------- */

/* One row for each gathered record and route. */
static int answers_reset(struct drain *d)
{
	struct answers *a = &d->answers;
	size_t n = 0;
	void *rows;

	for (size_t i = 0; i < d->n_items; i++) {
		d->items[i].answers = n;
		n += d->items[i].channel->n_routes;
	}
	a->len = 0;
	if (n <= a->cap)
		return 0;
	rows = reallocarray(a->rows, n, sizeof(*a->rows));
	if (!rows)
		return -ENOMEM;
	a->rows = rows;
	a->cap = n;
	return 0;
}

static bool answers_keep(struct answers *a, const char *json, size_t len)
{
	if (a->len + len > a->text_cap) {
		size_t cap = MAX(a->text_cap * 2, a->len + len + (64u << 10));
		char *text = realloc(a->text, cap);

		if (!text)
			return false;
		a->text = text;
		a->text_cap = cap;
	}
	memcpy(a->text + a->len, json, len);
	a->len += len;
	return true;
}

static void on_result(void *arg, uint64_t cookie, enum spool_drop drop, const char *json, size_t len)
{
	struct answers *a = arg;

	a->rows[cookie].drop = drop;
	if (drop != SPOOL_N_DROPS)
		return;
	a->rows[cookie].at = a->len;
	a->rows[cookie].len = len;
	if (!answers_keep(a, json, len))
		a->rows[cookie].drop = SPOOL_DROP_OVERSIZE;
}

/* What was added stays with the processor until it is answered, however long that takes. */
static void run(struct drain *d, struct route *r)
{
	while (processor_run(r->processor, on_result, &d->answers) < 0)
		d->wait_for_processor(d->arg, r);
}

static void ask(struct drain *d, struct route *r, const struct item *item, size_t row)
{
	int err = processor_add(r->processor, item->rec.data, item->rec.len, row);

	if (err == -ENOSPC) {
		run(d, r);
		err = processor_add(r->processor, item->rec.data, item->rec.len, row);
	}
	if (err < 0)
		d->answers.rows[row].drop = SPOOL_DROP_OVERSIZE;	/* for any batch */
}

/* Asks for everything that was gathered, and waits for the answers. */
static void ask_all(struct drain *d)
{
	for (size_t i = 0; i < d->n_items; i++) {
		const struct item *item = &d->items[i];
		const struct channel *c = item->channel;

		for (size_t j = 0; j < c->n_routes && !item->rec.discarded; j++)
			if (c->routes[j]->processor)
				ask(d, c->routes[j], item, item->answers + j);
	}
	for (size_t i = 0; i < d->n_routes; i++)
		if (d->routes[i].processor)
			run(d, &d->routes[i]);
}

/* ---- into the spool ------------------------------------------------------------------------------------ */

static int write_route(struct drain *d, struct route *r, const struct when *when, const struct item *item, size_t row,
		       struct outcome *ret)
{
	struct answer a = {}, *given = NULL;

	if (r->processor) {
		a.drop = d->answers.rows[row].drop;
		if (a.drop == SPOOL_N_DROPS) {
			a.json = d->answers.text + d->answers.rows[row].at;
			a.len = d->answers.rows[row].len;
		}
		given = &a;
	}
	return route_write(r, &d->spool, when, &item->rec, given, ret);
}

/* All results of one record, or none of them (-ENOSPC). */
static int write_item(struct drain *d, const struct when *when, const struct item *item)
{
	struct spool_commit *next = &d->spool.next;
	struct outcome outcomes[SPOOL_MAX_ROUTES];
	struct channel *c = item->channel;
	uint64_t head = next->head, records = next->records;

	for (size_t i = 0; i < c->n_routes; i++) {
		int err = write_route(d, c->routes[i], when, item, item->answers + i, &outcomes[i]);

		if (err == 0)
			continue;
		/* Waiting helps only as long as there is something that a reader can take away. */
		if (d->spool.tail == head && i > 0) {
			outcomes[i] = (struct outcome){ .drop = SPOOL_N_DROPS, .no_room = true };
			continue;
		}
		next->head = head;
		next->records = records;
		return err;
	}
	for (size_t i = 0; i < c->n_routes; i++)
		route_count(&next->routes[c->routes[i]->rec.route], &outcomes[i]);
	c->row->drained++;
	c->row->drained_bytes += item->rec.len;
	return 0;
}

/* What is written is published, and then the kernel may have its place. */
static void publish(struct drain *d)
{
	drain_commit(d);
	for (size_t i = 0; i < d->n_channels; i++) {
		struct channel *c = &d->channels[i];

		if (!c->touched)
			continue;
		ring_release(&c->ring, c->row->next);
		c->touched = false;
	}
}

static void make_room(struct drain *d)
{
	if (spool_refresh(&d->spool))
		return;
	if (d->spool.next.head != d->spool.published) {
		publish(d);
		return;
	}
	d->wait_for_room(d->arg);
	spool_refresh(&d->spool);
}

static void write_all(struct drain *d)
{
	struct when when = { .drain_ns = clock_monotonic(), .wall_offset_ns = d->spool.next.wall_offset_ns };

	for (size_t i = 0; i < d->n_items; i++) {
		const struct item *item = &d->items[i];
		struct channel *c = item->channel;

		if (item->rec.discarded)
			c->row->discarded++;
		else
			while (write_item(d, &when, item) < 0)
				make_room(d);
		c->row->next = item->rec.end;
		c->touched = true;
	}
}

int drain_batch(struct drain *d)
{
	gather(d);
	if (d->n_items == 0)
		return 0;
	d->spool.next.flags &= ~SPOOL_COMMIT_DRAINED;	/* more came after all: not even this batch's commit says so */
	if (d->has_processors) {
		if (answers_reset(d) < 0) {
			put_back(d);
			return -ENOMEM;
		}
		ask_all(d);
	}
	write_all(d);
	publish(d);
	return (int)d->n_items;
}

void drain_commit(struct drain *d)
{
	spool_commit(&d->spool);
	if (spool_take_doorbell(&d->spool) && d->ring_doorbell)
		d->ring_doorbell(d->arg);
}

bool drain_empty(const struct drain *d)
{
	for (size_t i = 0; i < d->n_channels; i++)
		if (d->channels[i].ring.map && !ring_empty(&d->channels[i].ring))
			return false;
	return true;
}

void drain_fini(struct drain *d)
{
	for (size_t i = 0; i < d->n_routes; i++)
		route_fini(&d->routes[i]);
	for (size_t i = 0; i < d->n_channels; i++)
		ring_close(&d->channels[i].ring);
	processor_area_free(d->processors);
	free(d->answers.rows);
	free(d->answers.text);
	spool_writer_close(&d->spool);
}
