/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging, for daemons; common code returns errors instead. To the journal where stderr is one ($JOURNAL_STREAM),
 * with fields; otherwise lines on stderr, "daemon: text". Levels are syslog's. Per-event trouble is a counter,
 * never a line. */
#ifndef EBPF_AGENT_LOG_H
#define EBPF_AGENT_LOG_H

#include <syslog.h>

#include "base.h"

/* Once, at start. @level: lines above it are dropped (LOG_INFO by default; LOG_DEBUG shows all). */
void log_init(const char *daemon, int level);
void log_line(int level, const char *fmt, ...) printf_like(2, 3);
/* The same with a message id (32 hex digits) and the program it concerns, as journal fields. */
void log_about(int level, const char *message_id, const char *program, const char *fmt, ...) printf_like(4, 5);

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

#endif
