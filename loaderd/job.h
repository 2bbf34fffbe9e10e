/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What loaderd and the short-lived ebpf-load say to each other, over a SOCK_SEQPACKET pair. One child, one load.
 *
 *   loaderd → BEGIN (fd: the YAML), LIMITS, ARTIFACT and INITFILE (fd: an opened file) for each item that has one, GO
 *   load    → any number of PERF_EVENT and BUFFERS (answered at once), CACHED, PHASE and LOG
 *   load    → DONE (fd: the manifest, JSON) or FAILED, and ends
 *
 * `ebpf-load unload` calls the unload functions of a program that is loaded:
 *
 *   loaderd → BEGIN (fd: its manifest), LIMITS, ARTIFACT and INITFILE for each item that has such functions, GO
 *   load    → any number of LOG
 *   load    → DONE or FAILED, and ends */
#ifndef EBPF_AGENT_JOB_H
#define EBPF_AGENT_JOB_H

#include <fcntl.h>
#include <linux/limits.h>

#include "../common/diag.h"

#define JOB_FD 3
/* Of the manifest: loaderd maps it, and one that became shorter meanwhile would be its end. */
#define JOB_RESULT_SEALS (F_SEAL_SHRINK | F_SEAL_WRITE)

enum job_type {
	JOB_BEGIN = 1,	/* value: generation; a: name of the YAML file; b: its base folder */
	JOB_LIMITS,	/* of functions: value: bytes of memory; more: ns of a call */
	JOB_ARTIFACT,	/* value: index of the item; a: its path */
	JOB_INITFILE,	/* value: index of the item; a: the path */
	JOB_GO,
	JOB_PERF_EVENT,	/* a: what, as in an ELF section; answer (fd: the perf event): err, a: why not */
	JOB_BUFFERS,	/* fd: a perf event array; value: channel; more: bytes of each buffer; answer: err, value: how
			 * many there are, a: why not, or with err 0 what is missing */
	JOB_CACHED,	/* value: 1: the file was not there before; a: sha256. Told before it is written */
	JOB_PHASE,	/* value: enum job_phase */
	JOB_LOG,	/* a: a line for the journal */
	JOB_DONE,
	JOB_FAILED,	/* value: enum job_failure; a: text */
};

enum job_failure { JOB_FAILED_LOAD, JOB_FAILED_INVALID, JOB_FAILED_NOT_BUILT };

/* How far it is. */
enum job_phase { JOB_READING, JOB_CALLING, JOB_LOADING, JOB_ATTACHING };

struct job_message {
	uint32_t type;
	int32_t err;
	uint64_t value, more;
	char a[PATH_MAX];	/* NUL-terminated, both */
	char b[PATH_MAX];
};
_Static_assert(PATH_MAX >= DIAG_TEXT_MAX, "an error fits a message");

#endif
