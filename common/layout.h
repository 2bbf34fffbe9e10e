/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the bytes of an event are to be read: a tree of fields, made by loaderd from BTF, DWARF or `fields:`, kept in the
 * manifest, and compiled by channeld's workers into an encoding plan. Anonymous members are flattened already. */
#ifndef EBPF_AGENT_LAYOUT_H
#define EBPF_AGENT_LAYOUT_H

#include "conf.h"

enum layout_kind {
	LAYOUT_UINT,	/* 1, 2, 4, 8 or 16 bytes, or a bit-field */
	LAYOUT_INT,
	LAYOUT_BOOL,
	LAYOUT_ENUM,	/* by name; a number that has none: the number. is_signed says how to read it */
	LAYOUT_FLOAT,	/* 4 or 8 bytes */
	LAYOUT_PTR,	/* "0x…" */
	LAYOUT_BE,	/* __be16, __be32, __be64: a number in host order */
	LAYOUT_TEXT,	/* char[n]: up to the first NUL, invalid UTF-8 as U+FFFD */
	LAYOUT_BYTES,	/* u8[n]: lower-case hex */
	LAYOUT_STRUCT,	/* fields */
	LAYOUT_UNION,	/* all members */
	LAYOUT_ARRAY,	/* count elements like fields[0] */
	LAYOUT_IP,	/* agent_ip (abi/types.h); of 4 bytes: IPv4 */
	LAYOUT_STRV,	/* agent_strv[], trailing: array of strings */
};

struct layout_value {
	const char *name;
	int64_t value;
};

/* An integer at a fixed place of the record that says something of another field. */
struct layout_ref {
	uint64_t offset;	/* bits from the start of the record, a whole byte */
	uint64_t bits;		/* 8, 16, 32, 64; 0: there is none */
};

struct layout_field {
	const char *name;	/* "" for the root and for array elements */
	int kind;		/* enum layout_kind */
	uint64_t offset;	/* bits from the start of the enclosing struct (elements: 0) */
	uint64_t bits;		/* size; TEXT, BYTES, ARRAY with `trailing`: 0 */
	bool is_signed;		/* ENUM */
	bool trailing;		/* TEXT, BYTES, STRV, ARRAY: up to the end of the record */
	uint64_t count;		/* ARRAY */
	struct layout_ref length;	/* trailing: how many bytes it has, of those that the record has left */
	struct layout_ref when;	/* the field is there only if this is when_value. Not for the root's first member, nor
				 * deeper than its members, nor for structs and unions */
	uint64_t when_value;
	struct conf_list fields;	/* struct layout_field: members, or the one element type */
	struct conf_list values;	/* struct layout_value */
};

struct layout {
	const char *name;	/* of the struct: becomes the event's name */
	uint64_t size;		/* bytes of the fixed part: a shorter record does not fit */
	const char *source;	/* "btf", "dwarf", "fields" */
	struct layout_field root;	/* LAYOUT_STRUCT */
};

#define LAYOUT_FIELDS_MAX 512	/* in one layout, nested ones included */
#define LAYOUT_DEPTH_MAX 16	/* structs, unions and arrays within each other */
#define LAYOUT_SIZE_MAX (16u << 20)

/* Reads and checks: kinds have sizes that they may have, and lie within the record's fixed part, so that whoever
 * compiles a layout need not ask again. */
extern const struct conf_schema layout_schema;
struct json;
void layout_write(struct json *j, const char *key, const struct layout *l);
const char *layout_kind_name(int kind);
/* The member of the root struct called @name (dots go deeper), and its offset in bits from the start; or NULL. */
const struct layout_field *layout_find(const struct layout *l, const char *name, uint64_t *ret_offset);

#endif
