/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For a daemon's main.c alone. At exit LeakSanitizer stops every thread by ptrace, and on a busy machine now and then
 * waits for ever for one that a library keeps (libuv's for fsync in sinkd, nanomsg's in loaderd; seen: its tracer
 * attached to the main thread alone, until the daemon was killed). The unit tests look for the rooms' leaks. */
#ifndef EBPF_AGENT_COMMON_SVC_SAN_H
#define EBPF_AGENT_COMMON_SVC_SAN_H

#ifdef AGENT_SAN
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

#endif
