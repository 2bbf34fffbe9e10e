/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ebpf-load: started by loaderd for one load, ends with it. Nothing it does can hang or crash loaderd. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "../common/rights.h"
#include "../common/spawn.h"
#include "load.h"
#include "load_log.h"

#define MEMORY_MAX (1u << 30)
#define ARENA_MAX  (256u << 20)	/* what functions ask for lies there until it can be set */

static int parse(struct load *l, const struct received *r)
{
	struct yaml_node *root;
	struct program *p;
	int err = yaml_parse_fd(l->arena, r->file, r->document, &root, &l->diag);

	if (!err)
		err = program_parse(l->arena, r->file, r->base, root, &p, &l->diag);
	if (err) {
		l->failure = JOB_FAILED_INVALID;
		return err;
	}
	l->program = p;
	l->n_items = p->items.n;
	for (size_t k = 0; k < l->n_items; k++) {
		l->items[k].decl = (const struct program_item *)p->items.items + k;
		l->items[k].artifact.fd = l->items[k].initfile.fd = -1;
	}
	return 0;
}

static int read_file(struct load *l, const struct received_file *f, unsigned line, struct artifact *to)
{
	int err = f->fd < 0 ? -EBADF : artifact_read(to, f->fd, f->path);

	if (err == -ENODATA)
		return load_fail(l, line, "%s is empty", f->path);
	if (err)
		return load_fail(l, line, "%s cannot be read: %s", f->path ? f->path : "a file", strerror(-err));
	return 0;
}

static int read_artifact(struct load *l, struct load_item *i, const struct received_file *f)
{
	unsigned line = i->decl->path_line;
	int err = read_file(l, f, line, &i->artifact);

	if (err)
		return err;
	if (i->decl->sha256 && strcmp(i->decl->sha256, i->artifact.sha256))
		return load_fail(l, line, "%s has the SHA-256 %s, not %s", f->path, i->artifact.sha256,
				 i->decl->sha256);
	return 0;
}

static int read_initfile(struct load *l, struct load_item *i, const struct received_file *f)
{
	const struct program_function *function = program_initfile(i->decl);
	int err = function ? read_file(l, f, function->item.line, &i->initfile) : 0;

	if (!err && i->initfile.size > PROGRAM_INITFILE_MAX)
		return load_fail(l, function->item.line, "the initfile %s has %zu bytes: more than %u MiB", f->path,
				 i->initfile.size, PROGRAM_INITFILE_MAX >> 20);
	return err;
}

/* Every item of @type. */
static int each(struct load *l, int type, int (*do_it)(struct load *l, struct load_item *i))
{
	int err = 0;

	for (size_t k = 0; k < l->n_items && !err; k++)
		if ((int)l->items[k].decl->type == type)
			err = do_it(l, &l->items[k]);
	return err;
}

static int load_items(struct load *l, const struct received *r)
{
	int err = 0;

	load_tell_phase(l, JOB_READING);
	for (size_t k = 0; k < l->n_items && !err; k++)
		err = read_artifact(l, &l->items[k], &r->artifacts[k]) ?:
		      read_initfile(l, &l->items[k], &r->initfiles[k]);
	/* What costs nothing in the kernel first. */
	if (!err)
		err = each(l, ITEM_USER_SO, load_so);
	if (!err)
		err = each(l, ITEM_EBPF_OBJECT, load_object_open);
	if (!err)
		err = load_functions_before(l);
	load_tell_phase(l, JOB_LOADING);
	if (!err)
		err = each(l, ITEM_EBPF_OBJECT, load_object);
	l->loaded = true;
	return err ? err : load_asked_maps(l);
}

static const char *why_nothing(struct load *l)
{
	const char *text = "";

	for (size_t k = 0; k < l->n_items; k++)
		for (size_t j = 0; j < l->items[k].n_progs && text; j++) {
			const struct load_prog *p = &l->items[k].progs[j];

			text = arena_printf(l->arena, "%s\n  %s (%s): %s", text, p->name, p->section,
					    p->cause ? p->cause : "attach: false");
		}
	return text && text[0] ? text : " there is no program in it";
}

/* Who writes into a pipe is somebody else: there need not be anything to attach. */
static bool has_pipe_alone(const struct load *l)
{
	const struct manifest_channel *c = l->manifest.channels.items;
	bool pipe = false;

	for (size_t k = 0; k < l->manifest.channels.n; k++)
		pipe |= c[k].type == CHANNEL_PIPE;
	for (size_t k = 0; k < l->n_items; k++)
		pipe &= !l->items[k].obj;
	return pipe;
}

static int attach(struct load *l)
{
	size_t attached = 0;
	int err = 0;

	load_tell_phase(l, JOB_ATTACHING);
	for (size_t k = 0; k < l->n_items && !err; k++)
		if (l->items[k].obj)
			err = load_maps_pin(l, &l->items[k]);
	for (size_t k = 0; k < l->n_items && !err; k++)
		err = load_attach(l, &l->items[k]);
	for (size_t k = 0; k < l->n_items; k++)
		for (size_t j = 0; j < l->items[k].n_progs; j++)
			attached += l->items[k].progs[j].state == LOAD_ATTACHED;
	if (!err && !attached && !has_pipe_alone(l))
		return load_fail(l, 0, "nothing of it can be attached:%s", why_nothing(l));
	return err;
}

static int send_done(struct load *l)
{
	struct job_message m = { .type = JOB_DONE };
	cleanup(freep) char *json = manifest_format(&l->manifest);
	cleanup(closep) int fd = memfd_create("manifest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t len = json ? strlen(json) : 0;

	if (!json || fd < 0)
		return load_fail(l, 0, "out of memory");
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, json + done, len - done);

		if (n < 0 && errno != EINTR)
			return load_fail(l, 0, "the manifest cannot be written: %s", strerror(errno));
		done += MAX(n, 0);
	}
	if (fcntl(fd, F_ADD_SEALS, JOB_RESULT_SEALS))
		return load_fail(l, 0, "the manifest cannot be sealed: %s", strerror(errno));
	return fdpass_send(l->sock, &m, sizeof(m), &fd, 1);
}

static int send_failed(struct load *l, int err)
{
	struct job_message m = { .type = JOB_FAILED, .value = l->failure, .err = err };

	snprintf(m.a, sizeof(m.a), "%s", l->diag.error[0] ? l->diag.error : strerror(-err));
	return fdpass_send(l->sock, &m, sizeof(m), NULL, 0);
}

static int load(struct load *l, const struct received *r)
{
	int err = parse(l, r);

	if (!err)
		err = load_items(l, r);
	if (!err)
		err = load_channels(l);
	if (!err)
		err = load_buffers(l);
	if (!err)
		err = attach(l);
	if (!err)
		err = load_functions_after(l);
	if (!err)
		err = load_manifest(l);
	return err ? err : send_done(l);
}

static int run(struct load *l, bool unload)
{
	cleanup(received_fini) struct received r = { .document = -1 };
	int err = load_receive(l, &r);

	if (err)
		return load_fail(l, 0, "loaderd sent something else than a load");
	err = rights_apply(&rights_load);
	if (err)
		return load_fail(l, 0, "cannot drop rights: %s", strerror(-err));
	return unload ? load_unload(l, &r) : load(l, &r);
}

/* What a hostile object has allocated for itself is its load's end, not the machine's. */
static void limit_memory(void)
{
#ifndef AGENT_SAN
	setrlimit(RLIMIT_DATA, &(struct rlimit){ MEMORY_MAX, MEMORY_MAX });
#endif
}

int main(int argc, char **argv)
{
	struct load l = { .sock = JOB_FD };
	int err;

	limit_memory();
	l.arena = arena_new(ARENA_MAX);
	err = l.arena ? run(&l, argc == 2 && !strcmp(argv[1], "unload")) : -ENOMEM;
	load_functions_stop(&l);
	if (err)
		send_failed(&l, err);
	for (size_t k = 0; k < l.n_items; k++) {
		for (size_t j = 0; j < l.items[k].n_progs; j++)
			bpf_link__destroy(l.items[k].progs[j].link);
		bpf_object__close(l.items[k].obj);
		artifact_fini(&l.items[k].artifact);
		artifact_fini(&l.items[k].initfile);
	}
	load_log_free();
	diag_fini(&l.diag);
	arena_free(l.arena);
	return err ? 1 : 0;
}
