/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sandbox process of one processor, started through a connection of its own to ebpf-launcher. */
#ifndef EBPF_AGENT_PROCESSOR_CHILD_H
#define EBPF_AGENT_PROCESSOR_CHILD_H

#include <sys/types.h>

#include "../common/base.h"

struct processor_child {
	int conn;
	pid_t pid;		/* 0: none */
	uid_t uid;
	bool killed;		/* by us */
	int status, signal;	/* how the last one ended */
};

/* @launcher_sock stays the caller's. */
int child_connect(struct processor_child *c, int launcher_sock);
/* The sandbox, if there is one, dies with the connection. Accepts one with conn -1. */
void child_disconnect(struct processor_child *c);

/* @functions, @fds: as LAUNCHER_SPAWN wants them. -EUSERS: all uids are in use; -ECONNRESET: the launcher is gone. */
int child_start(struct processor_child *c, const char *functions, uint64_t memory, const int *fds, size_t n_fds);
int child_kill(struct processor_child *c);
/* To be called when c->conn is readable: takes note of the sandbox's end, after which c->pid is 0. */
int child_receive(struct processor_child *c);
/* Died of a SIGKILL that did not come from here. */
bool child_died_of_others(const struct processor_child *c);

#endif
