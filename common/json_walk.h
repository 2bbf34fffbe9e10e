/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking JSON that json_check() has passed, where it lies: no tree, no copy. */
#ifndef EBPF_AGENT_JSON_WALK_H
#define EBPF_AGENT_JSON_WALK_H

#include "base.h"

struct span {
	const char *p, *end;
};

/* Takes one value off the front: strings whole, brackets by depth. */
struct span span_take(struct span *s);
/* The next member of the object or element (@key NULL) of the array whose inside is @s. False: no more. */
bool span_next(struct span *s, struct span *key, struct span *value);
/* Does it begin with @open: '{', '[' or '"'? */
bool span_is(struct span v, char open);
/* Without its brackets or quotes. */
struct span span_inside(struct span v);

bool span_equals(struct span v, const char *s);
bool span_ends_with(struct span v, const char *s);

#endif
