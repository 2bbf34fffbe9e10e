/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking ebpf-broker. Answers come in order, each exactly once, unless broker_forget() was called for its @arg. */
#ifndef EBPF_AGENT_BROKER_CLIENT_H
#define EBPF_AGENT_BROKER_CLIENT_H

#include <uv.h>

#include "broker.h"

typedef void broker_done(void *arg, unsigned tag, int err, const char *text, int fd);
struct broker_client;
int broker_client_new(uv_loop_t *loop, int fd, struct broker_client **ret);
void broker_client_free(struct broker_client *b);	/* its handle closes asynchronously */
/* @done owns @fd. -ENAMETOOLONG, -ENOMEM. */
int broker_ask(struct broker_client *b, unsigned type, const char *text, broker_done *done, void *arg, unsigned tag);
void broker_forget(struct broker_client *b, void *arg);

#endif
