/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Every name that the outside sees: D-Bus, files, limits. */
#ifndef EBPF_AGENT_ABI_NAMES_H
#define EBPF_AGENT_ABI_NAMES_H

/* D-Bus: bus name and interface PREFIX.<x>1, object /org/ebpfagent/<x>1. */
#define AGENT_BUS_PREFIX  "org.ebpfagent"
#define AGENT_BUS_PATH    "/org/ebpfagent"
#define AGENT_BUS_DAEMON  "org.ebpfagent.daemon1"	/* interface that all daemons serve on their object */
#define AGENT_BUS_LOADER  "org.ebpfagent.loader1"
#define AGENT_BUS_LOADER_JOB     "org.ebpfagent.loader1.Job"		/* AGENT_BUS_PATH/loader1/job/N */
#define AGENT_BUS_LOADER_PROGRAM "org.ebpfagent.loader1.Program"	/* …/program/NAME, by sd_bus_path_encode(3) */
#define AGENT_BUS_TAG     "org.ebpfagent.tag1"
#define AGENT_BUS_CHANNEL "org.ebpfagent.channel1"
#define AGENT_BUS_SINK    "org.ebpfagent.sink1"
#define AGENT_BUS_XDP     "org.ebpfagent.xdp1"

#define AGENT_ERR_INVALID       "org.ebpfagent.Error.Invalid"		/* the document or an argument is wrong */
#define AGENT_ERR_EXISTS        "org.ebpfagent.Error.AlreadyLoaded"
#define AGENT_ERR_NOT_FOUND     "org.ebpfagent.Error.NoSuchProgram"
#define AGENT_ERR_LOAD_FAILED   "org.ebpfagent.Error.LoadFailed"
#define AGENT_ERR_NOT_BUILT     "org.ebpfagent.Error.NotBuilt"		/* planned, not there yet */
#define AGENT_ERR_DRAIN_TIMEOUT "org.ebpfagent.Error.DrainTimeout"
#define AGENT_ERR_CANCELLED     "org.ebpfagent.Error.Cancelled"
#define AGENT_ERR_ENDED         "org.ebpfagent.Error.JobEnded"		/* there is nothing left to cancel */
#define AGENT_ERR_LIMIT         "org.ebpfagent.Error.LimitExceeded"	/* too many of them at once: later */
#define AGENT_ERR_DENIED        "org.freedesktop.DBus.Error.AccessDenied"

#define AGENT_GROUP "ebpf-agent"

/* Environment: where everything lies. */
#define AGENT_ENV_RUNTIME "EBPF_AGENT_RUNTIME_DIR"	/* default /run/ebpf-agent */
#define AGENT_ENV_STATE   "EBPF_AGENT_STATE_DIR"	/* default /var/lib/ebpf-agent */
#define AGENT_ENV_CONFIG  "EBPF_AGENT_CONFIG_DIR"	/* colon list, lowest first */
#define AGENT_ENV_LOG     "EBPF_AGENT_LOG_DIR"		/* where the file sink writes by default: /var/log/ebpf-agent */

/* Names of programs, items, channels and events in YAML; bpffs refuses dots. */
#define AGENT_NAME_MAX   63
#define AGENT_NAME_CHARS "A-Za-z0-9_-"

#endif
