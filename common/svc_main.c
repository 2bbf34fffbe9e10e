/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon's command line: what is asked for, and the configuration to do it with. */
#include "svc.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <string.h>

#include "mdoc.h"
#include "paths.h"
#include "svc_private.h"

static const struct svc_option {
	const char *name, *arg, *help;	/* without help: for `make man` alone */
	int val;
} options[] = {
	{ "check",     NULL,    "print the effective configuration with where each value comes from, and end", 'c' },
	{ "config",    "DIRS",  "directories of configuration, a colon list, lowest first", 'd' },
	{ "log-level", "LEVEL", "error, warning, notice, info or debug; the configuration says it otherwise", 'l' },
	{ "schema",    NULL,    "print every key of the configuration, with type, default and meaning, and end", 's' },
	{ "version",   NULL,    "print the version, and end", 'v' },
	{ "help",      NULL,    "print the options, and end", 'h' },
	{ "mdoc",      "PART",  NULL, 'm' },
};

static void usage(const struct svc_def *def, FILE *f)
{
	fprintf(f, "ebpf-%s [OPTION…]\n%s\n\n", def->name, def->about);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct svc_option *o = &options[i];
		char left[32];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "", o->arg ?: "");
		if (o->help)
			fprintf(f, "  %-18s %s\n", left, o->help);
	}
}

/* What the man pages are made of. */
static int print_mdoc(const struct svc *s, const char *part)
{
	const char *row = NULL;

	if (!strcmp(part, "about")) {
		fputs(".Nd ", stdout);
		mdoc_text(stdout, s->def->about);
		putchar('\n');
	} else if (!strcmp(part, "synopsis")) {
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			if (options[i].help)
				printf(".Op Fl Fl %s%s%s\n", options[i].name, options[i].arg ? " Ar " : "",
				       options[i].arg ?: "");
	} else if (!strcmp(part, "options")) {
		for (size_t i = 0; i < ARRAY_SIZE(options); i++)
			if (options[i].help)
				mdoc_option(stdout, options[i].name, options[i].arg, options[i].help);
	} else if (strcmp(part, "keys") || conf_print_mdoc(&s->schema.schema, stdout, &row) < 0) {
		log_error(row ? "the key %s has no help" : "--mdoc: about, synopsis, options or keys, not \"%s\"",
			  row ?: part);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

enum task { RUN, CHECK, SCHEMA, MDOC };

/* Exit status, or -1: go on. */
static int parse_arguments(struct svc *s, int argc, char **argv, enum task *ret_task, const char **ret_part)
{
	struct option table[ARRAY_SIZE(options) + 1] = { 0 };
	int o;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		table[i] = (struct option){ options[i].name, options[i].arg ? required_argument : no_argument, NULL,
					    options[i].val };
	optind = 1;
	while ((o = getopt_long(argc, argv, "", table, NULL)) != -1)
		switch (o) {
		case 'c':
			*ret_task = CHECK;
			break;
		case 's':
			*ret_task = SCHEMA;
			break;
		case 'm':
			*ret_task = MDOC;
			*ret_part = optarg;
			break;
		case 'd':
			s->dirs = optarg;
			break;
		case 'l':
			s->forced_level = svc_level_parse(optarg);
			if (s->forced_level >= 0)
				break;
			log_error("--log-level: error, warning, notice, info or debug, not \"%s\"", optarg);
			return 2;
		case 'v':
			printf("ebpf-%s %s\n", s->def->name, AGENT_VERSION);
			return 0;
		case 'h':
			usage(s->def, stdout);
			return 0;
		default:
			usage(s->def, stderr);
			return 2;
		}
	if (optind == argc)
		return -1;
	log_error("unexpected argument \"%s\"", argv[optind]);
	return 2;
}

/* Without a valid configuration there is none that could be in effect: it is said, and it ends. */
static int refuse_config(const struct diag *d, int err)
{
	cleanup(freep) char *status = NULL;
	const char *why = d->error[0] ? d->error : strerror(-err);

	log_error("%s", why);
	if (asprintf(&status, "STATUS=not started: %.*s", (int)strcspn(why, "\n"), why) > 0)
		(void)svc_notify(status);
	return EXIT_FAILURE;
}

static int with_config(struct svc *s, bool check)
{
	cleanup(diag_fini) struct diag d = { 0 };
	int err;

	if (!check && !svc_backoff_wait(s))
		return EXIT_SUCCESS;
	err = svc_config_read(&s->schema, s->dirs, s->def->name, &s->config, &d);
	for (size_t i = 0; i < d.n_warnings; i++)
		log_warning("%s", d.warnings[i]);
	if (err < 0)
		return refuse_config(&d, err);
	if (check) {
		err = svc_config_print(s, false, stdout);
		return err == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	svc_level_apply(s);
	return svc_run(s);
}

static int do_task(struct svc *s, enum task task, const char *part)
{
	int status;

	switch (task) {
	case SCHEMA:
		printf("# ebpf-%s's configuration: everything that may be there.\n", s->def->name);
		conf_print_schema(&s->schema.schema, stdout);
		status = EXIT_SUCCESS;
		break;
	case MDOC:
		status = print_mdoc(s, part);
		break;
	default:
		return with_config(s, task == CHECK);
	}
	return fflush(stdout) == 0 ? status : EXIT_FAILURE;
}

int svc_main(const struct svc_def *def, int argc, char **argv)
{
	struct svc s = { .def = def, .dirs = path_config(), .forced_level = -1, .lock = -1, .helper_fd = -1,
			 .helper_pidfd = -1 };
	enum task task = RUN;
	const char *part = NULL;
	int status;

	mallopt(M_ARENA_MAX, 1);	/* nanomsg's thread would get one of its own: memory for nothing */
	log_init(def->name, LOG_INFO);
	status = parse_arguments(&s, argc, argv, &task, &part);
	if (status >= 0)
		return status;
	if (svc_schema_init(&s.schema, def) < 0)
		return EXIT_FAILURE;
	status = do_task(&s, task, part);
	svc_config_fini(&s.config);
	svc_schema_fini(&s.schema);
	return status;
}
