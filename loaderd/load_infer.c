/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a channel's records are: the rules of inference. */
#include <errno.h>

#include "load.h"

static bool has_wide_enum(const struct layout_field *f)
{
	const struct layout_field *fields = f->fields.items;
	bool found = f->kind == LAYOUT_ENUM && f->bits == 64;

	for (size_t k = 0; k < f->fields.n && !found; k++)
		found = has_wide_enum(&fields[k]);
	return found;
}

/* Before clang 15 BTF cut the values of 64-bit enums to 32 bits; DWARF always has them whole. */
static int from_btf(struct arena *a, const struct btf *btf, uint32_t id, const struct artifact *elf, struct layout *ret,
		    struct diag *d)
{
	struct layout whole;
	int err = layout_from_btf(a, btf, id, ret, d);

	if (!err && has_wide_enum(&ret->root) &&
	    !layout_from_dwarf(a, elf->bytes, elf->size, ret->name, &whole, NULL) && whole.size == ret->size)
		*ret = whole;
	return err;
}

static int by_name(struct arena *a, const char *name, const struct btf *btf, const struct artifact *elf,
		   struct layout *ret, struct diag *d)
{
	uint32_t id;
	int err = btf ? layout_btf_find(btf, name, &id) : -ENOENT;

	if (err == -EEXIST)
		return err;
	err = err ? layout_from_dwarf(a, elf->bytes, elf->size, name, ret, d) : from_btf(a, btf, id, elf, ret, d);
	if (!err && !ret->name[0])
		ret->name = arena_strdup(a, name);	/* a typedef of a struct without a tag */
	return err;
}

static int cannot_infer(struct arena *a, const struct program_channel *c, const struct btf *btf,
			const struct artifact *elf, const char *why, struct diag *d)
{
	const char *candidates = d ? layout_candidates(a, btf, elf->bytes, elf->size) : NULL;

	if (candidates && candidates[0])
		return diag_fail(d, -EINVAL, c->item.file, c->item.line,
				 "channel '%s': %s. Say `event: NAME`, or AGENT_EVENT() in the program; structs that "
				 "it has: %s",
				 c->name, why, candidates);
	return diag_fail(d, -EINVAL, c->item.file, c->item.line,
			 "channel '%s': %s, and the object describes no structs (it is stripped, or was compiled "
			 "without -g). "
			 "Say `fields: [{name: …, type: …}]`",
			 c->name, why);
}

static int by_anchor(struct arena *a, const struct program_channel *c, const struct btf *btf, uint32_t id,
		     const struct artifact *elf, struct layout *ret, struct diag *d)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	if (btf_is_fwd(t))
		return diag_fail(d, -EINVAL, c->item.file, c->item.line,
				 "channel '%s': its AGENT_EVENT() names struct %s, which is only declared, not "
				 "defined, in the program", c->name, load_btf_name(btf, t->name_off));
	return from_btf(a, btf, id, elf, ret, d);
}

int infer_layout(struct arena *a, const struct program_channel *c, const char *map, const struct btf *btf,
		 const struct artifact *elf, struct layout *ret, struct diag *d)
{
	uint32_t id;
	int err;

	if (c->fields.n > 0)
		return layout_from_fields(a, c, ret, d);
	if (c->event) {
		err = by_name(a, c->event, btf, elf, ret, d);
		if (err == -EEXIST)
			return diag_fail(d, err, c->item.file, c->item.line,
					 "channel '%s': the object has several different structs '%s'", c->name,
					 c->event);
		return err == -ENOENT ? cannot_infer(a, c, btf, elf,
						     arena_printf(a, "the object has no struct '%s'", c->event), d)
				      : err;
	}
	if (btf && !layout_btf_anchor(btf, map, &id))
		return by_anchor(a, c, btf, id, elf, ret, d);
	err = by_name(a, "event", btf, elf, ret, d);
	if (err == -EEXIST)
		return cannot_infer(a, c, btf, elf, "the object has several different structs 'event'", d);
	return err == -ENOENT ? cannot_infer(a, c, btf, elf, "it is not said which struct its records are", d) : err;
}
