/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ebpfctl check` does, for others: no daemon is needed. */
#ifndef EBPF_AGENT_CTL_CHECK_H
#define EBPF_AGENT_CTL_CHECK_H

#include <stdbool.h>

#include "../abi/names.h"

/* Validates a program or a list for xdpd; loads nothing. Warnings on stderr, the verdict on stdout, or on stderr if the
 * file is refused; @json: one object on stdout instead. @artifacts: files that it names must be there, else their
 * absence is a warning. Returns the exit status, 0 or 1. */
int check_file(const char *path, bool artifacts, bool json);

/* The program that @path describes. False: it describes none, or is wrong; nothing is said. */
bool check_name(const char *path, char ret[AGENT_NAME_MAX + 1]);

#endif
