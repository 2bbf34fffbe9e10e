/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared maps that nobody uses any more. */
#include <bpf/bpf.h>
#include <dirent.h>

#include "loaderd.h"
#include "shared.h"

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

void shared_sweep(struct loaderd *d)
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
