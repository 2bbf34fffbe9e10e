/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One row per verb. */
#include <string.h>

#include "cmdline.h"

const struct verb verbs[] = {
	{ "run", "FILE…", "a private agent in the foreground: load, print events until Ctrl-C, leave nothing behind",
	  "state config seconds verbose", 0, -1, verb_run,
	  "Starts the five daemons and a bus of their own in a mount namespace of their own, loads each FILE, and\n"
	  "prints every event on stdout, losing none. Needs root, but neither systemd nor a system bus. All else goes\n"
	  "to stderr: the address of the bus (for ebpfctl and busctl in another terminal), the daemons' warnings, the\n"
	  "line `ready` once all is loaded, and at the end what was delivered and what was lost of each program.\n"
	  "Ctrl-C (SIGTERM, --seconds) unloads, prints what was still under way, stops the daemons and removes all\n"
	  "that it made; so does closing stdout, as `| head` does. Ctrl-C again: what is left is discarded. A daemon\n"
	  "that dies is started again.\n"
	  "\n"
	  "Each program's events are also written to a file, log/PROGRAM.jsonl in the folder where the bus is, which\n"
	  "is removed at the end; with --state DIR that is DIR/log/PROGRAM.jsonl, and stays. After a `kill -9` no\n"
	  "process, program or mount remains, but a folder /tmp/ebpf-agent.XXXXXX may, until the next run.\n"
	  "\n"
	  "  ebpfctl run programs/exec.yaml                      events as text\n"
	  "  ebpfctl run --json exec.yaml tcpstate.yaml | jq .   one JSON object a line\n"
	  "  ebpfctl run --state ./work --seconds 60 exec.yaml   keeps events and cached artifacts in ./work\n",
	  "bus" },
	{ "load", "FILE…", "load programs, each described by a YAML file", "", 1, -1, verb_load,
	  "The whole file is validated before anything happens; a load that fails leaves nothing behind and says why,\n"
	  "with the verifier's last words. `ebpfctl check FILE` validates without loading. A load that takes long is\n"
	  "said on stderr, with how far it is (with --json as JSON, an object a line); Ctrl-C cancels it.\n"
	  "\n"
	  "Of several files each is tried, whatever becomes of the others; the exit status is 1 if any failed. With\n"
	  "--json each has an object, with `program` and `warnings`, or with `error`.\n", NULL },
	{ "unload", "NAME… | --all", "detach at once, deliver what is still under way, then remove",
	  "all force timeout", 0, -1, verb_unload,
	  "From the moment it is told, the kernel calls nothing of the program any more. What its rings and its spool\n"
	  "hold is still delivered to every sink; if a sink cannot take it within --timeout (10 seconds), the program\n"
	  "stays, `draining`, and nothing is lost: unload again, or --force, which discards the rest. On stderr each\n"
	  "program's sum is said: how many events were delivered, how many lost, and why. One that takes long is\n"
	  "said there, too; after Ctrl-C it is not waited for, but goes on draining, and goes by itself.\n"
	  "\n"
	  "Of several names each is tried, whatever becomes of the others; the exit status is 1 if any failed.\n",
	  NULL },
	{ "list", "", "the programs that are loaded", "", 0, 0, verb_list, NULL, NULL },
	{ "show", "NAME", "all about one program: what attached and what did not, maps, channels, sinks", "", 1, 1,
	  verb_show, NULL, NULL },
	{ "tail", "[NAME]", "events as they come (of all programs by default), until Ctrl-C", "", 0, 1, verb_tail,
	  "A live view: it never holds anything up, so it may skip lines, and says on stderr how many. When sinkd is\n"
	  "started again, tail goes on.\n", NULL },
	{ "ledger", "[NAME]", "where every event went, in equations", "strict openmetrics", 0, 1, verb_ledger,
	  "per channel           produced = drained + pending + ring_full + nmi + lost\n"
	  "                      (+ discarded: what the program itself gave up again)\n"
	  "per channel, event    drained = ok + decode + so_error + so_crash + so_timeout + filtered + oversize\n"
	  "                      results = spooled + spool_full\n"
	  "per sink              routed = acked + pending + rejected + disk_full + expired + damaged\n"
	  "                      (+ skipped: live views)\n"
	  "`unknown` is said where an object has no counter of its own. Exact at rest; a channel that moved while it\n"
	  "was read is not held against its equation, and what seems off is asked for again before it is said. With\n"
	  "--strict the exit status is 1 unless every equation holds; the last line says how many rows have something\n"
	  "unknown, whose equation says nothing.\n"
	  "\n"
	  "Apart from all that, per prog: `missed`, how often its hook was passed and the kernel did not call it, as\n"
	  "when it was running already. `unknown` where this kernel does not count it: before 6.7 only raw and BTF\n"
	  "tracepoints and fentry are counted, and events that are sampled never.\n"
	  "\n"
	  "--openmetrics prints the same numbers as counters and gauges, each reason as a label; what is unknown has\n"
	  "no sample.\n", NULL },
	{ "status", "", "the five daemons: running or not, since when, what is degraded and why", "", 0, 0,
	  verb_status,
	  "A daemon is `running`, `degraded` (below its line stands what is not as it should be, and why), `silent`\n"
	  "(it is on the bus, and did not answer within 3 seconds: it hangs), or `not running`.\n", NULL },
	{ "config", "DAEMON", "the configuration in effect, each value with where it comes from", "", 1, 1, verb_config,
	  "DAEMON is loaderd, tagd, channeld, sinkd or xdpd. What is printed is a configuration itself; behind each\n"
	  "value a comment says the file and line that it comes from, or that it is the default. Secrets are hidden.\n"
	  "With --json each key has an object with `value`, `file` and `line`: these are null for a default.\n", NULL },
	{ "check", "FILE…", "validate program files (and xdpd's lists); load nothing", "artifacts", 1, -1, verb_check,
	  "An artifact that is absent is a warning here, and with --artifacts an error, as it is when loading.\n"
	  "Looked at is only whether it exists and is an ELF file: what is in it, a load checks.\n", "bus" },
	{ "schema", "", "every key that a program file may have, with type, default and meaning", "", 0, 0,
	  verb_schema, NULL, "json bus" },
	{ "top", "", "processor time and events per program", "", 0, 0, NULL, NULL, NULL },
	{ "tags", "PID", "the tags of a process", "", 0, -1, NULL, NULL, NULL },
	{ "watch", "list|add|remove …", "what tagd follows", "", 0, -1, NULL, NULL, NULL },
	{ "query", "PROMQL", "query the embedded time series", "", 0, -1, NULL, NULL, NULL },
	{ "xdp", "list|attach|detach|flows|stats …", "accelerated interfaces", "", 0, -1, NULL, NULL, NULL },
	{ "tables", "PART", NULL, "", 1, 1, verb_tables, NULL, "json bus" },
	{ "help", "[VERB]", "this text, or more about one verb", "", 0, 1, verb_help, NULL, "json bus" },
	{ NULL },
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}
