/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Perf event arrays get their buffers, from loaderd: this process ends, and they would with it. */
#include <errno.h>
#include <string.h>

#include "load.h"

static struct bpf_map *array_of(const struct load *l, const struct manifest_channel *m)
{
	for (size_t k = 0; k < l->n_items; k++)
		if (l->items[k].obj && !strcmp(l->items[k].decl->name, m->item))
			return bpf_object__find_map_by_name(l->items[k].obj, m->map);
	return NULL;
}

static int open_buffers(struct load *l, size_t index, struct manifest_channel *m)
{
	const struct program_channel *c = (const struct program_channel *)l->program->channels.items + index;
	struct bpf_map *map = array_of(l, m);
	const char *text;
	size_t n;
	int err = map ? load_ask_buffers(l, index, bpf_map__fd(map), m->size, &n, &text) : -ENOENT;

	if (err)
		return load_fail(l, c->item.line, "channel '%s': %s", m->name, map ? text : "its map vanished");
	m->cpus = n;
	if (text[0])
		load_degraded(l, "channel '%s': CPU %s has no buffer (it is not there now, or the array is too "
			      "small): events of programs that run there are lost", m->name, text);
	return 0;
}

int load_buffers(struct load *l)
{
	struct manifest_channel *m = l->manifest.channels.items;
	int err = 0;

	for (size_t k = 0; k < l->manifest.channels.n && !err; k++)
		if (m[k].type == CHANNEL_PERF_BUFFER)
			err = open_buffers(l, k, &m[k]);
	return err;
}
