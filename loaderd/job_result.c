/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of a load: its manifest is checked and written, or all that it left is removed. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../common/paths.h"
#include "../common/pins.h"
#include "job.h"
#include "job_run.h"
#include "pipes.h"

static bool in_use(const struct job *j, const char *sha256)
{
	for (const struct entry *e = j->d->entries; e; e = e->next) {
		const struct manifest_item *i = e->manifest ? e->manifest->items.items : NULL;

		for (size_t k = 0; i && k < e->manifest->items.n; k++)
			if ((i[k].artifact && i[k].sha256 && !strcmp(i[k].sha256, sha256)) ||
			    (i[k].initfile_sha256 && !strcmp(i[k].initfile_sha256, sha256)))
				return true;
	}
	for (struct job *other = j->d->jobs; other; other = other->next)
		for (struct cached *c = other->cached; c && other != j; c = c->next)
			if (!strcmp(c->sha256, sha256)) {
				c->made = true;		/* whoever is left cleans up */
				return true;
			}
	return false;
}

static void forget_cached(const struct job *j)
{
	for (const struct cached *c = j->cached; c; c = c->next) {
		char path[PATH_MAX], beside[PATH_MAX + AGENT_NAME_MAX + 2];

		if (path_artifact(c->sha256, path))
			continue;
		snprintf(beside, sizeof(beside), "%s.%s", path, j->entry->name);
		unlink(beside);
		if (c->made && !in_use(j, c->sha256))
			unlink(path);
	}
}

void job_clean_up(struct job *j)
{
	int err = pin_remove(j->entry->name);

	if (err)
		log_error("%s: what its failed load pinned cannot be removed: %s", j->entry->name, strerror(-err));
	forget_cached(j);
	shared_sweep(j->d);
}

/* A ring has one consumer: of programs that share one, a single one may have it as a channel. */
static int check_rings(struct job *j, const struct manifest *m)
{
	const struct manifest_channel *ours = m->channels.items;

	for (const struct entry *e = j->d->entries; e; e = e->next) {
		bool other = e->manifest && e != j->entry;
		const struct manifest_channel *theirs = other ? e->manifest->channels.items : NULL;

		for (size_t k = 0; theirs && k < e->manifest->channels.n; k++)
			for (size_t n = 0; n < m->channels.n; n++)
				if (ours[n].map_id && ours[n].map_id == theirs[k].map_id)
					return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED,
							    "%s: channel '%s': %s drains that map already, and a ring "
							    "has one consumer", m->program, ours[n].name, e->name);
	}
	return 0;
}

int job_take_manifest(struct job *j)
{
	cleanup(arena_freep) struct arena *a = arena_new(0);
	struct diag d = { 0 };
	struct manifest *m;
	int seals = fcntl(j->result, F_GET_SEALS), err;
	struct stat st;
	char *text;

	if (seals < 0 || (seals & JOB_RESULT_SEALS) != JOB_RESULT_SEALS)
		return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: its manifest is not sealed",
				    j->entry->name);
	if (!a || fstat(j->result, &st))
		return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: out of memory", j->entry->name);
	text = mmap(NULL, MAX(st.st_size, 1), PROT_READ, MAP_PRIVATE, j->result, 0);
	if (text == MAP_FAILED)
		return outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: %s", j->entry->name, strerror(errno));
	err = manifest_parse(a, text, st.st_size, &m, &d);
	munmap(text, MAX(st.st_size, 1));
	if (!err && strcmp(m->program, j->entry->name))
		err = diag_fail(&d, -EINVAL, NULL, 0, "it speaks of another program");
	if (!err)
		err = check_rings(j, m);
	if (!err && (err = pipes_make(j->entry, m, &d)))
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: %s", j->entry->name, d.error);
	if (!err && (err = manifest_write(m))) {
		diag_fail(&d, err, NULL, 0, "it cannot be written: %s", strerror(-err));
		pipes_drop(j->entry);
		pipes_remove(m);
	}
	if (err)
		outcome_fail(&j->outcome, AGENT_ERR_LOAD_FAILED, "%s: its manifest is of no use: %s", j->entry->name,
			     d.error);
	else
		entry_set_manifest(j->entry, take(a), m);
	diag_fini(&d);
	return err;
}
