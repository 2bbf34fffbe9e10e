/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manifest: what everybody else will know of this program. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "load.h"

static int read_boot_id(struct load *l, const char **ret)
{
	cleanup(closep) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 36)
		return load_fail(l, 0, "the boot id cannot be read");
	*ret = arena_strndup(l->arena, text, 36);
	return *ret ? 0 : -ENOMEM;
}

static const char *now(struct arena *a)
{
	struct timespec t;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			    tm.tm_hour, tm.tm_min, tm.tm_sec, t.tv_nsec);
}

/* ---- items ------------------------------------------------------------------------------------------------------ */

static int add_progs(struct load *l, const struct load_item *i, struct conf_list *to)
{
	static const char *const states[] = {
		[LOAD_WANTED] = "loaded",
		[LOAD_ATTACHED] = "attached",
		[LOAD_LOADED] = "loaded",
		[LOAD_DROPPED] = "dropped",
	};
	struct manifest_prog *m = arena_alloc(l->arena, (i->n_progs + 1) * sizeof(*m));

	if (!m)
		return -ENOMEM;
	for (size_t k = 0; k < i->n_progs; k++) {
		const struct load_prog *p = &i->progs[k];

		m[k] = (struct manifest_prog){
			.name = p->name,
			.type = p->type,
			.section = p->section,
			.state = states[p->state],
			.cause = p->cause,
			.prog_id = p->prog_id,
			.link_id = p->link_id,
		};
	}
	*to = (struct conf_list){ m, i->n_progs };
	return 0;
}

static int add_maps(struct load *l, const struct load_item *i, struct conf_list *to)
{
	struct manifest_map *m;
	struct bpf_map *map;
	size_t n = 0;

	bpf_object__for_each_map(map, i->obj)
		n++;
	m = arena_alloc(l->arena, (n + 1) * sizeof(*m));
	if (!m)
		return -ENOMEM;
	n = 0;
	bpf_object__for_each_map(map, i->obj) {
		struct bpf_map_info info = { 0 };
		uint32_t len = sizeof(info);
		const char *type;

		if (bpf_map__fd(map) < 0)
			continue;
		if (bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len))
			return load_fail(l, 0, "map '%s': %s", bpf_map__name(map), strerror(errno));
		type = libbpf_bpf_map_type_str(info.type);
		m[n++] = (struct manifest_map){
			.name = arena_strdup(l->arena, bpf_map__name(map)),
			.type = type ? type : "unknown",
			.id = info.id,
			.key_size = info.key_size,
			.value_size = info.value_size,
			.max_entries = info.max_entries,
		};
	}
	*to = (struct conf_list){ m, n };
	return 0;
}

static int add_functions(struct load *l, const struct program_item *i, struct conf_list *to)
{
	const struct program_function *f = i->functions.items;
	struct manifest_function *m = arena_alloc(l->arena, (i->functions.n + 1) * sizeof(*m));

	if (!m)
		return -ENOMEM;
	for (size_t k = 0; k < i->functions.n; k++)
		m[k] = (struct manifest_function){ f[k].name, f[k].type, f[k].initfile != NULL };
	if (i->functions.n == 0 && i->type == ITEM_USER_SO)
		m[0] = (struct manifest_function){ "process", FUNCTION_DEFAULT, false };
	*to = (struct conf_list){ m, i->functions.n ? i->functions.n : i->type == ITEM_USER_SO };
	return 0;
}

static int add_items(struct load *l, struct conf_list *to)
{
	struct manifest_item *m = arena_alloc(l->arena, (l->n_items + 1) * sizeof(*m));
	int err = m ? 0 : -ENOMEM;

	for (size_t k = 0; k < l->n_items && !err; k++) {
		struct load_item *i = &l->items[k];

		m[k] = (struct manifest_item){
			.name = i->decl->name, .type = item_type_names[i->decl->type], .path = i->artifact.path,
			.sha256 = i->artifact.sha256, .artifact = i->cached,
		};
		if (i->initfile.bytes) {
			m[k].initfile = i->initfile.path;
			m[k].initfile_sha256 = i->initfile.sha256;
			m[k].initfile_artifact = i->cached_initfile;
		}
		err = add_functions(l, i->decl, &m[k].functions);
		if (!err && i->obj)
			err = add_progs(l, i, &m[k].progs);
		if (!err && i->obj)
			err = add_maps(l, i, &m[k].maps);
	}
	*to = (struct conf_list){ m, l->n_items };
	return err;
}

/* ---- routes ----------------------------------------------------------------------------------------------------- */

static int add_sinks(struct load *l, const struct program_channel *c, const struct program_event *e,
		     struct conf_list *to)
{
	struct manifest_sink *m;
	struct storage *s;
	size_t n, kept = 0;
	int err = program_storage_said(l->arena, l->program, c, e, &s, &n, &l->diag);

	if (err)
		return err;
	m = arena_alloc(l->arena, (n + 1) * sizeof(*m));
	if (!m)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++) {
		if (s[k].off || storage_is_built(s[k].sink))
			m[kept++] = (struct manifest_sink){ s[k].sink, s[k].options, s[k].off };
		else
			load_degraded(l,
				      "storage %s is not built in this version; the events of channel '%s' do not go "
				      "there",
				      s[k].sink, c->name);
	}
	*to = (struct conf_list){ m, kept };
	return 0;
}

static size_t event_number(const struct program *p, const struct program_event *e)
{
	/* The implicit event of a channel that no event takes comes after all others. */
	return e ? (size_t)(e - (const struct program_event *)p->events.items) : p->events.n;
}

static int add_route(struct load *l, const struct program_route *r, struct manifest_route *m)
{
	const struct program_channel *c = (const struct program_channel *)l->program->channels.items + r->channel;
	const struct manifest_channel *mc = (const struct manifest_channel *)l->manifest.channels.items + r->channel;
	const char *processor = r->event ? r->event->processor : NULL;
	const char *name = r->event ? r->event->name : NULL;

	*m = (struct manifest_route){
		.channel = r->channel, .event = event_number(l->program, r->event),
		.event_name = name ? name : mc->layout.name ? mc->layout.name : mc->name, .processor = processor,
		.function = processor ? (r->event->function ? r->event->function : "process") : NULL,
	};
	infer_key(l->arena, l->program, r->event, mc, m);
	if (r->event && r->event->hash && m->key_offset < 0 && !m->hash_item)
		diag_warn(&l->diag, r->event->item.file, r->event->item.line, "the key of these events is the %s",
			  m->key);
	return add_sinks(l, c, r->event, &m->sinks);
}

static int add_routes(struct load *l, struct conf_list *to)
{
	struct program_route *routes;
	struct manifest_route *m;
	size_t n;
	int err = program_routes(l->arena, l->program, &routes, &n);

	if (err)
		return err;
	m = arena_alloc(l->arena, (n + 1) * sizeof(*m));
	if (!m)
		return -ENOMEM;
	for (size_t k = 0; k < n && !err; k++)
		err = add_route(l, &routes[k], &m[k]);
	*to = (struct conf_list){ m, n };
	return err;
}

int load_manifest(struct load *l)
{
	struct manifest *m = &l->manifest;
	int err;

	m->version = MANIFEST_VERSION;
	m->generation = l->generation;
	m->program = l->program->name;
	m->state = MANIFEST_LOADED;
	m->file = l->program->file;
	m->description = l->program->description;
	m->spool_size = l->program->spool_size;
	m->spool_full = l->program->spool_full;
	m->loaded_at = now(l->arena);
	err = read_boot_id(l, &m->boot_id);
	if (!err)
		err = add_items(l, &m->items);
	if (!err)
		err = add_routes(l, &m->routes);
	m->degraded = l->degraded;
	m->warnings = (struct conf_strs){ (const char **)l->diag.warnings, l->diag.n_warnings };
	return err;
}
