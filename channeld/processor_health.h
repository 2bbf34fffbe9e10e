/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a processor's next sandbox is started, and when it is given up for a while: counted in its row of the status
 * area (processor_status.h), which outlives the worker.
 *
 * A record's second try follows its first at once. From the second record in a row on that was blamed (or the third
 * start in a row that failed) the next start waits, twice as long each time; after limits->failed_after ends in a row
 * it is failed, and tried again every limits->retry_ns. One record that is done ends the row. */
#ifndef EBPF_AGENT_PROCESSOR_HEALTH_H
#define EBPF_AGENT_PROCESSOR_HEALTH_H

#include "processor_status.h"

struct health {
	const struct processor_limits *limits;
	struct processor_row *row;
	const char *name;		/* for the log */
};

void health_starting(struct health *h, pid_t pid, uid_t uid);
void health_running(struct health *h);
/* Its sandbox ended in the way that @how says; @own_fault: not by somebody else's SIGKILL. */
void health_ended(struct health *h, const char *how, bool own_fault);
/* After @ends of its own fault that are not followed by another try at once: waiting, or failed. Only now they count as
 * ends in a row: whoever kills workers again and again between a record's two tries does not make it failed. */
void health_judge(struct health *h, unsigned ends, uint64_t now);
/* Failed at once, whatever the row says. */
void health_fail(struct health *h, const char *how, uint64_t now);
/* It cannot be started for a reason that is not its own. @ns: what to wait. */
void health_wait(struct health *h, const char *why, uint64_t now, uint64_t ns);
/* Its sandbox was refused system call @nr: counted, and said the first time. */
void health_refused(struct health *h, int nr);
/* A record was done. */
void health_good(struct health *h);

/* Its records are to be counted without a try. */
bool health_failed(const struct health *h, uint64_t now);
/* ns till it may be started; 0: now. */
uint64_t health_due(const struct health *h, uint64_t now);

#endif
