/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A load that is under way: what the files job*.c share. job.c begins and ends it, job_request.c says whether it may
 * begin, job_child.c talks to its ebpf-load, job_result.c takes what came of it. */
#ifndef EBPF_AGENT_JOB_RUN_H
#define EBPF_AGENT_JOB_RUN_H

#include "loaderd.h"

struct cached {
	struct cached *next;
	char sha256[65];
	bool made;		/* by this load: goes with it if it fails */
};

struct job_file {
	unsigned type;			/* JOB_ARTIFACT, JOB_INITFILE */
	const struct program_item *item;
	const char *path;
	unsigned line;			/* where the YAML speaks of it */
	int fd;				/* -1: not opened */
};

struct job {
	struct job *next;
	struct loaderd *d;
	struct entry *entry;
	struct arena *arena;		/* of the parsed document */
	const struct program *program;
	const char *file, *base;
	void (*progress)(void *arg, const struct entry *e, unsigned percent, const char *phase);
	unsigned percent;		/* as told last */
	void (*done)(void *arg, const struct entry *e, const struct outcome *o);
	void *arg;

	uint64_t generation;
	int yaml;			/* memfd */
	struct job_file files[2 * PROGRAM_MAX_ITEMS];
	size_t n_files;
	size_t missing;			/* those that the broker has not answered for */

	pid_t pid;
	int pidfd, sock;
	size_t sent;			/* messages to the child: BEGIN, LIMITS, one per file, GO */
	uv_poll_t exit_poll, sock_poll;
	uv_timer_t timer;
	int open;			/* handles */

	int result;			/* memfd with the manifest; -1: not done */
	struct outcome outcome;		/* why it failed */
	struct cached *cached;
	unsigned logged;		/* lines */
};

/* Parses @r into @j, copies its text to a memfd, and refuses what needs no child to be refused. 0, or a negative
 * errno with the reason in @o; then @j is fit for nothing but to be freed. */
int job_accept(struct job *j, const struct load_request *r, struct outcome *o);

/* Starts ebpf-load and hands it the work. 0 (the job ends by job_finish() once the child is gone), or a negative
 * errno: there is no child, and job_finish() is the caller's. */
int job_start_child(struct job *j);

/* Checks the child's manifest, writes it to the runtime folder and gives it to the job's entry. 0, or a negative errno
 * with the reason in the job's outcome. */
int job_take_manifest(struct job *j);

/* A failed load leaves nothing behind: pins, cached artifacts. */
void job_clean_up(struct job *j);

/* Starts ebpf-load, with the argument @mode unless it is NULL; *ret_sock is the end of a socket pair whose other end it
 * has as JOB_FD. 0, or a negative errno: there is no child. */
int job_spawn(char *mode, pid_t *ret_pid, int *ret_pidfd, int *ret_sock);
/* Waits for its end, which is at hand. @ret_how may be NULL. */
void job_reap(pid_t pid, int *ret_how);

/* A line that a child of @e's wants in the journal, unless it said too many already. @text is changed. */
void job_log(const struct entry *e, unsigned *logged, char *text);

/* Says how far it is, unless it was further already. */
void job_tell(struct job *j, unsigned percent, const char *fmt, ...) printf_like(3, 4);

/* The one end of every job: tells who asked, then @j closes its handles and frees itself. */
void job_finish(struct job *j);

#endif
