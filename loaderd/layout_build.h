/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting a layout together, whatever it is read from: bounds, growing lists, and the rules that BTF, DWARF and fields
 * share. */
#ifndef EBPF_AGENT_LAYOUT_BUILD_H
#define EBPF_AGENT_LAYOUT_BUILD_H

#include "load.h"

struct layout_build {
	struct arena *arena;
	struct diag *diag;
	const char *name;	/* of the struct, for messages */
	unsigned n_fields, depth;
};

/* A new, zeroed element of @list (of @size bytes each); NULL: out of memory. Pointers to earlier ones become stale. */
void *layout_push(struct layout_build *b, struct conf_list *list, size_t size);
/* A new field of @list, counted against LAYOUT_FIELDS_MAX. NULL: said. */
struct layout_field *layout_push_field(struct layout_build *b, struct conf_list *list, const char *name);
int layout_enter(struct layout_build *b);	/* -EINVAL: too deep, said */
void layout_leave(struct layout_build *b);
int layout_refuse(struct layout_build *b, const char *fmt, ...) printf_like(2, 3);

/* Members that are not shown. */
bool layout_is_padding(const char *name);

/* The kinds that a typedef's name decides (abi/types.h, linux/types.h): true, and @f is filled. */
bool layout_named_type(const char *name, struct layout_field *f);

/* layout_btf.c: adds a field of any type to @to, at @offset bits. -EINVAL (said); -ENODATA: nothing to show. */
int layout_btf_add(struct layout_build *b, const struct btf *btf, uint32_t type, const char *name, uint64_t offset,
		   struct conf_list *to);

/* Turns @f, which describes one element (its own name and offset kept), into an array of @count of them; 0 with
 * @trailing. @of_char, @of_strv: what the element is, as only its type's name says. */
int layout_make_array(struct layout_build *b, struct layout_field *f, uint64_t count, bool trailing, bool of_char,
		      bool of_strv);

/* The fixed part: a trailing member begins where it ends. */
uint64_t layout_fixed_size(const struct layout *l, uint64_t struct_size);

#endif
