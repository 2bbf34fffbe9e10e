/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EBPF_AGENT_LAYOUT_DWARF_H
#define EBPF_AGENT_LAYOUT_DWARF_H

#include "layout_build.h"
#include "layout_die.h"

/* Adds the members of the struct or union @parent, which lies at @base (bits), to @to. @last: nothing lies behind it,
 * so its last member may be an array that grows. */
int layout_dwarf_members(struct layout_build *b, Dwarf_Die *parent, uint64_t base, bool last, struct conf_list *to);

#endif
