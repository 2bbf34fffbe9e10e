/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: verbs and options are rows of two tables; help is printed from them. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>

#include "../common/conf.h"
#include "../common/svc.h"
#include "check.h"
#include "ctl.h"

static int verb_check(const struct ctl *c, int argc, char **argv)
{
	int worst = CTL_DONE;

	for (int i = 0; i < argc; i++) {
		int status = check_file(argv[i], c->artifacts, c->json);

		worst = MAX(worst, status);
	}
	return worst;
}

static int verb_schema(const struct ctl *c, int argc, char **argv)
{
	(void)c, (void)argc, (void)argv;
	return print_schema();
}

static int verb_help(const struct ctl *c, int argc, char **argv);

struct verb {
	const char *name, *args, *help;
	const char *options;		/* of its own, besides the ones for all: "all force" */
	int min_args, max_args;		/* -1: any number */
	int (*run)(const struct ctl *c, int argc, char **argv);	/* NULL: not built in this version */
	const char *more;		/* for `help VERB` */
	const char *ignored;		/* of the options for all: what means nothing here */
};

static const struct verb verbs[] = {
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
	  "with the verifier's last words. `ebpfctl check FILE` validates without loading.\n"
	  "\n"
	  "Of several files each is tried, whatever becomes of the others; the exit status is 1 if any failed. With\n"
	  "--json each has an object, with `program` and `warnings`, or with `error`.\n", NULL },
	{ "unload", "NAME… | --all", "detach at once, deliver what is still under way, then remove",
	  "all force timeout", 0, -1, verb_unload,
	  "From the moment it is told, the kernel calls nothing of the program any more. What its rings and its spool\n"
	  "hold is still delivered to every sink; if a sink cannot take it within --timeout (10 seconds), the program\n"
	  "stays, `draining`, and nothing is lost: unload again, or --force, which discards the rest. On stderr each\n"
	  "program's sum is said: how many events were delivered, how many lost, and why.\n"
	  "\n"
	  "Of several names each is tried, whatever becomes of the others; the exit status is 1 if any failed.\n",
	  NULL },
	{ "list", "", "the programs that are loaded", "", 0, 0, verb_list, NULL, NULL },
	{ "show", "NAME", "all about one program: what attached and what did not, maps, channels, sinks", "", 1, 1,
	  verb_show, NULL, NULL },
	{ "tail", "[NAME]", "events as they come (of all programs by default), until Ctrl-C", "", 0, 1, verb_tail,
	  "A live view: it never holds anything up, so it may skip lines, and says on stderr how many. When sinkd is\n"
	  "started again, tail goes on.\n", NULL },
	{ "ledger", "[NAME]", "where every event went, in equations", "strict", 0, 1, verb_ledger,
	  "per channel           produced = drained + pending + ring_full + nmi + lost\n"
	  "per channel, event    drained = ok + decode + so_error + so_crash + so_timeout + filtered + oversize\n"
	  "                      results = spooled + spool_full\n"
	  "per sink              routed = acked + pending + rejected + disk_full + expired (+ skipped: live views)\n"
	  "`unknown` is said where an object has no counter of its own. Exact at rest; a channel that moved while it\n"
	  "was read is not held against its equation, and what seems off is asked for again before it is said. With\n"
	  "--strict the exit status is 1 unless every equation holds.\n", NULL },
	{ "status", "", "the five daemons: running or not, since when, what is degraded and why", "", 0, 0,
	  verb_status, NULL, NULL },
	{ "config", "DAEMON", "the configuration in effect, every key with its value", "", 1, 1, verb_config,
	  "DAEMON is loaderd, tagd, channeld, sinkd or xdpd.\n", NULL },
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
	{ "help", "[VERB]", "this text, or more about one verb", "", 0, 1, verb_help, NULL, "json bus" },
	{ NULL },
};

enum { OPT_ALL = 256, OPT_FORCE, OPT_STRICT, OPT_ARTIFACTS, OPT_STATE, OPT_CONFIG, OPT_SECONDS, OPT_TIMEOUT };

struct opt {
	const char *name, *arg, *help;
	int val;
};
static const struct opt opts[] = {
	{ "json",      NULL,      "machine-readable output on stdout",                              'j' },
	{ "bus",       "ADDRESS", "the bus to use, e.g. unix:path=/tmp/ebpf-agent.XXXXXX/bus; without it\n"
				  "                      $DBUS_SYSTEM_BUS_ADDRESS, else the system bus",    'b' },
	{ "help",      NULL,      "this text; after a verb: more about it",                         'h' },
	{ "version",   NULL,      "print the version",                                              'V' },
	{ "all",       NULL,      "every program",                                                  OPT_ALL },
	{ "force",     NULL,      "discard what cannot be delivered",                               OPT_FORCE },
	{ "timeout",   "SECONDS", "how long to wait for the drain",                                 OPT_TIMEOUT },
	{ "strict",    NULL,      "exit status 1 unless everything balances",                       OPT_STRICT },
	{ "artifacts", NULL,      "an artifact that is absent is an error",                         OPT_ARTIFACTS },
	{ "state",     "DIR",     "keep logs and cached artifacts here (default: /tmp, then removed)", OPT_STATE },
	{ "config",    "DIR",     "the daemons' configuration (loaderd.yaml, programs.d/…)", OPT_CONFIG },
	{ "seconds",   "N",       "stop by itself after that time, counted from `ready`",           OPT_SECONDS },
	{ "verbose",   NULL,      "-v: what the daemons log, not only their warnings",              'v' },
};
#define N_GLOBAL_OPTS 4

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

/* Is @name one of the words in @words? */
static bool has_word(const char *words, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = words; (p = strstr(p, name)); p += len)
		if ((p == words || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' '))
			return true;
	return false;
}

static void print_opt(const struct opt *o)
{
	char left[32];

	snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "", o->arg ?: "");
	printf("  %-19s %s\n", left, o->help);
}

static void print_verb(const struct verb *v)
{
	printf("Usage: ebpfctl %s [OPTION…]%s%s\n\n%s%s.\n", v->name, v->args[0] ? " " : "", v->args, v->help,
	       v->run ? "" : "; not built in this version");
	if (v->more)
		printf("\n%s", v->more);
	printf("\nOptions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++)
		if (i < N_GLOBAL_OPTS - 1 ? !has_word(v->ignored ?: "", opts[i].name) :
					    has_word(v->options, opts[i].name))
			print_opt(&opts[i]);
}

static void print_help(void)
{
	printf("Usage: ebpfctl VERB [OPTION…] [ARGUMENT…]\n\n"
	       "Loads eBPF programs described by YAML files into the kernel, and gets every event out of it.\n\n"
	       "Verbs:\n");
	for (const struct verb *v = verbs; v->name; v++) {
		int wide = 0;	/* bytes that take no column of their own ("…") */

		for (const char *c = v->args; *c; c++)
			wide += ((unsigned char)*c & 0xc0) == 0x80;
		if (v->run)
			printf("  %-7s %-*s %s\n", v->name, 15 + wide, v->args, v->help);
	}
	printf("\nNot built in this version:");
	for (const struct verb *v = verbs; v->name; v++)
		if (!v->run)
			printf(" %s", v->name);
	printf("\n\nOptions for all that they mean something to:\n");
	for (size_t i = 0; i < N_GLOBAL_OPTS; i++)
		print_opt(&opts[i]);
	printf("\nExit status: 0 done, 1 refused or failed, 2 used wrongly. Data is on stdout, all else on stderr.\n\n"
	       "To begin with:\n"
	       "  ebpfctl check programs/exec.yaml     is the file right?\n"
	       "  ebpfctl run programs/exec.yaml       see events at once, installing nothing\n"
	       "  ebpfctl help run                     more about one verb\n"
	       "  ebpfctl schema                       what a program file may say\n");
}

static int verb_help(const struct ctl *c, int argc, char **argv)
{
	(void)c;
	const struct verb *v = argc ? find_verb(argv[0]) : NULL;

	if (argc && !v) {
		ctl_error("no verb '%s': `ebpfctl help` lists them", argv[0]);
		return CTL_USAGE;
	}
	if (v)
		print_verb(v);
	else
		print_help();
	return CTL_DONE;
}

/* A positive number of seconds. */
static int parse_seconds(const char *name, const char *text, uint64_t *ret)
{
	uint64_t value;

	if (conf_parse_u64(text, &value) < 0 || value == 0 || value > 10 * 365 * 86400ULL) {
		ctl_error("--%s takes a number of seconds from 1 up, not `%s`", name, text);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

static int take_option(struct ctl *c, int val)
{
	switch (val) {
	case 'j': c->json = true; return 0;
	case 'b': c->bus = optarg; return 0;
	case 'v': c->verbose = true; return 0;
	case OPT_ALL: c->all = true; return 0;
	case OPT_FORCE: c->force = true; return 0;
	case OPT_STRICT: c->strict = true; return 0;
	case OPT_ARTIFACTS: c->artifacts = true; return 0;
	case OPT_STATE: c->state = optarg; return 0;
	case OPT_CONFIG: c->config = optarg; return 0;
	case OPT_SECONDS: return parse_seconds("seconds", optarg, &c->seconds);
	case OPT_TIMEOUT: return parse_seconds("timeout", optarg, &c->timeout);
	}
	return -EINVAL;
}

struct cmdline {
	struct ctl ctl;
	bool help, version;
	uint64_t given;		/* bit i: opts[i] was */
};

/* GNU getopt moves the arguments behind the options, so that options may stand anywhere. */
static int parse_options(struct cmdline *l, int argc, char **argv)
{
	struct option table[ARRAY_SIZE(opts) + 1] = {};
	int val;

	for (size_t i = 0; i < ARRAY_SIZE(opts); i++)
		table[i] = (struct option){ opts[i].name, opts[i].arg ? required_argument : no_argument, NULL,
					    opts[i].val };
	while ((val = getopt_long(argc, argv, "hvV", table, NULL)) != -1) {
		if (val == '?')
			return -EINVAL;	/* getopt has said why */
		for (size_t i = 0; i < ARRAY_SIZE(opts); i++)
			if (opts[i].val == val)
				l->given |= 1ULL << i;
		if (val == 'h')
			l->help = true;
		else if (val == 'V')
			l->version = true;
		else if (take_option(&l->ctl, val) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Options and arguments that this verb does not take. */
static int check_usage(const struct verb *v, const struct cmdline *l, int argc)
{
	for (size_t i = N_GLOBAL_OPTS; i < ARRAY_SIZE(opts); i++)
		if (l->given & 1ULL << i && !has_word(v->options, opts[i].name)) {
			ctl_error("`%s` takes no option --%s; see `ebpfctl help %s`", v->name, opts[i].name, v->name);
			return -EINVAL;
		}
	if (argc < v->min_args || (v->max_args >= 0 && argc > v->max_args)) {
		ctl_error("usage: ebpfctl %s%s%s", v->name, v->args[0] ? " " : "", v->args);
		return -EINVAL;
	}
	return 0;
}

/* What printf() could not write. A reader that has left is no fault, as with `| head`. */
static int finish(int status)
{
	bool earlier = ferror(stdout);

	errno = 0;
	if (fflush(stdout) == 0 && !earlier)
		return status;
	return errno == EPIPE ? status : ctl_error("stdout: %s", errno ? strerror(errno) : "not all could be written");
}

static bool wants_color(void)
{
	const char *term = getenv("TERM");

	return isatty(1) && !getenv("NO_COLOR") && term && strcmp(term, "dumb");
}

/* Descriptors 0, 1 and 2 are what their names say, or what is opened next would be written to by mistake. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	struct cmdline l = {};
	const struct verb *v;

	fill_standard_fds();
	if (parse_options(&l, argc, argv) < 0)
		return CTL_USAGE;
	argc -= optind;
	argv += optind;
	if (l.version) {
		printf("ebpfctl %s\n", AGENT_VERSION);
		return CTL_DONE;
	}
	if (argc == 0) {
		if (l.help)
			return finish(verb_help(&l.ctl, 0, NULL));
		ctl_error("no verb: `ebpfctl help` lists them");
		return CTL_USAGE;
	}
	v = find_verb(argv[0]);
	if (!v || l.help)
		return finish(verb_help(&l.ctl, 1, argv));
	if (!v->run)
		return ctl_error("`%s` is not built in this version", v->name);
	if (check_usage(v, &l, argc - 1) < 0)
		return CTL_USAGE;
	l.ctl.color = wants_color();
	signal(SIGPIPE, SIG_IGN);
	return finish(v->run(&l.ctl, argc - 1, argv + 1));
}
