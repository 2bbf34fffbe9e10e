/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between supervised.c, which decides, and the worker's process. */
#ifndef EBPF_AGENT_SUPERVISED_START_H
#define EBPF_AGENT_SUPERVISED_START_H

#include "channeld.h"

/* 0, and child->pid is the worker's; -errno: there is none. */
int supervised_start(struct supervised *child);
/* Over the socket to the worker, one byte of worker.h. False: it did not get there. */
bool control_say(struct supervised *child, char what);
/* Accepts a child without one. */
void control_close(struct supervised *child);

#endif
