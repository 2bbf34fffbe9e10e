/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attaching, each prog where its ELF section or the YAML says, and the pins that keep it when this process ends. */
#include <errno.h>
#include <string.h>

#include "../common/pins.h"
#include "load.h"
#include "load_log.h"

/* What follows @prefix and '/' in @section; NULL: another kind. */
static const char *after(const char *section, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(section, prefix, len) && section[len] == '/' ? section + len + 1 : NULL;
}

static const char *after_any(const char *section, const char *const *prefixes)
{
	const char *rest = NULL;

	for (; *prefixes && !rest; prefixes++)
		rest = after(section, *prefixes);
	return rest;
}

static const char *const by_btf[] = { "tp_btf", "fentry", "fexit", "fmod_ret", "lsm", "iter", NULL };
static const char *const tracepoints[] = { "tracepoint", "tp", NULL };
static const char *const kprobes[] = { "kprobe", "kretprobe", NULL };
static const char *const raw[] = { "raw_tp", "raw_tracepoint", NULL };

static bool is_required(const struct load_prog *p)
{
	return p->decl && p->decl->attach == ATTACH_REQUIRED;
}

/* What this kernel does not let be attached is dropped, unless it was demanded. */
static int drop(struct load *l, struct load_prog *p, const char *cause)
{
	if (!cause)
		return -ENOMEM;
	if (is_required(p))
		return load_fail(l, p->decl->item.line, "program '%s' (%s) cannot be attached: %s", p->name, p->section,
				 cause);
	p->state = LOAD_DROPPED;
	p->cause = cause;
	p->prog_id = 0;		/* it goes with this process */
	return 0;
}

int attach_prepare(struct load *l, struct load_prog *p)
{
	const char *target = p->decl ? p->decl->target : NULL, *name;
	int err;

	if (!target)
		return 0;
	name = after_any(target, by_btf);
	if (!name) {
		if (after_any(target, tracepoints) || after_any(target, kprobes) || after_any(target, raw))
			return 0;	/* at attach time */
		return load_not_built(l, p->decl->item.line,
				      "program '%s': the attach target '%s' is not built in this version", p->name,
				      target);
	}
	load_log_start();
	err = bpf_program__set_attach_target(p->prog, 0, name);
	if (err == -EINVAL)
		return load_fail(l, p->decl->item.line,
				 "program '%s' (%s) cannot have the target '%s': it is of another kind", p->name,
				 p->section, target);
	return err ? drop(l, p, arena_printf(l->arena, "this kernel has no '%s' (%s)", target, load_strerror(err))) : 0;
}

/* Tracepoint ids are root's to read, and perf events may need more than we have: loaderd's helper opens them. */
static int attach_perf_event(struct load *l, struct load_prog *p, const char *section)
{
	const char *cause;
	int fd, err = load_ask_perf_event(l, section, &fd, &cause);

	if (err)
		return l->diag.error[0] ? err : drop(l, p, cause);
	p->link = bpf_program__attach_perf_event(p->prog, fd);
	if (!p->link) {
		err = errno;
		close(fd);	/* the link owns it only once there is one */
		return drop(l, p, arena_strdup(l->arena, load_strerror(err)));
	}
	return 0;
}

static struct bpf_link *attach_by_libbpf(struct load_prog *p, const char *where)
{
	const char *target = p->decl ? p->decl->target : NULL, *name;

	if (!target || after_any(target, by_btf))
		return bpf_program__attach(p->prog);
	name = after_any(where, raw);
	return bpf_program__attach_raw_tracepoint(p->prog, name);
}

static int attach_one(struct load *l, struct load_prog *p)
{
	const char *where = p->decl && p->decl->target ? p->decl->target : p->section;
	const char *tracepoint = after_any(where, tracepoints);
	int err;

	if (tracepoint)
		return attach_perf_event(l, p, arena_printf(l->arena, "tracepoint/%s", tracepoint));
	if (after_any(where, kprobes))
		return attach_perf_event(l, p, where);
	load_log_start();
	p->link = attach_by_libbpf(p, where);
	if (p->link)
		return 0;
	err = -errno;
	if (err == -EOPNOTSUPP)
		return drop(l, p,
			    arena_printf(l->arena,
					 "its section '%s' does not say where to attach it, and attaching it by other "
					 "means is not built in this version",
					 p->section));
	return drop(l, p, load_log_cause(l->arena, p->name, err));
}

static int pin(struct load *l, struct load_item *i, struct load_prog *p)
{
	const char *program = l->program->name, *item = i->decl->name;
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	int err = pin_put(bpf_program__fd(p->prog), program, item, PIN_PROG, p->name);

	if (!err && p->link) {
		err = pin_put(bpf_link__fd(p->link), program, item, PIN_LINK, p->name);
		if (err == -EINVAL)
			return load_fail(l, i->decl->item.line, "program '%s': this kernel cannot keep its link",
					 p->name);
		if (!err && bpf_obj_get_info_by_fd(bpf_link__fd(p->link), &info, &len))
			err = -errno;
		p->link_id = info.id;
	}
	return err ? load_fail(l, i->decl->item.line, "program '%s' cannot be pinned: %s", p->name, strerror(-err)) : 0;
}

static void tell_dropped(struct load *l, const struct load_item *i)
{
	for (size_t k = 0; k < i->n_progs; k++) {
		const struct load_prog *p = &i->progs[k];

		if (p->state == LOAD_DROPPED && p->asked_for)
			load_degraded(l, "program '%s' (%s) was dropped: %s", p->name, p->section, p->cause);
	}
}

int load_attach(struct load *l, struct load_item *i)
{
	int err = 0;

	for (size_t k = 0; k < i->n_progs && !err; k++) {
		struct load_prog *p = &i->progs[k];

		if (p->state == LOAD_DROPPED)
			continue;
		if (p->asked_for)
			err = attach_one(l, p);
		if (err || p->state == LOAD_DROPPED)
			continue;
		p->state = p->link ? LOAD_ATTACHED : LOAD_LOADED;
		err = pin(l, i, p);
	}
	if (!err)
		tell_dropped(l, i);
	return err;
}
