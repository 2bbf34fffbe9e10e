/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The per-CPU buffers of perf event arrays (common/buffers.h): made here, kept here, handed to channeld and got back
 * from it. */
#ifndef EBPF_AGENT_LOADERD_BUFFERS_H
#define EBPF_AGENT_LOADERD_BUFFERS_H

#include "../common/buffers.h"
#include "loaderd.h"

/* Behind adopt_all(): programs that were adopted get their buffers from channeld. */
int buffers_keeper_new(struct loaderd *d, struct buffers_keeper **ret);
/* Accepts NULL; its handles close asynchronously. */
void buffers_keeper_free(struct buffers_keeper *k);
/* Once a second: who had buffers and has none any more gets new ones. */
void buffers_look(struct buffers_keeper *k);
/* A program is loaded: channeld gets what it has. */
void buffers_loaded(struct buffers_keeper *k, const char *program);
/* A program is gone, or its load failed. */
void buffers_drop(struct buffers_keeper *k, const char *program);

/* buffers_open.c: a buffer for each CPU, put into the array. */
struct buffers_request {
	const struct entry *entry;
	uint64_t generation;
	size_t channel;			/* index in the manifest */
	uint64_t bytes;			/* of each buffer */
	int array;			/* taken over, also when it fails */
	/* Once. @err 0: @n buffers are kept under the program's name, and @text says what is missing ("": nothing);
	 * else @text says why. */
	void (*done)(void *arg, int err, size_t n, const char *text);
	void *arg;
};
/* -errno: @done is not called. */
int buffers_open(struct buffers_keeper *k, const struct buffers_request *r);
/* What was begun with @arg is not wanted any more; NULL: nothing is. Accepts @k NULL. */
void buffers_forget(struct buffers_keeper *k, const void *arg);

/* Within these two files. */
struct buffers_opening;
struct buffers_opening **buffers_openings(struct buffers_keeper *k);
struct loaderd *buffers_daemon(struct buffers_keeper *k);
/* What is kept for the program; made if there is none of that generation. NULL: out of memory. */
struct buffers *buffers_kept(struct buffers_keeper *k, const char *program, uint64_t generation);
bool buffers_opening_of(struct buffers_keeper *k, const char *program);

#endif
