/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervised_processors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/log.h"
#include "../common/paths.h"
#include "clock.h"
#include "worker.h"

_Static_assert(SPOOL_MAX_ROUTES <= 64, "processors_said has a bit for each route");

static const struct manifest_route *route(const struct supervised *child, size_t i)
{
	return &((const struct manifest_route *)child->manifest->routes.items)[i];
}

static size_t n_routes(const struct supervised *child)
{
	return child->manifest ? MIN(child->manifest->routes.n, (size_t)SPOOL_MAX_ROUTES) : 0;
}

bool processors_any(const struct supervised *child)
{
	for (size_t i = 0; i < n_routes(child); i++)
		if (manifest_route_asks(route(child, i)))
			return true;
	return false;
}

/* ---- the area -------------------------------------------------------------------------------------------- */

int processors_prepare(struct supervised *child)
{
	int err = 0;

	if (!child->processors)
		err = processor_area_new(&child->processors_fd, &child->processors);
	if (err == 0)
		processors_reload(child, svc_conf(child->channeld->svc));
	return err;
}

void processors_reload(struct supervised *child, const struct channeld_conf *conf)
{
	struct processor_area *area = child->processors;
	uint64_t now = clock_monotonic();

	if (!area)
		return;
	area->limits = conf_limits(conf);
	/* What waits under the old one waits no longer than the new one says. */
	for (size_t i = 0; i < SPOOL_MAX_ROUTES; i++)
		area->rows[i].retry_at_ns = MIN(area->rows[i].retry_at_ns, now + area->limits.retry_ns);
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

/* ---- the dead-letter file --------------------------------------------------------------------------------- */

static uint64_t count_lines(const char *path)
{
	cleanup(fclosep) FILE *f = fopen(path, "re");
	char buf[1 << 14];
	uint64_t lines = 0;
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		for (size_t i = 0; i < n; i++)
			lines += buf[i] == '\n';
	return lines;
}

/* The worker, which opens no files, gets the new one as a descriptor: first, so that a worker that takes none keeps the
 * old one under its name. One that starts just now may open either, and is handed the right one. What is in the new one
 * already was written while the exchange before this did not come to its end. */
static int exchange(struct supervised *child, const char *path)
{
	char older[PATH_MAX + 8], fresh[PATH_MAX + 8];
	cleanup(closep) int fd = -1;
	uint64_t gone;
	int err;

	snprintf(older, sizeof(older), "%s.1", path);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	gone = count_lines(older);
	fd = open(fresh, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	err = supervised_tell(child, WORKER_TOLD_LETTERS, fd);
	if (err < 0 && err != -ENOTCONN)
		return err;
	if (rename(path, older) < 0 || rename(fresh, path) < 0)
		return -errno;
	child->processors->letters_gone += gone;
	return 0;
}

void processors_remove_empty(const char *program)
{
	char path[PATH_MAX];
	struct stat st;

	if (path_dead_letter(program, path) == 0 && stat(path, &st) == 0 && st.st_size == 0)
		unlink(path);
}

static void look_at_letters(struct supervised *child)
{
	uint64_t lost = child->processors->letters_lost;
	char path[PATH_MAX], key[96];
	struct stat st;
	int err;

	if (path_dead_letter(child->program, path) < 0)
		return;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size >= child->processors->limits.letters_size) {
		err = exchange(child, path);
		if (err < 0)
			log_warning("%s cannot be exchanged: %s", path, strerror(-err));
	}
	if (lost == child->letters_said)
		return;
	snprintf(key, sizeof(key), "dead-letter:%s", child->program);
	if (lost)
		svc_degraded(child->channeld->svc, key, "%llu could not be written to %s", (unsigned long long)lost,
			     path);
	else
		svc_degraded(child->channeld->svc, key, NULL);
	child->letters_said = lost;
}

/* ---- what is said ---------------------------------------------------------------------------------------- */

static void say(struct supervised *child, size_t i, const struct processor_row *row)
{
	const struct manifest_route *r = route(child, i);
	const struct processor_limits *l = &child->processors->limits;
	char key[192];

	snprintf(key, sizeof(key), "processor:%s/%s", child->program, manifest_route_asks(r));
	if (row)
		svc_degraded(child->channeld->svc, key, "failed: %s; its events are counted as so_crash, and it is "
			     "tried every %llu s", row->last_end, (unsigned long long)(l->retry_ns / NSEC_PER_SEC));
	else
		svc_degraded(child->channeld->svc, key, NULL);
}

static void say_nothing_more(struct supervised *child)
{
	for (size_t i = 0; i < n_routes(child); i++)
		if (child->processors_said >> i & 1)
			say(child, i, NULL);
	child->processors_said = 0;
	if (child->letters_said) {
		char key[96];

		snprintf(key, sizeof(key), "dead-letter:%s", child->program);
		svc_degraded(child->channeld->svc, key, NULL);
		child->letters_said = 0;
	}
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
	look_at_letters(child);
}

void processors_forget(struct supervised *child)
{
	say_nothing_more(child);
	processor_area_free(take(child->processors));
	closep(&child->processors_fd);
	child->processors_fd = -1;
}

/* Of earlier loads of the program as well; "": there are none. */
static void letters_path(const struct supervised *child, char ret[PATH_MAX])
{
	char path[PATH_MAX], older[PATH_MAX + 2];
	struct stat st;
	bool any;

	ret[0] = '\0';
	if (path_dead_letter(child->program, path) < 0)
		return;
	snprintf(older, sizeof(older), "%s.1", path);
	any = (stat(path, &st) == 0 && st.st_size > 0) || stat(older, &st) == 0;
	strcpy(ret, any ? path : "");
}

void processors_append(const struct supervised *child, struct bus_rows *rows)
{
	char path[PATH_MAX], refusals[REFUSALS_TEXT_MAX];

	if (processors_any(child))
		letters_path(child, path);
	for (size_t i = 0; i < n_routes(child); i++) {
		const struct manifest_route *r = route(child, i);
		const struct manifest_channel *channels = child->manifest->channels.items;
		struct processor_row row = { .state = PROCESSOR_WAITING };

		if (!manifest_route_asks(r))
			continue;
		if (child->processors)
			processor_row_read(&child->processors->rows[manifest_sandbox_row(child->manifest, i)], &row);
		bus_row_begin(rows);
		bus_row_str(rows, "program", child->program);
		bus_row_str(rows, "channel", channels[r->channel].name);
		bus_row_str(rows, "event", r->event_name);
		bus_row_str(rows, "processor", manifest_route_asks(r));
		bus_row_str(rows, "function", r->processor ? r->function ?: "process" : r->hash_function);
		bus_row_str(rows, "state", processor_state_names[row.state]);
		bus_row_u64(rows, "pid", (uint64_t)MAX(row.pid, 0));
		bus_row_u64(rows, "uid", row.pid ? row.uid : 0);
		bus_row_u64(rows, "restarts", row.starts ? row.starts - 1 : 0);
		bus_row_u64(rows, "deaths", row.deaths);
		bus_row_str(rows, "last_end", row.last_end);
		refusals_text(&row.refusals, refusals);
		bus_row_u64(rows, "refused", row.refusals.n);
		bus_row_str(rows, "refused_calls", refusals);
		bus_row_u64(rows, "letters", row.letters);
		bus_row_u64(rows, "letters_lost", child->processors ? child->processors->letters_lost : 0);
		bus_row_u64(rows, "letters_gone", child->processors ? child->processors->letters_gone : 0);
		bus_row_str(rows, "letters_path", path);
		bus_row_u64(rows, "memory", child->processors ? child->processors->limits.memory : 0);
		bus_row_end(rows);
	}
}
