/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A declared program is loaded, or loaded anew. Until that is done its row may go, so it is known by its path. */
#include <errno.h>
#include <libgen.h>
#include <string.h>

#include "../common/crc32c.h"
#include "declared.h"

struct pending {
	struct loaderd *d;
	char *path;
};

static void on_loaded(void *arg, const struct entry *e, const struct outcome *o)
{
	struct pending *p = arg;
	struct declared *row;

	(void)e;
	if (!p->d->stopping && (row = declared_row(p->d, p->path))) {
		row->retry = o->error != NULL;
		declared_tell(p->d, row, o->error ? o->text : NULL);
	}
	free(p->path);
	free(p);
}

void declared_load(struct loaderd *d, struct declared *row, const struct declared_text *t)
{
	char folder[PATH_MAX];
	struct pending *p;
	struct outcome o = { 0 };
	struct load_request r = {
		.text = t->s, .len = t->len, .file = row->path, .base = folder, .done = on_loaded,
	};

	if (!job_room(d)) {
		declared_later(d, row);
		return;
	}
	r.arg = p = malloc(sizeof(*p));
	snprintf(folder, sizeof(folder), "%s", row->path);
	dirname(folder);
	if (!p)
		return;
	*p = (struct pending){ d, strdup(row->path) };
	row->retry = false;
	row->crc = crc32c(0, t->s, t->len);
	row->len = t->len;
	declared_name(row->path, t, row->program);
	if (!p->path || job_start(d, &r, &o)) {
		row->retry = true;
		declared_tell(d, row, o.text ? o.text : "out of memory");
		outcome_fini(&o);
		free(p->path);
		free(p);
	}
}

static bool is_draining(const struct loaderd *d, const struct declared *row)
{
	const struct entry *e = entry_find(d, row->program);

	return e && e->state == ENTRY_DRAINING;
}

static void on_replaced(void *arg, const char *program, const struct outcome *o)
{
	struct pending *p = arg;
	struct declared_text t = { 0 };
	struct declared *row;
	int err;

	(void)program;
	if (!p->d->stopping && (row = declared_row(p->d, p->path))) {
		err = o->error ? -EBUSY : declared_read(p->path, &t);
		if (!err)
			declared_load(p->d, row, &t);
		else
			declared_tell(p->d, row, o->error ? o->text : strerror(-err));
		row->retry |= err != 0;
		if (o->error && is_draining(p->d, row))
			declared_later(p->d, row);
	}
	free(t.s);
	free(p->path);
	free(p);
}

void declared_replace(struct loaderd *d, struct declared *row, struct entry *e)
{
	struct pending *p = malloc(sizeof(*p));

	if (!p)
		return;
	*p = (struct pending){ d, strdup(row->path) };
	if (!p->path) {
		free(p);
		return;
	}
	log_info("%s: %s changed: it is loaded anew", e->name, row->path);
	unload_start(e, UNLOAD_DRAIN, d->conf->drain_timeout_ns / NSEC_PER_MSEC, on_replaced, p);
}
