/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cmdline.h"

#define HELP_COLUMN 22
#define HELP_WIDTH 78

static void print_opt(const struct opt *o)
{
	const char *text = o->help;
	char left[32];

	snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "", o->arg ?: "");
	printf("  %-19s ", left);
	while (strlen(text) > HELP_WIDTH) {
		size_t len = HELP_WIDTH;

		while (len > 1 && text[len] != ' ')
			len--;
		printf("%.*s\n%*s", (int)len, text, HELP_COLUMN, "");
		text += len + 1;
	}
	puts(text);
}

static void print_verb(const struct verb *v)
{
	printf("Usage: ebpfctl %s [OPTION…]%s%s\n\n%s%s.\n", v->name, v->args[0] ? " " : "", v->args, v->help,
	       v->run ? "" : "; not built in this version");
	if (v->more)
		printf("\n%s", v->more);
	printf("\nOptions:\n");
	for (const struct opt *o = opts; o->name; o++)
		if (opt_is_of(o, v))
			print_opt(o);
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
		if (v->run && v->help)
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

int verb_help(const struct ctl *c, int argc, char **argv)
{
	(void)c;
	const struct verb *v = argc ? verb_find(argv[0]) : NULL;

	if (argc && (!v || !v->help)) {
		ctl_error("no verb '%s': `ebpfctl help` lists them", argv[0]);
		return CTL_USAGE;
	}
	if (v)
		print_verb(v);
	else
		print_help();
	return CTL_DONE;
}
