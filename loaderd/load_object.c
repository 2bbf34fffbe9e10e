/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening and loading one BPF object. All progs are tried; the first that the kernel refuses is either dropped, and the
 * object opened and loaded anew without it, or it ends the load. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "load_log.h"

static int check_elf(struct load *l, const struct load_item *i)
{
	const Elf64_Ehdr *h = i->artifact.bytes;
	const char *path = i->artifact.path;

	if (i->artifact.size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return load_fail(l, i->decl->path_line, "%s is not an ELF file", path);
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_BPF)
		return load_fail(l, i->decl->path_line, "%s is not a BPF object (machine %u; compile it with "
				 "clang -target bpf -g -O2)", path, h->e_machine);
	return 0;
}

static const struct program_prog *decl_of(const struct load_item *i, const char *name)
{
	const struct program_prog *p = i->decl->progs.items;

	for (size_t k = 0; k < i->decl->progs.n; k++)
		if (!strcmp(p[k].item.key, name))
			return &p[k];
	return NULL;
}

static int add_progs(struct load *l, struct load_item *i)
{
	struct bpf_program *p;
	size_t n = 0;

	bpf_object__for_each_program(p, i->obj)
		n++;
	i->progs = arena_alloc(l->arena, (n + 1) * sizeof(*i->progs));
	if (!i->progs)
		return -ENOMEM;
	bpf_object__for_each_program(p, i->obj) {
		struct load_prog *row = &i->progs[i->n_progs++];
		const char *type = libbpf_bpf_prog_type_str(bpf_program__type(p));

		row->name = arena_strdup(l->arena, bpf_program__name(p));
		row->section = arena_strdup(l->arena, bpf_program__section_name(p));
		row->type = type ? type : "unknown";
		row->decl = decl_of(i, row->name);
		row->asked_for = row->decl ? row->decl->attach != ATTACH_FALSE : bpf_program__autoload(p);
		/* '?' before the section: the object's author wants it loaded only on demand. */
		if (!row->decl && !bpf_program__autoload(p)) {
			row->state = LOAD_DROPPED;
			row->cause = "its section begins with '?': not loaded unless progs: asks for it";
		}
	}
	return 0;
}

static const char *names_of(struct load *l, const struct load_item *i)
{
	const char *text = "";

	for (size_t k = 0; k < i->n_progs && text; k++)
		text = arena_printf(l->arena, "%s%s%s", text, k ? ", " : "", i->progs[k].name);
	return text ? text : "";
}

static int check_prog_names(struct load *l, const struct load_item *i)
{
	const struct program_prog *p = i->decl->progs.items;

	for (size_t k = 0; k < i->decl->progs.n; k++) {
		bool found = false;

		for (size_t j = 0; j < i->n_progs; j++)
			found |= !strcmp(i->progs[j].name, p[k].item.key);
		if (!found)
			return load_fail(l, p[k].item.line, "%s has no program '%s' (it has: %s)", i->artifact.path,
					 p[k].item.key, names_of(l, i));
	}
	return 0;
}

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static int open_object(struct load *l, struct load_item *i)
{
	/* A type that the kernel lacks would be looked for in its modules, which takes CAP_SYS_ADMIN, and the load
	 * would end there, though the program may only have asked whether there is such a type. Kernel BTF named by
	 * its path is all that libbpf looks into. */
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = i->decl->name,
		    .btf_custom_path = access(KERNEL_BTF, R_OK) ? NULL : KERNEL_BTF);
	const char *cause;

	bpf_object__close(i->obj);
	load_log_start();
	i->obj = bpf_object__open_mem(i->artifact.bytes, i->artifact.size, &opts);
	if (i->obj)
		return 0;
	cause = load_log_cause(l->arena, "", -errno);
	if (cause && strstr(cause, "BTF is required"))
		return load_fail(l, i->decl->path_line, "%s has no BTF, which its maps need: compile it with clang -g",
				 i->artifact.path);
	return load_fail(l, i->decl->path_line, "%s cannot be opened: %s", i->artifact.path, cause ? cause : "");
}

static int configure_progs(struct load *l, struct load_item *i)
{
	for (size_t k = 0; k < i->n_progs; k++) {
		struct load_prog *p = &i->progs[k];
		int err;

		p->prog = bpf_object__find_program_by_name(i->obj, p->name);
		if (!p->prog)
			return load_fail(l, i->decl->item.line, "%s: program '%s' vanished", i->artifact.path, p->name);
		bpf_program__set_autoload(p->prog, p->state != LOAD_DROPPED);
		if (p->state == LOAD_DROPPED)
			continue;
		err = attach_prepare(l, p);
		if (err)
			return err;
		if (p->state == LOAD_DROPPED)
			bpf_program__set_autoload(p->prog, false);
	}
	return 0;
}

/* A fresh object, as the YAML wants it, up to the load. */
static int prepare(struct load *l, struct load_item *i)
{
	int err = open_object(l, i);

	if (!err && !i->progs)
		err = add_progs(l, i);
	if (!err)
		err = check_prog_names(l, i);
	if (!err)
		err = load_variables(l, i);
	if (!err)
		err = load_maps_prepare(l, i);
	if (!err)
		err = configure_progs(l, i);
	return err;
}

static bool is_optional(const struct load_prog *p, bool by_verifier)
{
	int choice = p->decl ? p->decl->attach : ATTACH_DEFAULT;

	if (choice == ATTACH_REQUIRED)
		return false;
	if (choice == ATTACH_OPTIONAL || !p->asked_for)
		return true;
	return !by_verifier;
}

/* 0: one prog was dropped, try again. */
static int drop_what_failed(struct load *l, struct load_item *i, int err)
{
	char name[256];
	const char *cause;

	load_log_prog(name);
	cause = load_log_cause(l->arena, name, err);
	if (!cause)
		return -ENOMEM;
	for (size_t k = 0; k < i->n_progs; k++) {
		struct load_prog *p = &i->progs[k];
		unsigned line = p->decl ? p->decl->item.line : i->decl->item.line;

		if (strcmp(p->name, name) || p->state == LOAD_DROPPED)
			continue;
		if (!is_optional(p, load_log_is_verifier(name, err)))
			return load_fail(l, line, "%s: program '%s' (%s) was refused: %s", i->artifact.path, name,
					 p->section, cause);
		p->state = LOAD_DROPPED;
		p->cause = cause;
		return 0;
	}
	return load_fail(l, i->decl->item.line, "%s cannot be loaded: %s", i->artifact.path, cause);
}

static int read_ids(struct load *l, struct load_item *i)
{
	for (size_t k = 0; k < i->n_progs; k++) {
		struct load_prog *p = &i->progs[k];
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (p->state == LOAD_DROPPED)
			continue;
		if (bpf_obj_get_info_by_fd(bpf_program__fd(p->prog), &info, &len))
			return load_fail(l, i->decl->item.line, "program '%s': %s", p->name, strerror(errno));
		p->prog_id = info.id;
	}
	return 0;
}

int load_object_open(struct load *l, struct load_item *i)
{
	int err = check_elf(l, i);

	return err ? err : prepare(l, i);
}

int load_object(struct load *l, struct load_item *i)
{
	int err = 0;

	/* Each round drops one, so there are at most as many rounds as progs, and one more. */
	for (size_t round = 0; !err; round++) {
		err = round ? prepare(l, i) : 0;
		if (!err)
			err = load_asked_variables(l, i);
		if (err)
			return err;
		load_log_start();
		err = bpf_object__load(i->obj);
		if (!err)
			break;
		err = round <= i->n_progs ? drop_what_failed(l, i, err) : -ELOOP;
	}
	if (!err)
		err = read_ids(l, i);
	if (!err)
		err = load_maps_init(l, i);
	return err;
}
