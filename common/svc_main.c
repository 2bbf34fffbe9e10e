/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon's command line: what is asked for, and the configuration to do it with. */
#include "svc.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <string.h>

#include "paths.h"
#include "svc_private.h"

static void usage(const struct svc_def *def, FILE *f)
{
	fprintf(f,
		"ebpf-%s [OPTION…]\n%s\n\n"
		"  --check            read the configuration, print the effective one, and end\n"
		"  --config DIRS      directories of configuration, a colon list, lowest first\n"
		"  --log-level LEVEL  error, warning, notice, info or debug; the configuration says it otherwise\n"
		"  --version\n"
		"  --help\n",
		def->name, def->about);
}

/* Exit status, or -1: go on. */
static int parse_arguments(struct svc *s, int argc, char **argv, bool *ret_check)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },	{ "config", required_argument, NULL, 'd' },
		{ "log-level", required_argument, NULL, 'l' }, { "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },	{ 0 },
	};
	int o;

	optind = 1;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case 'c':
			*ret_check = true;
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

static int with_config(struct svc *s, bool check)
{
	cleanup(diag_fini) struct diag d = { 0 };
	int err;

	if (!check && !svc_backoff_wait(s))
		return EXIT_SUCCESS;
	err = svc_config_read(&s->schema, s->dirs, s->def->name, &s->config, &d);
	for (size_t i = 0; i < d.n_warnings; i++)
		log_warning("%s", d.warnings[i]);
	if (err < 0) {
		log_error("%s", d.error[0] ? d.error : strerror(-err));
		return EXIT_FAILURE;
	}
	if (check) {
		conf_print(&s->schema.schema, s->config.obj, stdout);
		return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	svc_level_apply(s);
	return svc_run(s);
}

int svc_main(const struct svc_def *def, int argc, char **argv)
{
	struct svc s = { .def = def, .dirs = path_config(), .forced_level = -1, .lock = -1, .helper_fd = -1,
			 .helper_pidfd = -1 };
	bool check = false;
	int status;

	mallopt(M_ARENA_MAX, 1);	/* nanomsg's thread would get one of its own: memory for nothing */
	log_init(def->name, LOG_INFO);
	status = parse_arguments(&s, argc, argv, &check);
	if (status >= 0)
		return status;
	if (svc_schema_init(&s.schema, def) < 0)
		return EXIT_FAILURE;
	status = with_config(&s, check);
	svc_config_fini(&s.config);
	svc_schema_fini(&s.schema);
	return status;
}
