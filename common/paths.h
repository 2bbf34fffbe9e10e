/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things lie. Environment variables move them (abi/names.h); nothing else does. All of these return static
 * strings that live as long as the process, or fill a caller's buffer of PATH_MAX. */
#ifndef EBPF_AGENT_PATHS_H
#define EBPF_AGENT_PATHS_H

#include "base.h"

const char *path_runtime(void);	/* /run/ebpf-agent */
const char *path_state(void);	/* /var/lib/ebpf-agent */
const char *path_log(void);	/* /var/log/ebpf-agent */
/* A colon list, lowest first: /usr/lib/ebpf-agent:/run/ebpf-agent/config:/etc/ebpf-agent */
const char *path_config(void);
const char *path_libexec(void);	/* the folder that this very binary was started from */

/* Within the runtime directory:
 *   manifest/PROGRAM.json   written by loaderd, 0640, group ebpf-agent
 *   spool/PROGRAM.spool     made by channeld's worker, 0660
 *   spool/PROGRAM.CHANNEL.snapshot    of a polled map: the worker's own (common/snapshot.h)
 *   spool/PROGRAM.CHANNEL.pipe        of a pipe: likewise (common/staging.h)
 *   hint/DAEMON             nanomsg sockets
 *   hint/loaderd.buffers    loaderd's socket for channeld, 0660: perf buffers
 *   lock/DAEMON             one instance of each daemon (flock)
 *   bpf/                    our bpffs
 * and in the state directory:
 *   artifacts/SHA256            by loaderd
 *   dead-letter/PROGRAM.jsonl   by channeld and its workers, 0640; PROGRAM.jsonl.1 is the one before */
int path_manifest(const char *program, char *ret);
int path_spool(const char *program, char *ret);
int path_snapshot(const char *program, const char *channel, char *ret);
int path_staging(const char *program, const char *channel, char *ret);
int path_hint(const char *daemon, char *ret);
int path_buffers(char *ret);
int path_lock(const char *daemon, char *ret);
int path_artifact(const char *sha256, char *ret);
int path_dead_letter(const char *program, char *ret);

#endif
