/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A job of loaderd's: begun, followed, and cancelled on Ctrl-C. One that takes long is said on stderr: on a terminal in
 * one line that changes, else in lines, with --json in JSON. */
#ifndef EBPF_AGENT_CTL_JOB_H
#define EBPF_AGENT_CTL_JOB_H

#include "client.h"

/* Sends @m (taken), which is answered by a job's path, and waits for the job's end. @doing: what we wait for, in words.
 * 0; otherwise, said in c->error: -EREMOTEIO: refused, or it failed; -EINTR: cancelled, or no longer waited for. */
int job_run(struct client *c, const struct ctl *ctl, DBusMessage *m, int timeout_ms, const char *doing,
	    DBusMessage **ret);

/* What a job came to: @ret of job_run(). */
struct job_result {
	char **programs, **warnings;
	int n_programs, n_warnings;
};
/* False: its form is another one. */
bool job_result_read(DBusMessage *reply, struct job_result *ret);
/* Accepts a zeroed one. */
void job_result_fini(struct job_result *r);

/* job_progress.c: how far a job is, as loaderd's signals say it. */
struct job_progress {
	struct client *c;
	const struct ctl *ctl;
	const char *path, *doing;
	const char *loaderd;	/* its unique name: nobody else is believed */
	int64_t begun_ms, shown_ms;
	bool follows, changed, on_line;
	char phase[128];
	uint32_t percent;
};
/* Says it when it is time to. */
void job_progress_look(struct job_progress *p);
/* The line on a terminal goes. */
void job_progress_end(struct job_progress *p);

#endif
