/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of `ebpfctl show`, which go to stdout. */
#ifndef EBPF_AGENT_SHOW_H
#define EBPF_AGENT_SHOW_H

#include "../common/manifest.h"
#include "ctl.h"

void show_heading(const struct ctl *c, const char *title);
/* Nothing without a @value. */
void show_line(const char *key, const char *value);
/* Where whoever asks finds what a daemon calls @path. */
void show_path(const char *path);

/* Channel @ch of @m: what its type is made of, and what it says of it. */
void show_channel(const struct ctl *c, const struct manifest *m, const struct manifest_channel *ch);

#endif
