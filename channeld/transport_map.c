/* SPDX-License-Identifier: GPL-2.0-or-later */
/* map: a BPF map that is read every so often. An entry that is given is a record; its position counts the entries given
 * since the map was loaded.
 *
 * Exactly once, whenever the worker dies: a reading is in the snapshot before the first of its entries is given, the
 * commit says how many of them have been, and the next reading begins only when all have. So a new worker either goes
 * on in the middle of the last reading, with the same entries in the same order, or makes the next one, against the
 * same. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../common/log.h"
#include "../common/paths.h"
#include "../common/pins.h"
#include "clock.h"
#include "drain.h"
#include "sample.h"

#define TRIES 8				/* of a reading that the map outgrows */
#define RECORDS_MAX (1u << 20)		/* bytes of the records of one batch */

struct map_state {
	struct poll poll;
	struct sample_writer writer;
	uint64_t pos, end;		/* of the next entry; behind the last one of the reading */
	uint64_t due_ns;		/* CLOCK_MONOTONIC; UINT64_MAX: told to drain */
	bool failing;			/* said */
	bool gives_nothing;		/* the next reading: those after it count from it */
	uint8_t *records;
	size_t record_room, n_rooms;
	struct poll_entry entries[DRAIN_BATCH];
};

/* ---- open -------------------------------------------------------------------------------------------------------- */

static int refuse(const struct channel *c, struct diag *d, int err, const char *what)
{
	return diag_fail(d, err, NULL, 0, "channel '%s': map '%s': %s", c->manifest->name, c->manifest->map, what);
}

static int open_map(struct channel *c, struct poll *p, struct diag *d)
{
	const struct manifest_channel *mc = c->manifest;
	uint32_t len = sizeof(p->info);
	int cpus = libbpf_num_possible_cpus();

	if (bpf_obj_get_info_by_fd(p->fd, &p->info, &len))
		return refuse(c, d, -errno, strerror(errno));
	if (mc->map_id && p->info.id != mc->map_id)
		return refuse(c, d, -ESTALE, "the pinned map is another one than the manifest speaks of");
	if (!poll_type_known(p->info.type))
		return refuse(c, d, -EINVAL, "maps of its type are not polled");
	if (p->info.key_size != mc->poll.key_size || p->info.value_size != mc->poll.value_size || cpus <= 0)
		return refuse(c, d, -EINVAL, "its keys or values are not as long as the manifest says");
	p->conf = &mc->poll;
	p->is_stack = p->info.type == BPF_MAP_TYPE_STACK_TRACE;
	p->copies = poll_is_per_cpu(p->info.type) ? (uint32_t)cpus : 1;
	p->stride = poll_is_per_cpu(p->info.type) ? ALIGN_UP(p->info.value_size, 8) : p->info.value_size;
	return 0;
}

static int open_snapshot(struct channel *c, struct transport_context *t, struct poll *p, struct diag *d)
{
	struct snapshot_shape shape = {
		.generation = t->manifest->generation, .map_id = p->info.id, .key_size = p->info.key_size,
		.value_size = p->stride * p->copies, .capacity = snapshot_capacity(p->info.max_entries),
	};
	char path[PATH_MAX];
	int err = path_snapshot(t->manifest->program, c->manifest->name, path);

	if (err == 0)
		err = snapshot_open(&p->snapshot, path, &shape, clock_monotonic());
	return err < 0 ? refuse(c, d, err, strerror(-err)) : 0;
}

static int make_rooms(struct map_state *s)
{
	s->record_room = ALIGN_UP((size_t)poll_record_len(&s->poll) + RECORD_OVERREAD, 8);
	s->n_rooms = MIN(RECORDS_MAX / s->record_room + 1, (size_t)DRAIN_BATCH);
	s->records = calloc(s->n_rooms, s->record_room);
	return s->records ? 0 : -ENOMEM;
}

/* ---- readings ---------------------------------------------------------------------------------------------------- */

static void lay_side_by_side(struct poll *p, struct snapshot_half *now, struct snapshot_half *before)
{
	p->now = now;
	p->before = before;
	p->now_n = now ? now->head->n : 0;
	p->before_n = before ? before->head->n : 0;
	poll_rewind(p);
}

/* To the entry of position @pos. */
static void seek(struct map_state *s, uint64_t pos)
{
	struct poll_entry e;

	poll_rewind(&s->poll);
	s->pos = s->end - s->poll.now->head->given;
	while (s->pos < pos && poll_next(&s->poll, &e))
		s->pos++;
}

static void plan_next(struct map_state *s, uint64_t last_ns, uint64_t now)
{
	uint64_t interval = s->poll.conf->interval_ns;

	if (s->due_ns == UINT64_MAX)
		return;
	s->due_ns = last_ns + interval;
	if (s->due_ns <= now)		/* several were missed: they are one */
		s->due_ns += (now - s->due_ns) / interval * interval;
}

/* Do the readings that there are go with what a commit says, so that what is not given yet can be? */
static bool goes_with(const struct snapshot_half *now, const struct snapshot_half *before, uint64_t next)
{
	uint64_t end = now ? now->head->first + now->head->given : 0;

	if (!now || next == end)
		return next == end;
	return next >= now->head->first && next < end && (before || now->head->number == 1);
}

/* Removed, or damaged, or the spool is a new one. What the spool knows nothing of has been given to the one before it;
 * of readings that are gone nobody knows what they gave, and the next one cannot tell it from what was added since. */
static void go_on_behind(struct channel *c, struct map_state *s, struct spool_source *row)
{
	log_warning("channel '%s': the last readings of its map are not those that its spool speaks of: removed, or "
		    "damaged? It goes on with the next one; how much is lost is not known", c->manifest->name);
	row->flags |= SPOOL_SOURCE_LOST_UNKNOWN;
	if (row->next > s->end && s->poll.conf->reset && !s->poll.is_stack) {
		s->gives_nothing = true;
		s->due_ns = clock_monotonic();
	}
	row->next = s->end = MAX(row->next, s->end);
}

/* Where the last worker left off. */
static void resume(struct channel *c, struct map_state *s)
{
	struct poll *p = &s->poll;
	struct spool_source *row = c->sources[0].row;
	struct snapshot_half *now, *before;

	snapshot_last(&p->snapshot, &now, &before);
	lay_side_by_side(p, now, before);
	s->end = now ? now->head->first + now->head->given : 0;
	plan_next(s, now ? now->head->time_ns : p->snapshot.begun_ns, clock_monotonic());
	if (!goes_with(now, before, row->next))
		go_on_behind(c, s, row);
	s->pos = row->next;
	if (s->pos < s->end)
		seek(s, s->pos);
}

static int read_map(const struct poll *p, struct snapshot_half *h, struct snapshot_head *ret)
{
	int err = -E2BIG;

	for (int i = 0; i < TRIES && err == -E2BIG; i++)
		err = poll_read(p, h, &ret->stored, &ret->n);
	ret->time_ns = clock_monotonic();
	return err;
}

/* The next reading, laid beside the last one. Its entries are counted before it counts itself. */
static int take_reading(struct map_state *s)
{
	struct poll *p = &s->poll;
	struct snapshot_half *last = p->now, *h = snapshot_begin(&p->snapshot, last);
	struct snapshot_head head = { .number = last ? last->head->number + 1 : 1, .first = s->end };
	struct poll_entry e;
	int err = read_map(p, h, &head);

	if (err)
		return err;
	lay_side_by_side(p, h, last);
	p->now_n = head.n;
	while (!s->gives_nothing && poll_next(p, &e))
		head.given++;
	poll_rewind(p);
	snapshot_publish(&p->snapshot, h, &head);
	s->gives_nothing = false;
	s->pos = head.first;
	s->end = head.first + head.given;
	return 0;
}

static void look(struct channel *c, struct map_state *s)
{
	int err = take_reading(s);

	if (err && !s->failing)
		log_warning("channel '%s': map '%s' cannot be read: %s; tried again", c->manifest->name,
			    c->manifest->map, err == -E2BIG ? "it changes too fast" : strerror(-err));
	s->failing = err != 0;
	plan_next(s, s->due_ns, clock_monotonic());
}

/* ---- the row ----------------------------------------------------------------------------------------------------- */

static int map_open(struct channel *c, struct transport_context *t, struct diag *d)
{
	const struct manifest_channel *mc = c->manifest;
	struct map_state *s = calloc(1, sizeof(*s));
	struct source *source;
	int err;

	if (!s)
		return -ENOMEM;
	c->state = s;
	s->poll.fd = pin_get(t->manifest->program, mc->item, PIN_MAP, mc->map);
	if (s->poll.fd < 0)
		return refuse(c, d, s->poll.fd, strerror(-s->poll.fd));
	err = open_map(c, &s->poll, d);
	if (err == 0)
		err = open_snapshot(c, t, &s->poll, d);
	if (err == 0)
		err = sample_writer_init(&s->writer, &s->poll, d);
	if (err == -EFBIG)
		return refuse(c, d, err, "the samples of an entry would be longer than any sink takes");
	if (err == 0)
		err = make_rooms(s);
	if (err == 0)
		err = channel_make_sources(c, 1);
	if (err == 0)
		err = channel_add_source(c, t, 0, s->poll.info.id, &source);
	if (err == 0)
		resume(c, s);
	return err;
}

static void map_close(struct channel *c)
{
	struct map_state *s = take(c->state);

	if (!s)
		return;
	sample_writer_fini(&s->writer);
	snapshot_close(&s->poll.snapshot);
	closep(&s->poll.fd);
	free(s->records);
	free(s);
}

static size_t map_gather(struct channel *c, struct record *ret, size_t quota)
{
	struct map_state *s = c->state;
	size_t n = 0, len = poll_record_len(&s->poll);

	if (s->pos == s->end && clock_monotonic() >= s->due_ns)
		look(c, s);
	for (; n < quota && n < s->n_rooms && s->pos < s->end && poll_next(&s->poll, &s->entries[n]); n++) {
		uint8_t *data = s->records + n * s->record_room;

		poll_record(&s->poll, &s->entries[n], data);
		ret[n] = (struct record){
			.data = data, .len = (uint32_t)len, .pos = s->pos, .end = s->pos + 1,
			.time_ns = s->poll.now->head->time_ns, .source = c->sources, .channel = c,
		};
		s->pos++;
	}
	return n;
}

static void map_put_back(struct channel *c, const struct record *records, size_t n)
{
	(void)n;
	seek(c->state, records[0].pos);
}

/* Nothing of a map is ever given back: the snapshot is overwritten by the next reading, which waits for the commit. */
static void map_release(struct channel *c)
{
	(void)c;
}

static bool map_empty(struct channel *c)
{
	struct map_state *s = c->state;

	return s->pos == s->end;
}

static void map_finish(struct channel *c)
{
	struct map_state *s = c->state;

	s->due_ns = UINT64_MAX;
}

static bool map_last(struct channel *c)
{
	struct map_state *s = c->state;

	look(c, s);
	for (int i = 1; i < TRIES && s->failing; i++)	/* there is no next reading */
		look(c, s);
	if (s->failing)
		c->sources[0].row->flags |= SPOOL_SOURCE_LOST_UNKNOWN;
	return s->pos < s->end;
}

static uint64_t map_due(const struct channel *c)
{
	const struct map_state *s = c->state;

	return s->due_ns;
}

static void map_decode(struct channel *c, const struct record *r, struct answer *ret)
{
	struct map_state *s = c->state;
	size_t i = (size_t)((const uint8_t *)r->data - s->records) / s->record_room;

	ret->drop = SPOOL_N_DROPS;
	ret->text = s->writer.text;
	ret->len = s->poll.is_stack ? sample_write_stack(&s->writer, &s->poll, &s->entries[i]) :
				      sample_write(&s->writer, &s->poll, &s->entries[i], r->data, &ret->repaired);
}

static int map_count(const struct manifest *m, const struct manifest_channel *c, const struct spool_commit *commit,
		     uint64_t *ret_pending, uint64_t *ret_discarded)
{
	struct snapshot_head head = {};
	char path[PATH_MAX];
	uint64_t next = 0, end;
	int err = path_snapshot(m->program, c->name, path);

	if (err == 0)
		err = snapshot_look(path, (uint32_t)c->map_id, &head);
	if (err < 0 && err != -ENODATA && err != -ENOENT)
		return err;
	for (size_t i = 0; i < commit->n_sources; i++)
		if (commit->sources[i].id == c->map_id)
			next = commit->sources[i].next;
	end = head.first + head.given;
	*ret_pending = end > next ? end - next : 0;
	*ret_discarded = 0;
	return 0;
}

const struct transport transport_map = {
	.open = map_open,
	.close = map_close,
	.gather = map_gather,
	.put_back = map_put_back,
	.release = map_release,
	.empty = map_empty,
	.finish = map_finish,
	.last = map_last,
	.due = map_due,
	.decode = map_decode,
	.count = map_count,
	.loses_nothing = true,
	.time_is_drain = true,
};
