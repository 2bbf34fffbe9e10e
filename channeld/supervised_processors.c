/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervised_processors.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../common/paths.h"

_Static_assert(SPOOL_MAX_ROUTES <= 64, "processors_said has a bit for each route");

static const struct manifest_route *route(const struct supervised *child, size_t i)
{
	return &((const struct manifest_route *)child->manifest->routes.items)[i];
}

static size_t n_routes(const struct supervised *child)
{
	return child->manifest ? MIN(child->manifest->routes.n, (size_t)SPOOL_MAX_ROUTES) : 0;
}

static bool has_any(const struct supervised *child)
{
	for (size_t i = 0; i < n_routes(child); i++)
		if (route(child, i)->processor)
			return true;
	return false;
}

/* ---- the area -------------------------------------------------------------------------------------------- */

int processors_prepare(struct supervised *child, int *ret_fd)
{
	int err = 0;

	if (!has_any(child))
		return 0;
	if (!child->processors)
		err = processor_area_new(&child->processors_fd, &child->processors);
	if (err < 0)
		return err;
	processors_reload(child, svc_conf(child->channeld->svc));
	*ret_fd = child->processors_fd;
	return 0;
}

void processors_reload(struct supervised *child, const struct channeld_conf *conf)
{
	if (child->processors)
		child->processors->limits = conf_limits(conf);
}

void processors_ended(struct supervised *child)
{
	for (size_t i = 0; child->processors && i < SPOOL_MAX_ROUTES; i++) {
		struct processor_row *row = &child->processors->rows[i];

		row->pid = 0;		/* they went with their worker */
		if (row->state == PROCESSOR_RUNNING || row->state == PROCESSOR_STARTING)
			row->state = PROCESSOR_WAITING;
	}
}

/* ---- what is said ---------------------------------------------------------------------------------------- */

static void say(struct supervised *child, size_t i, const struct processor_row *row)
{
	const struct manifest_route *r = route(child, i);
	const struct processor_limits *l = &child->processors->limits;
	char key[192];

	snprintf(key, sizeof(key), "processor:%s/%s", child->program, r->event_name);
	if (row)
		svc_degraded(child->channeld->svc, key, "failed: %s; its events are counted as so_crash, and it is tried every "
			     "%llu s", row->last_end, (unsigned long long)(l->retry_ns / NSEC_PER_SEC));
	else
		svc_degraded(child->channeld->svc, key, NULL);
}

static void say_nothing_more(struct supervised *child)
{
	for (size_t i = 0; i < n_routes(child); i++)
		if (child->processors_said >> i & 1)
			say(child, i, NULL);
	child->processors_said = 0;
}

void processors_look(struct supervised *child)
{
	if (!child->processors || child->gone)
		return;
	for (size_t i = 0; i < n_routes(child); i++) {
		struct processor_row row;
		bool said = child->processors_said >> i & 1, failed;

		processor_row_read(&child->processors->rows[i], &row);
		/* Tried again it is no better yet. */
		failed = row.used && (row.state == PROCESSOR_FAILED ||
				      (said && row.in_row >= child->processors->limits.failed_after));
		if (failed == said)
			continue;
		say(child, i, failed ? &row : NULL);
		child->processors_said ^= 1ULL << i;
	}
}

void processors_begin(struct supervised *child)
{
	say_nothing_more(child);
	if (!child->processors)
		return;
	memset(child->processors->rows, 0, sizeof(child->processors->rows));
	child->processors->letters_lost = child->processors->letters_gone = 0;
}

void processors_fini(struct supervised *child)
{
	say_nothing_more(child);
	processor_area_free(take(child->processors));
	closep(&child->processors_fd);
	child->processors_fd = -1;
}

void processors_append(const struct supervised *child, struct bus_rows *rows)
{
	for (size_t i = 0; i < n_routes(child); i++) {
		const struct manifest_route *r = route(child, i);
		const struct manifest_channel *channels = child->manifest->channels.items;
		struct processor_row row = { .state = PROCESSOR_WAITING };

		if (!r->processor)
			continue;
		if (child->processors)
			processor_row_read(&child->processors->rows[i], &row);
		bus_row_begin(rows);
		bus_row_str(rows, "program", child->program);
		bus_row_str(rows, "channel", channels[r->channel].name);
		bus_row_str(rows, "event", r->event_name);
		bus_row_str(rows, "processor", r->processor);
		bus_row_str(rows, "function", r->function ?: "process");
		bus_row_str(rows, "state", processor_state_names[row.state]);
		bus_row_u64(rows, "pid", (uint64_t)MAX(row.pid, 0));
		bus_row_u64(rows, "uid", row.pid ? row.uid : 0);
		bus_row_u64(rows, "restarts", row.starts ? row.starts - 1 : 0);
		bus_row_u64(rows, "deaths", row.deaths);
		bus_row_str(rows, "last_end", row.last_end);
		bus_row_u64(rows, "letters", row.letters);
		bus_row_u64(rows, "memory", child->processors ? child->processors->limits.memory : 0);
		bus_row_end(rows);
	}
}
