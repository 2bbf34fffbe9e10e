/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of an event's line, as text for people. */
#ifndef EBPF_AGENT_EVENT_DATA_H
#define EBPF_AGENT_EVENT_DATA_H

#include "event.h"
#include "../common/json_walk.h"

/* As it stands, but nothing in it moves a terminal's cursor. */
void event_add_tame(struct buf *b, struct span s);
/* A value without JSON's punctuation, where it needs none. */
void event_add_value(struct buf *b, struct span v);
/* " key=value" for each member that says something, constants first. */
void event_add_data(struct buf *b, const struct event_style *st, struct span data);

#endif
