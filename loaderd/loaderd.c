/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loaderd.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/paths.h"
#include "../common/pins.h"
#include "broker.h"
#include "shared.h"

const char *const entry_state_names[] = {
	[ENTRY_LOADING] = "loading", [ENTRY_LOADED] = "loaded", [ENTRY_DRAINING] = "draining",
};

/* ---- outcomes --------------------------------------------------------------------------------------------------- */

void outcome_fini(struct outcome *o)
{
	free(o->text);
	*o = (struct outcome){ 0 };
}

int outcome_fail(struct outcome *o, const char *error, const char *fmt, ...)
{
	va_list args;

	if (o->error)
		return -EINVAL;
	va_start(args, fmt);
	if (vasprintf(&o->text, fmt, args) < 0)
		o->text = NULL;
	va_end(args);
	o->error = error;
	if (!o->text)
		o->text = strdup("out of memory");
	return -EINVAL;
}

/* ---- entries ---------------------------------------------------------------------------------------------------- */

struct entry *entry_find(const struct loaderd *d, const char *name)
{
	struct entry *e = d->entries;

	while (e && strcmp(e->name, name))
		e = e->next;
	return e;
}

struct entry *entry_add(struct loaderd *d, const char *name)
{
	struct entry **at = &d->entries, *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->d = d;
	snprintf(e->name, sizeof(e->name), "%s", name);
	while (*at && strcmp((*at)->name, name) < 0)	/* sorted, as they are listed */
		at = &(*at)->next;
	e->next = *at;
	*at = e;
	return e;
}

static void tell_degraded(struct entry *e)
{
	const char *first = e->manifest && e->manifest->degraded.n ? e->manifest->degraded.s[0] : NULL;
	char key[AGENT_NAME_MAX + 16];

	snprintf(key, sizeof(key), "program:%s", e->name);
	if (e->d->stopping)
		return;		/* the program stays as it is */
	if (e->refused)
		svc_degraded(e->d->svc, key, "%s: %s", e->name, e->refused);
	else if (first)
		svc_degraded(e->d->svc, key, "%.*s (%zu in all: ebpfctl show %s)", (int)strcspn(first, "\n"), first,
			     e->manifest->degraded.n, e->name);
	else
		svc_degraded(e->d->svc, key, NULL);
}

void entry_set_manifest(struct entry *e, struct arena *arena, struct manifest *m)
{
	arena_free(e->arena);
	e->arena = arena;
	e->manifest = m;
	tell_degraded(e);
}

void entry_remove(struct entry *e)
{
	struct entry **at = &e->d->entries;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	free(e->refused);
	e->refused = NULL;
	entry_set_manifest(e, NULL, NULL);
	free(e);
}

void loaderd_hint(struct loaderd *d, const char *program)
{
	if (d->to_channeld)
		wire_send(d->to_channeld, HINT_MANIFEST, program);
	if (d->to_sinkd)
		wire_send(d->to_sinkd, HINT_MANIFEST, program);
}

/* ---- the generation --------------------------------------------------------------------------------------------- */

/* It only has to differ from those of programs whose events may still lie somewhere, so it is kept where the manifests
 * are: both end with the boot. */
static int generation_path(char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%s/manifest/.generation", path_runtime()) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static void read_generation(struct loaderd *d)
{
	cleanup(fclosep) FILE *f = NULL;
	unsigned long n;
	char path[PATH_MAX];

	if (generation_path(path) == 0 && (f = fopen(path, "re")) && fscanf(f, "%lu", &n) == 1 && n < UINT32_MAX)
		d->generation = MAX(d->generation, n);
}

uint64_t loaderd_next_generation(struct loaderd *d)
{
	char path[PATH_MAX], beside[PATH_MAX + 8];
	FILE *f;

	d->generation++;
	if (generation_path(path))
		return d->generation;
	snprintf(beside, sizeof(beside), "%s.new", path);
	f = fopen(beside, "we");
	if (f)
		fchmod(fileno(f), 0640);
	if (f) {
		fprintf(f, "%lu\n", (unsigned long)d->generation);
		if (fclose(f) == 0 && rename(beside, path) == 0)
			return d->generation;
	}
	log_warning("%s cannot be written: %s", path, strerror(errno));
	return d->generation;
}

/* ---- shared maps ------------------------------------------------------------------------------------------------ */

static bool map_in_use(const struct loaderd *d, uint32_t id)
{
	for (const struct entry *e = d->entries; e; e = e->next) {
		const struct manifest_item *i = e->manifest ? e->manifest->items.items : NULL;

		for (size_t k = 0; i && k < e->manifest->items.n; k++) {
			const struct manifest_map *m = i[k].maps.items;

			for (size_t n = 0; n < i[k].maps.n; n++)
				if (m[n].id == id)
					return true;
		}
	}
	return false;
}

void loaderd_sweep_shared(struct loaderd *d)
{
	char dir[PATH_MAX], path[PATH_MAX];
	DIR *folder;

	/* A load under way may be about to use one. Its end comes here as well, if it fails. */
	for (const struct entry *e = d->entries; e; e = e->next)
		if (e->state == ENTRY_LOADING && e->job)
			return;
	if (shared_dir(dir) || !(folder = opendir(dir)))
		return;
	for (struct dirent *entry; (entry = readdir(folder));) {
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		cleanup(closep) int fd = -1;

		if (shared_path(entry->d_name, path))
			continue;
		fd = bpf_obj_get(path);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && !map_in_use(d, info.id))
			unlink(path);
	}
	closedir(folder);
}

/* ---- the daemon's life ------------------------------------------------------------------------------------------ */

static int make_dir(const char *dir, const char *name, mode_t mode)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (mkdir(path, mode) == 0)
		return chmod(path, mode) ? -errno : 0;	/* whatever the umask is */
	if (errno == EEXIST)
		return 0;
	log_error("%s cannot be made: %s", path, strerror(errno));
	return -errno;
}

static void on_told(void *arg, unsigned tag, int err, const char *text, int fd)
{
	const struct loaderd *d = arg;

	closep(&fd);
	if (err)
		log_error("ebpf-broker refuses the folder %s: %s", d->conf->artifacts.roots.s[tag], text);
}

static int tell_roots(struct loaderd *d)
{
	const struct conf_strs *roots = &d->conf->artifacts.roots;
	int err = 0;

	for (size_t k = 0; k < roots->n && !err; k++)
		err = broker_ask(d->broker, BROKER_ROOT, roots->s[k], on_told, d, k);
	return err ? err : broker_ask(d->broker, BROKER_ROOTS_END, "", on_told, d, 0);
}

static int connect_hints(struct loaderd *d)
{
	int err = wire_connect("channeld", &d->to_channeld);

	return err ? err : wire_connect("sinkd", &d->to_sinkd);
}

static int check_ground(struct loaderd *d)
{
	int err = pin_check_mount();

	if (err) {
		log_error("%s/bpf is no bpffs (%s): nothing could be pinned", path_runtime(), strerror(-err));
		return err;
	}
	err = make_dir(path_runtime(), "manifest", 02750);
	if (!err)
		err = make_dir(path_state(), "artifacts", 02750);
	if (!err)
		read_generation(d);
	return err;
}

int loaderd_start(struct svc *s, void **ret_self)
{
	struct loaderd *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->svc = s;
	d->loop = svc_loop(s);
	d->conf = svc_conf(s);
	unload_init(d);
	err = check_ground(d);
	if (!err)
		err = broker_client_new(d->loop, svc_helper_fd(s), &d->broker);
	if (!err)
		err = tell_roots(d);
	if (!err)
		err = connect_hints(d);
	if (!err)
		err = adopt_all(d);
	if (err) {
		loaderd_stop(d);
		return err;
	}
	*ret_self = d;
	return 0;
}

int loaderd_reload(void *self, const void *conf)
{
	struct loaderd *d = self;

	/* The broker was told its folders once; they change with a restart. */
	d->conf = conf;
	declared_look(d);
	return 0;
}

static void tell_status(const struct loaderd *d)
{
	size_t n[3] = { 0 };

	for (const struct entry *e = d->entries; e; e = e->next)
		n[e->state]++;
	svc_status(d->svc, "%zu program%s loaded, %zu loading, %zu draining", n[ENTRY_LOADED],
		   n[ENTRY_LOADED] == 1 ? "" : "s", n[ENTRY_LOADING], n[ENTRY_DRAINING]);
}

void loaderd_look(void *self)
{
	struct loaderd *d = self;

	if (!d->begun) {
		d->begun = true;
		declared_look(d);
	}
	unload_look(d);
	tell_status(d);
}

static void on_timer_closed(uv_handle_t *h)
{
	free(h->data);
}

void loaderd_stop(void *self)
{
	struct loaderd *d = self;

	d->stopping = true;
	if (d->broker)
		job_drop_all(d);
	unload_drop_all(d);
	declared_free(d);
	while (d->entries)
		entry_remove(d->entries);	/* what is loaded stays loaded */
	broker_client_free(d->broker);
	wire_free(d->to_channeld);
	wire_free(d->to_sinkd);
	uv_close((uv_handle_t *)&d->drain_timer, on_timer_closed);
}
