/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declared programs: the files of programs.d. Looked at when loaderd starts and when it reloads: what is new is
 * loaded, what is gone is unloaded, what changed is unloaded and loaded again. What was loaded by hand is never
 * touched. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/crc32c.h"
#include "../common/paths.h"
#include "loaderd.h"

struct text {
	char *s;
	size_t len;
	time_t changed;
};

static int read_text(const char *path, struct text *ret)
{
	cleanup(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	cleanup(freep) char *s = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > YAML_SIZE_MAX)
		return -EFBIG;
	s = malloc(st.st_size + 1);
	if (!s)
		return -ENOMEM;
	while (len < (size_t)st.st_size && (n = read(fd, s + len, st.st_size - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		len += MAX(n, 0);
	}
	*ret = (struct text){ take(s), len, MAX(st.st_mtime, st.st_ctime) };
	return 0;
}

static void tell(struct loaderd *d, const struct declared *row, const char *trouble)
{
	char key[PATH_MAX + 16];

	snprintf(key, sizeof(key), "declared:%s", row->path);
	svc_degraded(d->svc, key, trouble ? "%s" : NULL, trouble);
}

static struct declared *find(struct loaderd *d, const char *path)
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

/* ---- loading ---------------------------------------------------------------------------------------------------- */

struct pending {
	struct loaderd *d;
	char *path;
};

/* Of which program a file speaks, without loading it: empty if that cannot be said. */
static void name_of(const char *path, const struct text *t, char ret[AGENT_NAME_MAX + 1])
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct diag diag = { 0 };
	struct yaml_node *root;
	struct program *p;

	ret[0] = '\0';
	if (a && !yaml_parse(a, path, t->s, t->len, &root, &diag) && !program_is_xdp_list(root) &&
	    !program_parse(a, path, "/", root, &p, &diag))
		snprintf(ret, AGENT_NAME_MAX + 1, "%s", p->name);
	diag_fini(&diag);
}

static void on_loaded(void *arg, const struct entry *e, const struct outcome *o)
{
	struct pending *p = arg;
	struct declared *row;

	(void)e;
	if (!p->d->stopping && (row = find(p->d, p->path))) {
		row->retry = o->error != NULL;
		tell(p->d, row, o->error ? o->text : NULL);
	}
	free(p->path);
	free(p);
}

static void load(struct loaderd *d, struct declared *row, const struct text *t)
{
	char folder[PATH_MAX];
	struct pending *p = malloc(sizeof(*p));
	struct outcome o = { 0 };
	struct load_request r = {
		.text = t->s, .len = t->len, .file = row->path, .base = folder, .done = on_loaded, .arg = p,
	};

	snprintf(folder, sizeof(folder), "%s", row->path);
	dirname(folder);
	if (!p)
		return;
	*p = (struct pending){ d, strdup(row->path) };
	row->retry = false;
	row->crc = crc32c(0, t->s, t->len);
	row->len = t->len;
	name_of(row->path, t, row->program);
	if (!p->path || job_start(d, &r, &o)) {
		row->retry = true;
		tell(d, row, o.text ? o.text : "out of memory");
		outcome_fini(&o);
		free(p->path);
		free(p);
	}
}

static void on_replaced(void *arg, const struct outcome *o)
{
	struct pending *p = arg;
	struct text t = { 0 };
	struct declared *row;
	int err;

	if (!p->d->stopping && (row = find(p->d, p->path))) {
		err = o->error ? -EBUSY : read_text(p->path, &t);
		if (!err)
			load(p->d, row, &t);
		else
			tell(p->d, row, o->error ? o->text : strerror(-err));
		row->retry |= err != 0;
	}
	free(t.s);
	free(p->path);
	free(p);
}

static void replace(struct loaderd *d, struct declared *row, struct entry *e)
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

/* ---- looking ---------------------------------------------------------------------------------------------------- */

static bool is_from(const struct entry *e, const char *path)
{
	return e->manifest && e->manifest->file && !strcmp(e->manifest->file, path);
}

/* Adopted: did the file change since it was loaded? */
static bool is_newer(const struct entry *e, const struct text *t)
{
	char path[PATH_MAX];
	struct stat st;

	return !path_manifest(e->name, path) && !stat(path, &st) && t->changed > st.st_mtime;
}

static void look_at(struct loaderd *d, struct declared *row, const struct text *t)
{
	bool first = !row->program[0];
	bool same = !first && row->len == t->len && row->crc == crc32c(0, t->s, t->len);
	char name[AGENT_NAME_MAX + 1];
	struct entry *e;

	if (same && !row->retry)
		return;
	name_of(row->path, t, name);
	if (!first && name[0] && strcmp(name, row->program) && (e = entry_find(d, row->program)) &&
	    is_from(e, row->path)) {
		replace(d, row, e);	/* the file speaks of another program now */
		return;
	}
	e = name[0] ? entry_find(d, name) : NULL;
	if (!e || !is_from(e, row->path)) {
		load(d, row, t);	/* new, or it says what is wrong */
	} else if (e->state != ENTRY_LOADED) {
		row->retry = true;
	} else if (first && !is_newer(e, t)) {
		snprintf(row->program, sizeof(row->program), "%s", name);
		row->crc = crc32c(0, t->s, t->len);
		row->len = t->len;
		row->retry = false;
	} else {
		replace(d, row, e);
	}
}

static int on_file(const char *path, void *arg)
{
	struct loaderd *d = arg;
	struct declared *row = find(d, path);
	struct text t;
	int err;

	if (!row)
		return -ENOMEM;
	row->seen = true;
	err = read_text(path, &t);
	if (err) {
		char text[PATH_MAX + 64];

		snprintf(text, sizeof(text), "%s: %s", path, strerror(-err));
		tell(d, row, text);
		return 0;
	}
	look_at(d, row, &t);
	free(t.s);
	return 0;
}

static void on_unloaded(void *arg, const struct outcome *o)
{
	(void)arg;
	if (o->error)
		log_warning("%s", o->text);
}

/* Does @path lie in one of the folders that are looked at? Then whatever was loaded from it was declared. */
static bool is_declared_path(const char *path)
{
	cleanup(freep) char *dirs = strdup(path_config());
	char *save = NULL;

	for (char *dir = dirs ? strtok_r(dirs, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
		char folder[PATH_MAX];
		size_t n = (size_t)snprintf(folder, sizeof(folder), "%s/programs.d/", dir);

		if (n < sizeof(folder) && !strncmp(path, folder, n) && !strchr(path + n, '/'))
			return true;
	}
	return false;
}

static bool is_seen(const struct loaderd *d, const char *path)
{
	for (const struct declared *row = d->declared; row; row = row->next)
		if (row->seen && !strcmp(row->path, path))
			return true;
	return false;
}

static void unload_vanished(struct loaderd *d)
{
	for (struct entry *e = d->entries, *next; e; e = next) {
		const char *file = e->manifest ? e->manifest->file : NULL;

		next = e->next;
		if (!file || e->state != ENTRY_LOADED || !is_declared_path(file) || is_seen(d, file))
			continue;
		log_info("%s: %s is gone: it is unloaded", e->name, file);
		unload_start(e, UNLOAD_DRAIN, d->conf->drain_timeout_ns / NSEC_PER_MSEC, on_unloaded, NULL);
	}
}

static void forget_vanished(struct loaderd *d)
{
	for (struct declared **at = &d->declared; *at;) {
		struct declared *row = *at;

		if (row->seen) {
			at = &row->next;
			continue;
		}
		tell(d, row, NULL);
		*at = row->next;
		free(row->path);
		free(row);
	}
}

void declared_look(struct loaderd *d)
{
	struct diag diag = { 0 };

	for (struct declared *row = d->declared; row; row = row->next)
		row->seen = false;
	if (conf_each_file(path_config(), "programs.d", on_file, d, &diag))
		svc_degraded(d->svc, "declared", "programs.d cannot be read: %s", diag.error);
	else
		svc_degraded(d->svc, "declared", NULL);
	diag_fini(&diag);
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
