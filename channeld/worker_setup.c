/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../common/buffers.h"
#include "../common/log.h"
#include "../common/paths.h"
#include "../common/program.h"
#include "clock.h"
#include "worker_setup.h"

/* The one envelope clock of the process. */
static struct envelope_clock second;

static int open_spool(struct drain *d, const struct manifest *m, const struct worker_options *o, struct diag *diag)
{
	uint64_t size = m->spool_size ? m->spool_size : o->spool_size;
	bool set_aside = false;
	char path[PATH_MAX];
	int err = path_spool(m->program, path);

	if (err < 0)
		return err;
	d->drop_newest = (m->spool_full ? m->spool_full : o->spool_full) == SPOOL_FULL_DROP_NEWEST;
	err = spool_writer_open(&d->spool, path, m->program, size, &set_aside);
	/* Of an earlier load of that name, unloaded and loaded again before channeld could see it gone: its events are
	 * delivered, or were given up by --force, and its counters speak of other maps. */
	if (err == 0 && d->spool.next.generation && d->spool.next.generation != m->generation) {
		unlink(path);		/* under its lock */
		spool_writer_close(&d->spool);
		err = spool_writer_open(&d->spool, path, m->program, size, &set_aside);
	}
	if (err == -EMEDIUMTYPE)
		return diag_fail(diag, err, NULL, 0, "%s: the runtime directory must be a tmpfs", path);
	if (err < 0)
		return diag_fail(diag, err, NULL, 0, "%s: %s", path, strerror(-err));
	if (set_aside)
		log_warning("%s: %s was damaged; it is kept as %s.bad, and its counters begin anew", m->program,
			    path, path);
	else if (d->spool.repaired)
		log_error("%s: %s was damaged in memory, and is whole again but for what its sinks count as damaged",
			  m->program, path);
	return 0;
}

static int open_channel(struct drain *d, struct transport_context *t, size_t i, struct diag *diag)
{
	const struct manifest_channel *mc = &((const struct manifest_channel *)t->manifest->channels.items)[i];
	struct channel *c = &d->channels[i];
	int err;

	*c = (struct channel){ .transport = transport_of((int)mc->type), .manifest = mc, .index = i };
	d->n_channels++;		/* drain_fini() closes it, however far it got */
	err = c->transport->open(c, t, diag);
	if (err == -E2BIG)
		return diag_fail(diag, err, NULL, 0, "channel '%s': the program has more sources than a spool counts "
				 "(%d; a perf buffer has one per CPU)", mc->name, SPOOL_MAX_SOURCES);
	return err;
}

/* The sandbox of @item: all its functions share one, and its state. */
static int sandbox_of(struct drain *d, const struct manifest *m, const char *item, size_t route, int launcher,
		      struct processor **ret, struct diag *diag)
{
	size_t row = d->routes[route].sandbox_row;
	int err;

	if (row != route) {
		*ret = d->routes[row].processor;
		return 0;
	}
	if (launcher < 0)
		return diag_fail(diag, -ENOTCONN, NULL, 0, "processor '%s' needs ebpf-launcher, and there is no socket "
				 "to it", item);
	err = processor_new(m, item, launcher, &d->processors->limits, &d->processors->rows[row], ret, diag);
	if (err == 0)
		d->sandboxes[d->n_sandboxes++] = *ret;
	return err;
}

static int ask_processor(struct drain *d, const struct manifest *m, size_t i, int launcher, struct diag *diag)
{
	struct route *r = &d->routes[i];
	const struct manifest_route *mr = r->manifest;
	const char *item = manifest_route_asks(mr);
	int err;

	r->call = (struct batch_call){ BATCH_NO_FUNCTION, BATCH_NO_FUNCTION, (uint16_t)mr->channel };
	r->sandbox_row = manifest_sandbox_row(m, i);
	if (!item)
		return 0;
	err = sandbox_of(d, m, item, i, launcher, &r->processor, diag);
	if (err < 0)
		return err;
	if (mr->processor)
		r->call.function = processor_function(r->processor, mr->function ?: "process");
	if (mr->hash_item)
		r->call.hash = processor_function(r->processor, mr->hash_function);
	return 0;
}

static int make_route(struct drain *d, const struct manifest *m, size_t i, const struct route_names *names,
		      int launcher, struct diag *diag)
{
	struct spool_route *row = &d->spool.next.routes[i];
	struct route *r = &d->routes[i];
	int err = route_init(r, m, i, names, &second, diag);

	if (err < 0)
		return err;
	err = ask_processor(d, m, i, launcher, diag);
	if (err < 0)
		return err;
	if (row->channel != r->manifest->channel || row->event != r->manifest->event)
		*row = (struct spool_route){ .channel = r->manifest->channel, .event = r->manifest->event };
	return 0;
}

static void link_routes(struct drain *d)
{
	struct route **next = d->by_channel;

	for (size_t i = 0; i < d->n_channels; i++) {
		d->channels[i].routes = next;
		for (size_t j = 0; j < d->n_routes; j++)
			if (d->routes[j].manifest->channel == i)
				*next++ = &d->routes[j];
		d->channels[i].n_routes = (size_t)(next - d->channels[i].routes);
	}
}

static int fill(struct drain *d, const struct manifest *m, const struct worker_options *o, struct diag *diag)
{
	struct spool_commit *next = &d->spool.next;
	char host[HOST_NAME_MAX + 1] = "";
	struct route_names names = { .host = host, .program = m->program, .boot = d->spool.boot };
	struct transport_context t = { .manifest = m, .spool = &d->spool, .epoll = o->epoll };
	int err = o->buffers < 0 ? 0 : buffers_receive(o->buffers, &d->buffers);

	if (err < 0)
		return diag_fail(diag, err, NULL, 0, "its perf buffers cannot be had: %s", strerror(-err));
	t.buffers = d->buffers;

	if (m->channels.n > SPOOL_MAX_CHANNELS || m->routes.n > SPOOL_MAX_ROUTES)
		return diag_fail(diag, -E2BIG, NULL, 0, "the manifest has more channels or routes than a spool counts");
	gethostname(host, sizeof(host) - 1);
	for (size_t i = 0; i < m->channels.n && err == 0; i++)
		err = open_channel(d, &t, i, diag);
	for (; d->n_routes < m->routes.n && err == 0; d->n_routes++)
		err = make_route(d, m, d->n_routes, &names, o->launcher, diag);
	if (err < 0)
		return err;
	link_routes(d);
	next->n_routes = m->routes.n;
	next->generation = m->generation;
	next->flags = 0;
	if (next->wall_offset_ns == 0)
		next->wall_offset_ns = clock_wall_offset();
	return 0;
}

/* What the supervisor shares; without one, an area of the worker's own. */
static int open_processors(struct drain *d, const struct worker_options *o)
{
	int fd, err;

	if (o->processors >= 0)
		return processor_area_map(o->processors, &d->processors);
	err = processor_area_new(&fd, &d->processors);
	if (err == 0)
		close(fd);
	return err;
}

/* Without a file there are no letters, which is counted and said; events go on. Made only where it may be needed. */
static void open_letters(struct drain *d, const struct manifest *m)
{
	const uint64_t of_processors = 1 << SPOOL_DROP_SO_CRASH | 1 << SPOOL_DROP_SO_TIMEOUT |
				       1 << SPOOL_DROP_SO_ERROR | 1 << SPOOL_DROP_FILTERED;
	uint64_t wanted = d->processors->limits.letters_for;
	int err;

	if (!(d->n_sandboxes ? wanted : wanted & ~of_processors))
		return;
	err = letters_open(&d->letters, m->program, d->processors, d->spool.boot, &d->spool.next);
	if (err < 0)
		log_warning("%s: dead letters cannot be kept: %s", m->program, strerror(-err));
}

int worker_setup(struct drain *d, const struct worker_options *o, bool *ret_draining, struct diag *diag)
{
	struct arena *a = arena_new(0);
	struct manifest *m;
	int err = a ? manifest_read(a, o->program, &m, diag) : -ENOMEM;

	if (err == 0)
		err = open_spool(d, m, o, diag);
	if (err == 0)
		err = open_processors(d, o);
	if (err == 0)
		err = fill(d, m, o, diag);
	if (err == 0) {
		d->program = m->program;
		open_letters(d, m);
	}
	if (err < 0) {
		drain_fini(d);
		arena_free(a);
		return err;
	}
	*ret_draining = m->state == MANIFEST_DRAINING;
	return 0;
}
