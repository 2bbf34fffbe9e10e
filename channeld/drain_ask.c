/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What processors say of the records of a batch, and what is kept of those that they died of. */
#include <errno.h>
#include <string.h>

#include "drain_ask.h"

int answers_reset(struct drain *d)
{
	struct answers *a = &d->answers;
	size_t n = 0;
	void *rows;

	for (size_t i = 0; i < d->n_records; i++) {
		d->records[i].answers = n;
		n += d->records[i].channel->n_routes;
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

static bool answers_keep(struct answers *a, const char *results, size_t len)
{
	if (len == 0)
		return true;
	if (a->len + len > a->text_cap) {
		size_t cap = MAX(a->text_cap * 2, a->len + len + (64u << 10));
		char *text = realloc(a->text, cap);

		if (!text)
			return false;
		a->text = text;
		a->text_cap = cap;
	}
	memcpy(a->text + a->len, results, len);
	a->len += len;
	return true;
}

/* @results: or how the processor ended on it. */
static void on_result(void *arg, uint64_t cookie, enum spool_drop drop, const char *results, size_t len,
		      const uint64_t *key)
{
	struct answers *a = arg;

	a->rows[cookie].drop = drop;
	a->rows[cookie].keyed = key;
	a->rows[cookie].key = key ? *key : 0;
	a->rows[cookie].at = a->len;
	a->rows[cookie].len = len;
	if (answers_keep(a, results, len))
		return;
	a->rows[cookie].len = 0;
	if (drop == SPOOL_N_DROPS)
		a->rows[cookie].drop = SPOOL_DROP_OVERSIZE;
}

/* What was added stays with the processor until it is answered, however long that takes. */
static void run(struct drain *d, struct processor *p)
{
	while (processor_run(p, on_result, &d->answers) < 0)
		d->wait_for_processor(d->arg, p);
}

/* Nobody was asked. */
static void drop_unasked(struct answers *a, size_t row, enum spool_drop drop)
{
	a->rows[row] = (__typeof__(*a->rows)){ .drop = drop };
}

static struct letter_id letter_id(const struct route *r, const struct record *rec, enum spool_drop drop)
{
	return (struct letter_id){ .pos = rec->pos, .source = rec->source->row->id, .event = r->rec.event,
				   .drop = drop };
}

/* Of a batch that an earlier worker did not commit: what is said of this record in the dead-letter file is so. */
static bool is_dead_already(struct drain *d, const struct route *r, const struct record *rec, size_t row)
{
	struct letter_id id = letter_id(r, rec, 0);
	enum spool_drop drop = letters_find(&d->letters, &id);

	if (drop != SPOOL_DROP_SO_CRASH && drop != SPOOL_DROP_SO_TIMEOUT)
		return false;
	drop_unasked(&d->answers, row, drop);
	return true;
}

static void ask(struct drain *d, struct route *r, const struct record *rec, size_t row)
{
	int err;

	if (is_dead_already(d, r, rec, row))
		return;
	err = processor_add(r->processor, &r->call, rec->data, rec->len, row);
	if (err == -ENOSPC) {
		run(d, r->processor);
		err = processor_add(r->processor, &r->call, rec->data, rec->len, row);
	}
	if (err < 0)
		drop_unasked(&d->answers, row, SPOOL_DROP_OVERSIZE);	/* for any batch */
}

void ask_all(struct drain *d)
{
	for (size_t i = 0; i < d->n_records; i++) {
		const struct record *rec = &d->records[i];
		const struct channel *c = rec->channel;

		for (size_t j = 0; j < c->n_routes && rec->fate == RECORD_EVENT; j++)
			if (c->routes[j]->processor)
				ask(d, c->routes[j], rec, rec->answers + j);
	}
	for (size_t i = 0; i < d->n_sandboxes; i++)
		run(d, d->sandboxes[i]);
}

/* What the route's processor said. False: results are not its affair. */
static bool take_answer(struct drain *d, const struct route *r, size_t row, struct answer *ret)
{
	ret->drop = d->answers.rows[row].drop;
	ret->keyed = d->answers.rows[row].keyed;
	ret->key = d->answers.rows[row].key;
	if (r->call.function == BATCH_NO_FUNCTION && ret->drop == SPOOL_DROP_FILTERED) {
		ret->drop = SPOOL_N_DROPS;
		return false;
	}
	ret->text = d->answers.text + d->answers.rows[row].at;
	ret->len = d->answers.rows[row].len;
	return true;
}

const struct answer *answer_beside_layout(struct drain *d, const struct route *r, const struct record *rec, size_t row,
					  struct answer *room)
{
	const struct channel *c = rec->channel;

	*room = (struct answer){ .drop = rec->fate == RECORD_OVERSIZE ? SPOOL_DROP_OVERSIZE : SPOOL_N_DROPS };
	if (rec->fate == RECORD_OVERSIZE || (r->processor && take_answer(d, r, row, room)))
		return room;
	if (c->transport->decode)
		c->transport->decode(rec->channel, rec, room);
	return room;
}

/* A record that was counted without a try did nothing: there is no letter for it. */
void keep_letter(struct drain *d, const struct route *r, const struct when *when, const struct record *rec,
			size_t row, enum spool_drop drop)
{
	bool tried = drop == SPOOL_DROP_SO_CRASH || drop == SPOOL_DROP_SO_TIMEOUT;
	struct letter m = {
		.id = letter_id(r, rec, drop), .wall_ns = when->drain_ns + (uint64_t)when->wall_offset_ns,
		.program = d->program, .channel = r->channel->name, .event = r->manifest->event_name,
		.processor = manifest_route_asks(r->manifest), .row = r->sandbox_row,
		.data = rec->data, .len = rec->len,
	};

	if (tried) {
		m.how = d->answers.text + d->answers.rows[row].at;
		m.how_len = d->answers.rows[row].len;
		if (m.how_len == 0)
			return;
	}
	letters_write(&d->letters, &m);
}
