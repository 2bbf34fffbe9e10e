/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of a processor share: processor.c runs batches and blames records, processor_sandbox.c keeps a sandbox
 * alive, processor_new.c makes one out of the manifest. */
#ifndef EBPF_AGENT_PROCESSOR_PRIVATE_H
#define EBPF_AGENT_PROCESSOR_PRIVATE_H

#include <stdarg.h>

#include "../common/listener.h"
#include "launcher.h"
#include "processor.h"
#include "processor_child.h"
#include "processor_health.h"

#define UNBLAMED_MAX 8u	/* SIGKILLs from others in a row and no record done: we wait, and lose nothing */
#define WAIT_MAX_NS  NSEC_PER_SEC	/* between tries of what is nobody's fault here */

struct processor {
	struct batch batch;
	struct processor_child child;
	struct listener listener;	/* of the child's system calls */
	uint64_t loading_until;		/* then it is no longer served before there is a batch */
	char name[256];			/* program/item, for messages */
	char functions[LAUNCHER_FUNCTIONS_MAX];	/* names, by BATCH_SEPARATOR */
	uint16_t inits[BATCH_MAX_FUNCTIONS], n_inits;	/* called in each new sandbox */
	int so, file;			/* sealed memfds; file: the initfile, -1: none */
	uint32_t file_len;
	const struct processor_limits *limits;
	struct processor_row own_row;	/* if nobody wants to know */
	struct health health;
	uint64_t restarts;
	bool ready;			/* the present sandbox has loaded the processor */
	bool started;			/* one was started before */
	bool alone;			/* the record `first` was in flight when a sandbox died: next time alone */
	uint32_t first;			/* record of the batch that is next to be handed out */
	unsigned unblamed, tries;	/* in a row: SIGKILLs from others; starts that failed by nobody's fault */
	char how[128];			/* the last sandbox ended */
	struct {
		uint64_t mark_ns;	/* the sandbox's CPU time at the end of the last batch */
		uint64_t used_ns;	/* of it between batches, since the last look */
		uint64_t looked_ns;
		unsigned over;		/* looks in a row that found too much */
	} background;
	char error[512];
};

/* What sandbox_await() came back for. */
enum { AWAIT_RANG = 1, AWAIT_DIED, AWAIT_TIMEOUT };

/* Both write processor_error(), and return @err. */
int processor_fail(struct processor *p, int err, const char *fmt, ...) printf_like(3, 4);
/* Nobody's fault here: it passes, or not, and blames no record. Tried again later and later. */
int processor_put_off(struct processor *p, int err, const char *fmt, ...) printf_like(3, 4);
void processor_write_error(struct processor *p, const char *fmt, va_list ap);

/* Of all threads of @pid, in ns; 0: it is gone. */
uint64_t sandbox_cpu_time(pid_t pid);
int sandbox_start(struct processor *p);
/* There is one, it has loaded the object, and its init functions were called. 0, -EAGAIN (not yet due), -errno. */
int sandbox_be_ready(struct processor *p);
/* Until it rings, and with what the caller waits for; or dies; or @ms are over. */
int sandbox_await(struct processor *p, bool (*done)(const struct processor *), uint64_t ms);
bool sandbox_finished(const struct processor *p);	/* for it: the batch is done */
/* Answers some of the calls that it asks about, if it does. */
void sandbox_serve(struct processor *p);
/* Meanwhile, by itself: its process is gone. */
bool sandbox_has_died(struct processor *p);
/* SIGKILL, and it is gone. */
int sandbox_put_down(struct processor *p);
/* How it ended by itself, in p->how. */
const char *sandbox_describe_end(struct processor *p);

#endif
