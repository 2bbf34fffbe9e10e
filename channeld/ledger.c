/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger, from three places that know: the kernel's own counters, the ring itself, and the last commit. Exact at
 * rest; a row that moved while it was read says "live". */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../abi/counts.h"
#include "../common/paths.h"
#include "../common/pins.h"
#include "../common/program.h"
#include "../common/spool.h"
#include "channeld.h"
#include "ring.h"

#define TRIES 4

struct channel_ledger {
	struct spool_ring row;
	struct agent_counts counts;
	bool counted;			/* the object has counters */
	bool has_pending, live;
	uint64_t pending, discarded;	/* discarded: whether or not they were drained yet */
};

/* ---- what the kernel counted ----------------------------------------------------------------------------- */

static int read_counts(const struct manifest *m, const struct manifest_channel *c, struct agent_counts *ret)
{
	int n = libbpf_num_possible_cpus();
	cleanup(closep) int fd = pin_get(m->program, c->item, PIN_MAP, c->counts);
	cleanup(freep) struct agent_counts *per_cpu = n > 0 ? calloc((size_t)n, sizeof(*per_cpu)) : NULL;
	struct bpf_map_info info = {};
	uint32_t len = sizeof(info), zero = 0;
	struct agent_counts sum = {};

	if (fd < 0)
		return fd;
	if (!per_cpu)
		return -ENOMEM;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		return -errno;
	if (info.type != BPF_MAP_TYPE_PERCPU_ARRAY || info.value_size != sizeof(*per_cpu))
		return -EINVAL;
	if (bpf_map_lookup_elem(fd, &zero, per_cpu) < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		sum.produced += per_cpu[i].produced;
		sum.ring_full += per_cpu[i].ring_full;
		sum.nmi += per_cpu[i].nmi;
	}
	*ret = sum;
	return 0;
}

/* ---- one reading ------------------------------------------------------------------------------------------ */

static int read_commit(const struct manifest *m, struct spool_commit *ret)
{
	struct spool_reader r = {};
	char path[PATH_MAX];
	int err = path_spool(m->program, path);

	if (err == 0)
		err = spool_reader_open(&r, path, true);
	if (err < 0)
		return err;
	err = spool_read_commit(&r, ret);
	spool_reader_close(&r);
	return err;
}

static int count_pending(const struct manifest *m, const struct manifest_channel *c, uint64_t next,
			 struct channel_ledger *ret)
{
	struct ring ring = {};
	int fd = pin_get(m->program, c->item, PIN_MAP, c->map), err;

	if (fd < 0)
		return fd;
	err = ring_open(&ring, fd, true);
	if (err < 0) {
		close(fd);
		return err;
	}
	err = ring_count(&ring, next, &ret->pending, &ret->discarded);
	ring_close(&ring);
	return err;
}

static const struct spool_ring *find_row(const struct spool_commit *commit, const struct manifest_channel *c)
{
	for (size_t i = 0; i < commit->n_rings; i++)
		if (commit->rings[i].map_id == c->map_id)
			return &commit->rings[i];
	return NULL;
}

/* The commit, then the ring from there on, then the counters: whatever moved in between shows in a second commit. */
static void read_channel(const struct manifest *m, const struct manifest_channel *c, struct channel_ledger *ret)
{
	cleanup(freep) struct spool_commit *commit = malloc(2 * sizeof(*commit));
	struct channel_ledger l = {};

	for (int i = 0; i < TRIES && commit; i++) {
		const struct spool_ring *row, *after;

		l = (struct channel_ledger){};
		row = read_commit(m, &commit[0]) == 0 ? find_row(&commit[0], c) : NULL;
		if (row)
			l.row = *row;
		if (c->type == CHANNEL_RING_BUFFER)
			l.has_pending = count_pending(m, c, l.row.next, &l) == 0;
		l.discarded += l.row.discarded;
		l.counted = c->counts && read_counts(m, c, &l.counts) == 0;
		after = read_commit(m, &commit[1]) == 0 ? find_row(&commit[1], c) : NULL;
		l.live = (after ? after->next : 0) != l.row.next;
		if (l.has_pending && !l.live)
			break;
	}
	*ret = l;
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static void channel_row(const struct manifest *m, const struct manifest_channel *c, const struct channel_ledger *l,
			struct bus_rows *rows)
{
	bus_row_begin(rows);
	bus_row_str(rows, "kind", "channel");
	bus_row_str(rows, "program", m->program);
	bus_row_str(rows, "channel", c->name);
	if (l->counted)
		bus_row_u64(rows, "produced", l->counts.produced);
	else
		bus_row_str(rows, "produced", "unknown");
	bus_row_u64(rows, "drained", l->row.drained);
	if (l->has_pending)
		bus_row_u64(rows, "pending", l->pending);
	else
		bus_row_str(rows, "pending", "unknown");
	if (l->counted) {
		bus_row_u64(rows, "ring_full", l->counts.ring_full);
		bus_row_u64(rows, "nmi", l->counts.nmi);
	} else {
		bus_row_str(rows, "ring_full", "unknown");
		bus_row_str(rows, "nmi", "unknown");
	}
	bus_row_u64(rows, "lost", l->row.lost);
	bus_row_u64(rows, "discarded", l->discarded);
	/* `produced` counts attempts, and with them what the program thought better of. */
	if (l->counted && l->has_pending)
		bus_row_strf(rows, "balance", "%lld",
			     (long long)(l->counts.produced - l->row.drained - l->pending - l->counts.ring_full -
					 l->counts.nmi - l->row.lost - l->discarded));
	else
		bus_row_str(rows, "balance", "unknown");
	bus_row_bool(rows, "live", l->live);
	bus_row_end(rows);
}

static void event_row(const struct manifest *m, const struct spool_commit *commit, size_t i, struct bus_rows *rows)
{
	const struct manifest_route *r = &((const struct manifest_route *)m->routes.items)[i];
	const struct manifest_channel *c = &((const struct manifest_channel *)m->channels.items)[r->channel];
	const struct spool_ring *ring = find_row(commit, c);
	const struct spool_route *row = &commit->routes[i];

	bus_row_begin(rows);
	bus_row_str(rows, "kind", "event");
	bus_row_str(rows, "program", m->program);
	bus_row_str(rows, "channel", c->name);
	bus_row_str(rows, "event", r->event_name);
	bus_row_u64(rows, "drained", ring ? ring->drained : 0);
	bus_row_u64(rows, "ok", row->ok);
#define X(upper, lower, help) bus_row_u64(rows, #lower, row->dropped[SPOOL_DROP_##upper]);
	SPOOL_DROP_LIST(X)
#undef X
	bus_row_u64(rows, "results", row->results);
	bus_row_u64(rows, "spooled", row->spooled);
	bus_row_u64(rows, "spool_full", row->spool_full);
	bus_row_u64(rows, "repaired", row->repaired);
	bus_row_end(rows);
}

void ledger_append(const struct manifest *m, struct bus_rows *rows)
{
	cleanup(freep) struct spool_commit *commit = calloc(1, sizeof(*commit));
	const struct manifest_channel *channels = m->channels.items;

	for (size_t i = 0; i < m->channels.n; i++) {
		struct channel_ledger l;

		read_channel(m, &channels[i], &l);
		channel_row(m, &channels[i], &l, rows);
	}
	if (!commit)
		return;
	/* No commit yet: nothing was drained, and zero is the truth. */
	if (read_commit(m, commit) < 0)
		memset(commit, 0, sizeof(*commit));
	for (size_t i = 0; i < m->routes.n && i < SPOOL_MAX_ROUTES; i++)
		event_row(m, commit, i, rows);
}
