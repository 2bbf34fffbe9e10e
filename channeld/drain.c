/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "../common/buffers.h"
#include "clock.h"
#include "drain_ask.h"

/* ---- out of the channels ------------------------------------------------------------------------------ */

/* All channels get the same share; what one leaves goes to those behind it, whose order changes every time. */
static void gather(struct drain *d)
{
	size_t n = d->n_channels;

	d->n_records = 0;
	for (size_t i = 0; i < n; i++) {
		struct channel *c = &d->channels[(d->turn + i) % n];

		d->n_records += c->transport->gather(c, &d->records[d->n_records],
						     (DRAIN_BATCH - d->n_records) / (n - i));
	}
	if (n > 1)
		d->turn = (d->turn + 1) % n;
}

/* Records of one channel lie together. */
static void put_back(struct drain *d)
{
	while (d->n_records) {
		struct channel *c = d->records[d->n_records - 1].channel;
		size_t n = 0;

		while (d->n_records && d->records[d->n_records - 1].channel == c) {
			d->n_records--;
			n++;
		}
		c->transport->put_back(c, &d->records[d->n_records], n);
	}
}

/* ---- into the spool ------------------------------------------------------------------------------------ */

/* What became of it, on all its routes. */
static void count_record(struct drain *d, const struct when *when, const struct record *rec,
			 const struct outcome *outcomes)
{
	const struct channel *c = rec->channel;

	for (size_t i = 0; i < c->n_routes; i++) {
		enum spool_drop drop = outcomes[i].drop;

		route_count(&d->spool.next.routes[c->routes[i]->rec.route], &outcomes[i]);
		if (drop != SPOOL_N_DROPS && letters_want(&d->letters, drop))
			keep_letter(d, c->routes[i], when, rec, rec->answers + i, drop);
	}
	rec->source->row->drained++;
	rec->source->row->drained_bytes += rec->len;
}

/* All results of one record, or without @wait those that find room; else none of them (-ENOSPC). */
static int write_record(struct drain *d, const struct when *when, const struct record *rec, bool wait)
{
	struct spool_commit *next = &d->spool.next;
	struct outcome outcomes[SPOOL_MAX_ROUTES];
	struct channel *c = rec->channel;
	uint64_t head = next->head, records = next->records;

	/* Waiting helps only as long as there is something that a reader can take away. */
	wait = wait && d->spool.tail != head;
	for (size_t i = 0; i < c->n_routes; i++) {
		struct answer room;
		const struct answer *a = answer_of(d, c->routes[i], rec, rec->answers + i, &room);
		int err = route_write(c->routes[i], &d->spool, when, rec, a, wait, &outcomes[i]);

		if (err < 0) {
			next->head = head;
			next->records = records;
			return err;
		}
	}
	count_record(d, when, rec, outcomes);
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
		c->transport->release(c);
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

static void write_or_wait(struct drain *d, const struct when *when, const struct record *rec)
{
	while (write_record(d, when, rec, true) < 0)
		make_room(d);
}

static void write_or_drop(struct drain *d, const struct when *when, const struct record *rec)
{
	if (write_record(d, when, rec, !d->looked_for_room) == 0)
		return;
	d->looked_for_room = true;
	spool_refresh(&d->spool);
	(void)write_record(d, when, rec, false);
}

static void settle_record(struct drain *d, const struct when *when, const struct record *rec)
{
	switch (rec->fate) {
	case RECORD_EVENT:
	case RECORD_OVERSIZE:
		if (d->drop_newest)
			write_or_drop(d, when, rec);
		else
			write_or_wait(d, when, rec);
		break;
	case RECORD_DISCARDED:
		rec->source->row->discarded++;
		break;
	case RECORD_LOST:
		rec->source->row->lost += rec->len;
		break;
	case RECORD_PASSED_OVER:
		break;
	}
}

static void write_all(struct drain *d)
{
	struct when when = { .drain_ns = clock_monotonic(), .wall_offset_ns = d->spool.next.wall_offset_ns };

	d->looked_for_room = false;
	for (size_t i = 0; i < d->n_records; i++) {
		const struct record *rec = &d->records[i];

		settle_record(d, &when, rec);
		rec->source->row->next = rec->end;
		rec->channel->touched = true;
	}
}

int drain_batch(struct drain *d)
{
	gather(d);
	if (d->n_records == 0)
		return 0;
	d->spool.next.flags &= ~SPOOL_COMMIT_DRAINED;	/* more came after all: not even this batch's commit says so */
	if (d->n_sandboxes) {
		if (answers_reset(d) < 0) {
			put_back(d);
			return -ENOMEM;
		}
		ask_all(d);
	}
	write_all(d);
	publish(d);
	return (int)d->n_records;
}

void drain_commit(struct drain *d)
{
	spool_commit(&d->spool);
	if (spool_take_doorbell(&d->spool) && d->ring_doorbell)
		d->ring_doorbell(d->arg);
}

bool drain_empty(struct drain *d)
{
	for (size_t i = 0; i < d->n_channels; i++)
		if (!d->channels[i].transport->empty(&d->channels[i]))
			return false;
	return true;
}

bool drain_tick(struct drain *d)
{
	bool changed = false;

	for (size_t i = 0; i < d->n_channels; i++)
		if (d->channels[i].transport->tick)
			changed |= d->channels[i].transport->tick(&d->channels[i]);
	return changed;
}

void drain_finish(struct drain *d)
{
	for (size_t i = 0; i < d->n_channels; i++)
		if (d->channels[i].transport->finish)
			d->channels[i].transport->finish(&d->channels[i]);
}

bool drain_last(struct drain *d)
{
	bool more = false;

	for (size_t i = 0; i < d->n_channels; i++)
		if (d->channels[i].transport->last)
			more |= d->channels[i].transport->last(&d->channels[i]);
	return more;
}

uint64_t drain_due(const struct drain *d)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < d->n_channels; i++)
		if (d->channels[i].transport->due)
			due = MIN(due, d->channels[i].transport->due(&d->channels[i]));
	return due;
}

void drain_fini(struct drain *d)
{
	for (size_t i = 0; i < d->n_routes; i++)
		route_fini(&d->routes[i]);
	for (size_t i = 0; i < d->n_sandboxes; i++)
		processor_free(d->sandboxes[i]);
	for (size_t i = 0; i < d->n_channels; i++) {
		d->channels[i].transport->close(&d->channels[i]);
		free(d->channels[i].sources);
	}
	letters_close(&d->letters);
	buffers_free(d->buffers);
	processor_area_free(d->processors);
	free(d->answers.rows);
	free(d->answers.text);
	spool_writer_close(&d->spool);
}
