/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declared programs: the files of programs.d. Looked at when loaderd starts and when it reloads, and again for as long
 * as something has to wait for a load that is under way: what is new is loaded, what is gone is unloaded, what changed
 * is unloaded and loaded again. What was loaded by hand is never touched. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/crc32c.h"
#include "../common/paths.h"
#include "declared.h"

void declared_tell(struct loaderd *d, const struct declared *row, const char *trouble)
{
	char key[PATH_MAX + 16];

	snprintf(key, sizeof(key), "declared:%s", row->path);
	svc_degraded(d->svc, key, trouble ? "%s" : NULL, trouble);
}

struct declared *declared_row(struct loaderd *d, const char *path)
{
	struct declared *row = d->declared;

	while (row && strcmp(row->path, path))
		row = row->next;
	if (row)
		return row;
	row = calloc(1, sizeof(*row));
	if (row && !(row->path = strdup(path))) {
		free(row);
		return NULL;
	}
	if (row) {
		row->retry = true;
		row->next = d->declared;
		d->declared = row;
	}
	return row;
}

void declared_later(struct loaderd *d, struct declared *row)
{
	row->due = d->declared_due = true;
}

static bool is_from(const struct entry *e, const char *path)
{
	return e->manifest && e->manifest->file && !strcmp(e->manifest->file, path);
}

/* Adopted: did the file change since it was loaded? */
static bool is_newer(const struct entry *e, const struct declared_text *t)
{
	char path[PATH_MAX];
	struct stat st;

	return !path_manifest(e->name, path) && !stat(path, &st) && t->changed > st.st_mtime;
}

static bool is_seen(const struct loaderd *d, const char *path)
{
	for (const struct declared *row = d->declared; row; row = row->next)
		if (row->seen && !strcmp(row->path, path))
			return true;
	return false;
}

/* Loaded from a file that is gone, or that another one of its name stands before. */
static bool is_vanished(const struct loaderd *d, const struct entry *e)
{
	const char *file = e->manifest ? e->manifest->file : NULL;

	return file && e->state == ENTRY_LOADED && declared_is_path(file) && !is_seen(d, file);
}

static void look_at(struct loaderd *d, struct declared *row, const struct declared_text *t)
{
	bool first = !row->program[0];
	bool same = !first && row->len == t->len && row->crc == crc32c(0, t->s, t->len);
	char name[AGENT_NAME_MAX + 1];
	struct entry *e;

	if (same && !row->due)
		return;
	row->due = false;
	declared_name(row->path, t, name);
	if (!first && name[0] && strcmp(name, row->program) && (e = entry_find(d, row->program)) &&
	    is_from(e, row->path)) {
		declared_replace(d, row, e);	/* the file speaks of another program now */
		return;
	}
	e = name[0] ? entry_find(d, name) : NULL;
	if (e && e->state == ENTRY_LOADING) {
		declared_later(d, row);
	} else if (e && is_vanished(d, e)) {
		declared_replace(d, row, e);	/* the file was moved */
	} else if (!e || !is_from(e, row->path)) {
		declared_load(d, row, t);	/* new, or it says what is wrong */
	} else if (e->state != ENTRY_LOADED) {
		declared_later(d, row);	/* once it is drained */
	} else if (first && !is_newer(e, t)) {
		snprintf(row->program, sizeof(row->program), "%s", name);
		row->crc = crc32c(0, t->s, t->len);
		row->len = t->len;
		row->retry = false;
	} else {
		declared_replace(d, row, e);
	}
}

struct scan {
	struct loaderd *d;
	char odd[DIAG_EXCERPT];		/* a name that is not UTF-8: neither a manifest nor the bus could hold it */
};

/* All are seen before the first one is looked at: only then is it known which are gone. */
static int see(const char *path, void *arg)
{
	struct scan *scan = arg;
	struct declared *row;

	if (!declared_is_utf8(path)) {
		diag_excerpt(scan->odd, strrchr(path, '/') + 1);
		return 0;
	}
	row = declared_row(scan->d, path);
	if (!row)
		return -ENOMEM;
	row->seen = true;
	return 0;
}

static int on_file(const char *path, void *arg)
{
	struct loaderd *d = ((struct scan *)arg)->d;
	struct declared_text t = { 0 };
	struct declared *row;
	int err;

	if (!declared_is_utf8(path))
		return 0;
	row = declared_row(d, path);
	if (!row)
		return -ENOMEM;
	err = declared_read(path, &t);
	if (err) {
		char text[PATH_MAX + 64];

		declared_fault(path, err, text, sizeof(text));
		declared_tell(d, row, text);
		return 0;
	}
	look_at(d, row, &t);
	free(t.s);
	return 0;
}

static void on_unloaded(void *arg, const char *program, const struct outcome *o)
{
	(void)arg, (void)program;
	if (o->error)
		log_warning("%s", o->text);
}

static void unload_vanished(struct loaderd *d)
{
	for (struct entry *e = d->entries, *next; e; e = next) {
		next = e->next;
		if (!is_vanished(d, e))
			continue;
		log_info("%s: %s is gone: it is unloaded", e->name, e->manifest->file);
		unload_start(e, UNLOAD_DRAIN, d->conf->drain_timeout_ns / NSEC_PER_MSEC, on_unloaded, NULL);
	}
}

static void forget_vanished(struct loaderd *d)
{
	for (struct declared **at = &d->declared; *at;) {
		struct declared *row = *at;
		const struct entry *e = row->seen ? NULL : entry_find(d, row->program);

		if (row->seen || (e && e->state == ENTRY_LOADING)) {
			d->declared_due |= e != NULL;	/* once it is loaded, it is unloaded */
			at = &row->next;
			continue;
		}
		declared_tell(d, row, NULL);
		*at = row->next;
		free(row->path);
		free(row);
	}
}

void declared_look(struct loaderd *d, bool again)
{
	struct scan scan = { .d = d };
	struct diag diag = { 0 };
	int err;

	d->declared_due = false;
	for (struct declared *row = d->declared; row; row = row->next) {
		row->seen = false;
		row->due |= again && row->retry;
	}
	err = conf_each_file(path_config(), "programs.d", see, &scan, &diag);
	if (!err)
		err = conf_each_file(path_config(), "programs.d", on_file, &scan, &diag);
	if (err)	/* which ones are gone is not known */
		svc_degraded(d->svc, "declared", "programs.d cannot be read: %s",
			     diag.error[0] ? diag.error : strerror(-err));
	else if (scan.odd[0])
		svc_degraded(d->svc, "declared", "programs.d: %s is passed over: its name is not UTF-8", scan.odd);
	else
		svc_degraded(d->svc, "declared", NULL);
	diag_fini(&diag);
	if (err)
		return;
	unload_vanished(d);
	forget_vanished(d);
}

void declared_free(struct loaderd *d)
{
	while (d->declared) {
		struct declared *row = d->declared;

		d->declared = row->next;
		free(row->path);
		free(row);
	}
}
