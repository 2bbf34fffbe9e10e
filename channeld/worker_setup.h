/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening everything a worker needs, while it still may. */
#ifndef EBPF_AGENT_WORKER_SETUP_H
#define EBPF_AGENT_WORKER_SETUP_H

#include "drain.h"

#define WORKER_ENV_SPOOL_SIZE "EBPF_AGENT_SPOOL_SIZE"
#define WORKER_SPOOL_SIZE     (16u << 20)	/* neither the manifest nor anybody else says */

struct worker_options {
	const char *program;
	int control, launcher, processors;	/* -1: none */
	int buffers;			/* -1: none */
	int epoll;			/* what it sleeps on */
	uint64_t spool_size;		/* when the manifest does not say */
	int spool_full;			/* enum spool_full, likewise */
};

/* Fills zeroed @d: manifest, spool, channels resumed where the last commit left off, routes, processors. The manifest
 * stays for the life of the process. 0, or -errno and @diag. */
int worker_setup(struct drain *d, const struct worker_options *o, bool *ret_draining, struct diag *diag);

#endif
