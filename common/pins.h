/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pins, in our own bpffs: RUNTIME/bpf/v1/program/<program>/<item>/{map,link,prog}/<name>; shared maps under
 * RUNTIME/bpf/v1/shared. Directories 0750, maps 0660 (channeld's workers map them for writing: the consumer
 * position), links and programs 0600 (a program that a group can read can be test-run). The group comes from
 * loaderd's own primary group. */
#ifndef EBPF_AGENT_PINS_H
#define EBPF_AGENT_PINS_H

#include "base.h"

enum pin_kind { PIN_MAP, PIN_LINK, PIN_PROG };

/* The path of a pin into @ret (PATH_MAX); @name NULL: the folder. A dot in a name (".rodata") becomes '_'. -EINVAL: a
 * name with a slash, or empty. */
int pin_path(const char *program, const char *item, enum pin_kind kind, const char *name, char *ret);
int pin_program_dir(const char *program, char *ret);

/* Pins @fd (a map, link or prog), making the folders that are missing. 0, -EEXIST, or the kernel's error. */
int pin_put(int fd, const char *program, const char *item, enum pin_kind kind, const char *name);
/* An fd, O_CLOEXEC, or -errno (-ENOENT: no such pin). */
int pin_get(const char *program, const char *item, enum pin_kind kind, const char *name);

/* Removes the links of all items: from now on the kernel calls nothing of it. */
int pin_detach(const char *program);
/* Removes everything of a program. Absent: 0. */
int pin_remove(const char *program);
/* Calls @each with the name of every program that has pins. */
int pin_each_program(int (*each)(const char *program, void *arg), void *arg);

/* Is RUNTIME/bpf a bpffs? 0 or -ENOTTY, -ENOENT. */
int pin_check_mount(void);

#endif
