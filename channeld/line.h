/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of text as JSON: JSON is taken as it is; key=value pairs become an object; the rest is {"line": …}. */
#ifndef EBPF_AGENT_LINE_H
#define EBPF_AGENT_LINE_H

#include "../common/base.h"

#define LINE_PAIRS_MAX 256
#define LINE_ROOM(len) (6 * (size_t)(len) + 16 + 8 * LINE_PAIRS_MAX)

/* Writes at most LINE_ROOM(@len) bytes to @out and returns how many. @s has no NUL and no line feed. */
size_t line_to_json(char *out, const char *s, size_t len, bool *ret_repaired);

#endif
