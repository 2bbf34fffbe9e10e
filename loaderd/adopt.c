/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an earlier loaderd left: taken over as it is, after checking that links, progs and maps belong together. A
 * pinned map whose writer is another prog's map would be silent for ever. Nothing is loaded twice. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../common/paths.h"
#include "../common/pins.h"
#include "loaderd.h"
#include "pipes.h"

#define MAPS_MAX 64		/* of one prog (MAX_USED_MAPS in the kernel) */

static int read_boot_id(char ret[64])
{
	cleanup(fclosep) FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	return f && fscanf(f, "%63s", ret) == 1 ? 0 : -EIO;
}

static int refuse(struct entry *e, const char *what, const char *name, const char *why)
{
	free(e->refused);
	if (asprintf(&e->refused, "adoption refused: %s '%s' %s", what, name, why) < 0)
		e->refused = NULL;
	return -EINVAL;
}

static int info_of(const char *program, const char *item, enum pin_kind kind, const char *name, void *info,
		   uint32_t size)
{
	cleanup(closep) int fd = pin_get(program, item, kind, name);

	if (fd < 0)
		return fd;
	return bpf_obj_get_info_by_fd(fd, info, &size) ? -errno : 0;
}

/* The link's pin leads to the prog whose pin stands beside it, and that is the one that was loaded. */
static int check_prog(struct entry *e, const struct manifest_item *i, const struct manifest_prog *p)
{
	struct bpf_prog_info prog = { 0 };
	struct bpf_link_info link = { 0 };

	if (!strcmp(p->state, "dropped"))
		return 0;
	if (info_of(e->name, i->name, PIN_PROG, p->name, &prog, sizeof(prog)))
		return refuse(e, "the program", p->name, "is not pinned any more");
	if (prog.id != p->prog_id)
		return refuse(e, "the program", p->name, "is another one than was loaded");
	if (strcmp(p->state, "attached") || e->state == ENTRY_DRAINING)
		return 0;
	if (info_of(e->name, i->name, PIN_LINK, p->name, &link, sizeof(link)))
		return refuse(e, "the link of", p->name, "is not pinned any more: it is detached");
	if (link.id != p->link_id || link.prog_id != prog.id)
		return refuse(e, "the link of", p->name, "belongs to another program");
	return 0;
}

static bool uses_map(const struct entry *e, const struct manifest_item *i, const struct manifest_prog *p,
		     uint32_t map_id)
{
	uint32_t ids[MAPS_MAX] = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids };

	if (!strcmp(p->state, "dropped") || info_of(e->name, i->name, PIN_PROG, p->name, &info, sizeof(info)))
		return false;
	for (uint32_t k = 0; k < MIN(info.nr_map_ids, (uint32_t)MAPS_MAX); k++)
		if (ids[k] == map_id)
			return true;
	return false;
}

static int check_channel(struct entry *e, const struct manifest_channel *c)
{
	const struct manifest_item *i = e->manifest->items.items;
	struct bpf_map_info map = { 0 };

	if (info_of(e->name, c->item, PIN_MAP, c->map, &map, sizeof(map)))
		return refuse(e, "the map of channel", c->name, "is not pinned any more");
	if (map.id != c->map_id)
		return refuse(e, "the map of channel", c->name, "is another one than was loaded");
	for (size_t k = 0; k < e->manifest->items.n; k++) {
		const struct manifest_prog *p = i[k].progs.items;

		for (size_t n = 0; n < i[k].progs.n; n++)
			if (uses_map(e, &i[k], &p[n], map.id))
				return 0;
	}
	return refuse(e, "the map of channel", c->name, "is not used by any of its programs: it would be silent");
}

static void check(struct entry *e)
{
	const struct manifest_item *i = e->manifest->items.items;
	const struct manifest_channel *c = e->manifest->channels.items;
	const char *why = NULL;
	int err = 0;

	for (size_t k = 0; k < e->manifest->items.n && !err; k++) {
		const struct manifest_prog *p = i[k].progs.items;

		for (size_t n = 0; n < i[k].progs.n && !err; n++)
			err = check_prog(e, &i[k], &p[n]);
	}
	for (size_t k = 0; k < e->manifest->channels.n && !err; k++)
		if (c[k].type != CHANNEL_PIPE)
			err = check_channel(e, &c[k]);
	if (pipes_hold(e, &why) && !err)
		refuse(e, "a FIFO of", e->name, why);
}

/* Objects leave pins; a program of processors and pipes alone does not. */
static bool needs_pins(const struct manifest *m)
{
	const struct manifest_item *i = m->items.items;

	for (size_t k = 0; k < m->items.n; k++)
		if (i[k].progs.n || i[k].maps.n)
			return true;
	return false;
}

static bool has_pins(const char *program)
{
	char path[PATH_MAX];

	return !pin_program_dir(program, path) && access(path, F_OK) == 0;
}

struct adoption {
	struct loaderd *d;
	char boot_id[64];
};

static int drop_manifest(struct adoption *a, const char *program, const char *why)
{
	int err = manifest_remove(program);

	log_notice("%s: its manifest is removed: %s", program, why);
	loaderd_hint(a->d, program);
	return err == -ENOENT ? 0 : err;
}

static int adopt_one(const char *program, void *arg)
{
	cleanup(arena_freep) struct arena *arena = arena_new(0);
	struct adoption *a = arg;
	struct diag diag = { 0 };
	struct manifest *m;
	struct entry *e;
	int err = arena ? manifest_read(arena, program, &m, &diag) : -ENOMEM;

	if (err) {
		log_error("%s", diag.error[0] ? diag.error : strerror(-err));
		diag_fini(&diag);
		if (err == -ENOMEM)
			return err;
		/* What nobody can read, nobody can unload either. */
		pin_remove(program);
		return drop_manifest(a, program, "it cannot be read");
	}
	diag_fini(&diag);
	if (strcmp(m->program, program))
		return drop_manifest(a, program, "it speaks of another program");
	if (strcmp(m->boot_id, a->boot_id))
		return drop_manifest(a, program, "it is of an earlier boot");
	if (needs_pins(m) && !has_pins(program))
		return drop_manifest(a, program, "nothing of it is pinned any more");
	e = entry_add(a->d, program);
	if (!e)
		return -ENOMEM;
	entry_set_state(e, m->state == MANIFEST_DRAINING ? ENTRY_DRAINING : ENTRY_LOADED);
	e->manifest = m;
	check(e);
	entry_set_manifest(e, take(arena), m);
	pipes_check(e);
	a->d->generation = MAX(a->d->generation, m->generation);
	if (!e->refused)
		log_info("%s is adopted (generation %lu, %s)", program, (unsigned long)m->generation,
			 entry_state_names[e->state]);
	return 0;
}

/* A load that was interrupted: its manifest would have been written last. */
static int remove_orphan(const char *program, void *arg)
{
	struct adoption *a = arg;
	int err;

	if (entry_find(a->d, program))
		return 0;
	err = pin_remove(program);
	log_notice("%s: pins of an interrupted load are removed%s%s", program, err ? ": " : "",
		   err ? strerror(-err) : "");
	return 0;
}

/* What an interrupted load had not finished writing: SHA256.PROGRAM, beside the cached files. */
static void sweep_cache(void)
{
	char path[PATH_MAX];
	DIR *folder = NULL;

	if (snprintf(path, sizeof(path), "%s/artifacts", path_state()) < (int)sizeof(path))
		folder = opendir(path);
	if (!folder)
		return;
	for (struct dirent *e; (e = readdir(folder));)
		if (e->d_name[0] != '.' && strchr(e->d_name, '.'))
			unlinkat(dirfd(folder), e->d_name, 0);
	closedir(folder);
}

int adopt_all(struct loaderd *d)
{
	struct adoption a = { .d = d };
	int err = read_boot_id(a.boot_id);

	if (!err)
		err = manifest_each(adopt_one, &a);
	if (!err)
		err = pin_each_program(remove_orphan, &a);
	if (!err)
		shared_sweep(d);
	sweep_cache();
	return err;
}
