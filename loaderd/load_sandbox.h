/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process in which functions of a user's shared object are called around a load: ebpf-sandbox, as a child of
 * ebpf-load, which has no right to give it a uid of its own. What keeps the two apart is that the sandbox has no
 * capability (without ebpf-load's it may not trace it, nor open what /proc has of it), no system call that would name
 * another process, and no file system (Landlock; where the kernel has none, nothing is called). */
#ifndef EBPF_AGENT_LOAD_SANDBOX_H
#define EBPF_AGENT_LOAD_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "../common/refusals.h"

struct load_limits {
	uint64_t memory;	/* bytes of private writable memory, 0: no limit */
	uint64_t deadline_ns;	/* of one call */
};

#define LOAD_SANDBOX_ROOM (4u << 20)	/* bytes that one call may return */

struct load_sandbox;

/* Loads the object @so in a process of its own; rows may then call @names (see abi/batch.h). @so and @file (-1: none):
 * sealed memfds, the caller's. @refusals, the caller's as well: what it tries and is refused, till its end. 0, or a
 * negative errno, with a sentence in @why. */
int load_sandbox_new(const struct load_limits *limits, int so, int file, const char *names, struct refusals *refusals,
		     struct load_sandbox **ret, char *why, size_t why_size);
/* Kills it. Accepts NULL. */
void load_sandbox_free(struct load_sandbox *s);

struct load_result {
	int32_t code;		/* what the function left in ErrCtx */
	const char *text;	/* *len bytes that nobody has looked at yet; until the next call */
	size_t len;
};
/* Calls function number @function with @data, or, if that is NULL, with the first @len bytes of the file. 0, or a
 * negative errno, with a sentence in @why: whatever it is, the sandbox is of no use any more. */
int load_sandbox_call(struct load_sandbox *s, unsigned function, const void *data, size_t len, struct load_result *ret,
		      char *why, size_t why_size);

#endif
