/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `ebpf-load unload`: a program goes, and its functions of type unload are called. Nothing but its manifest and the
 * cached bytes is needed, so a loaderd that was started meanwhile can do it as well. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../common/spawn.h"
#include "load_functions.h"

static int read_manifest(struct load *l, int fd, struct manifest **ret)
{
	struct stat st;
	char *text;
	int err;

	if (fstat(fd, &st))
		return load_fail(l, 0, "the manifest cannot be read: %s", strerror(errno));
	text = mmap(NULL, (size_t)MAX(st.st_size, 1), PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return load_fail(l, 0, "the manifest cannot be read: %s", strerror(errno));
	err = manifest_parse(l->arena, text, (size_t)st.st_size, ret, &l->diag);
	munmap(text, (size_t)MAX(st.st_size, 1));
	return err;
}

/* The bytes that were loaded, and no others. */
static int read_file(struct load *l, const struct received_file *f, const char *sha256, struct artifact *to)
{
	int err = artifact_read(to, f->fd, f->path);

	if (err)
		return load_fail(l, 0, "%s cannot be read: %s", f->path, strerror(-err));
	if (!sha256 || strcmp(to->sha256, sha256))
		return load_fail(l, 0, "%s is not what was loaded: its SHA-256 is %s", f->path, to->sha256);
	return 0;
}

static int add_calls(struct load *l, const struct manifest_item *m, struct load_item *i)
{
	const struct manifest_function *f = m->functions.items;
	struct load_calls *c = arena_alloc(l->arena, sizeof(*c));

	if (!c || !(c->functions = arena_alloc(l->arena, (m->functions.n + 1) * sizeof(*c->functions))))
		return -ENOMEM;
	c->item = m->name;
	for (size_t k = 0; k < m->functions.n; k++)
		if (f[k].type == FUNCTION_INIT || f[k].type == FUNCTION_UNLOAD)
			c->functions[c->n++] = (struct load_function){
				.name = f[k].name, .type = f[k].type, .initfile = f[k].initfile,
			};
	if (c->n)
		i->calls = c;
	return 0;
}

static int unload_item(struct load *l, const struct manifest *m, const struct manifest_item *mi, struct load_item *i)
{
	cleanup(freep) char *doc = NULL;
	size_t len = 0;
	int err = add_calls(l, mi, i);

	if (err || !i->calls)
		return err;
	/* As in every process of it: init comes first, and what it asks for was set when the program was loaded. */
	l->unloading = true;
	err = load_calls_start(l, i);
	if (err)
		return err;
	doc = load_describe_manifest(m, mi, &len);
	return doc ? load_calls_run(l, i, FUNCTION_UNLOAD, doc, len) : -ENOMEM;
}

int load_unload(struct load *l, const struct received *r)
{
	struct job_message done = { .type = JOB_DONE };
	const struct manifest_item *items;
	struct manifest *m;
	int err = read_manifest(l, r->document, &m);

	if (err)
		return err;
	items = m->items.items;
	l->n_items = MIN(m->items.n, (size_t)PROGRAM_MAX_ITEMS);
	for (size_t k = 0; k < l->n_items; k++)
		l->items[k].artifact.fd = l->items[k].initfile.fd = -1;
	/* One that fails keeps none of the others from being called. */
	for (size_t k = 0; k < l->n_items; k++) {
		struct load_item *i = &l->items[k];
		int failed = r->artifacts[k].fd < 0;

		if (failed)
			continue;
		failed = read_file(l, &r->artifacts[k], items[k].sha256, &i->artifact);
		if (!failed && r->initfiles[k].fd >= 0)
			failed = read_file(l, &r->initfiles[k], items[k].initfile_sha256, &i->initfile);
		if (!failed)
			failed = unload_item(l, m, &items[k], i);
		err = err ? err : failed;
	}
	return err ? err : fdpass_send(l->sock, &done, sizeof(done), NULL, 0);
}
