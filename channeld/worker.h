/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The worker: `ebpf-channeld worker PROGRAM`, the only process that consumes a program's rings and writes its spool. */
#ifndef EBPF_AGENT_WORKER_H
#define EBPF_AGENT_WORKER_H

#include "../common/base.h"

/* worker PROGRAM [--control FD] [--launcher FD] [--processors FD] [--buffers FD] [--spool-size BYTES]
 * [--spool-full N] (of enum spool_full). Returns the process's exit status. */
int worker_main(int argc, char **argv);

/* What goes over the control socket (SOCK_SEQPACKET), one byte each. The worker opens no socket of its own: the
 * supervisor passes its hints on. A worker without a supervisor goes without. */
#define WORKER_SAYS_SPOOL   'S'	/* to sinkd: records wait and you said that you sleep */
#define WORKER_SAYS_DRAINED 'E'	/* to loaderd: draining, and all rings are empty */
#define WORKER_TOLD_DRAIN   'D'	/* the manifest says draining */
#define WORKER_TOLD_LETTERS 'L'	/* with a descriptor: the dead-letter file from now on */

#define WORKER_FD_LAUNCHER 3
#define WORKER_FD_CONTROL  4
#define WORKER_FD_PROCESSORS 5	/* processor_status.h */
#define WORKER_FD_BUFFERS    6	/* a socket in which they lie: common/buffers.h */

#endif
