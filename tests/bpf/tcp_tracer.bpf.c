// SPDX-License-Identifier: GPL-2.0-or-later
/* tcpstate under the names that the first example of the system uses: ring tcp_tracer_events. */
#define tcp_events tcp_tracer_events
#define tcp_events_counts tcp_tracer_events_counts
#define agent_event__tcp_events agent_event__tcp_tracer_events
#include "../../bpf/tcpstate.bpf.c"
