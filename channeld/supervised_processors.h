/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's side of a program's processors: their limits, what is said of them, their dead-letter file. */
#ifndef EBPF_AGENT_SUPERVISED_PROCESSORS_H
#define EBPF_AGENT_SUPERVISED_PROCESSORS_H

#include "channeld.h"

/* Its worker needs the launcher. */
bool processors_any(const struct supervised *child);
/* Before a worker is started: makes the area that goes to it as child->processors_fd. */
int processors_prepare(struct supervised *child);
/* The program is unloaded. Letters stay; a file without any goes. */
void processors_remove_empty(const char *program);
/* The worker ended. */
void processors_ended(struct supervised *child);
/* The program is gone, or it is another load of it: counts begin anew, in another area, whatever a worker that is being
 * killed still writes into this one. */
void processors_forget(struct supervised *child);
/* There is a new configuration. */
void processors_reload(struct supervised *child, const struct channeld_conf *conf);
/* Once a second: says what is failed, exchanges a dead-letter file that is full. */
void processors_look(struct supervised *child);
void processors_append(const struct supervised *child, struct bus_rows *rows);

#endif
